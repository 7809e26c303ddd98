# SPDX-License-Identifier: Apache-2.0
"""Whether an optimised form answers as its model does."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

LEAST_LABELS_EQUAL = 0.995
LARGEST_DIFFERENCE = 0.1
"""Of any probability on any clip. All labels may be the same and the confidence still be different."""


@dataclass(frozen=True)
class Agreement:
    """How two ways to run a model agree.

    Attributes:
        clips: Number of compared clips.
        labels_equal: Share with the same most probable label, 0..1.
        largest_difference: Between any two probabilities, 0..1.
    """

    clips: int
    labels_equal: float
    largest_difference: float

    @property
    def is_good(self) -> bool:
        """Whether one may replace the other."""
        return self.labels_equal >= LEAST_LABELS_EQUAL and self.largest_difference <= LARGEST_DIFFERENCE


def compare(expected: np.ndarray, classify: Callable[[np.ndarray], np.ndarray], clips: list[np.ndarray]) -> Agreement:
    """Compare `expected`, shape (clips, labels), with what `classify` says about each clip."""
    answers = np.stack([classify(clip) for clip in clips])
    return Agreement(
        clips=len(clips),
        labels_equal=float((answers.argmax(axis=1) == expected.argmax(axis=1)).mean()),
        largest_difference=float(np.nan_to_num(np.abs(answers - expected), nan=1.0).max()),
    )
