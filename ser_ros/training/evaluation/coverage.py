# SPDX-License-Identifier: Apache-2.0
"""What a least confidence costs and gains: how much is still answered, and how much of that is right."""

import numpy as np

from ser_ros.training.evaluation.scores import CoveragePoint

LEAST_CONFIDENCES = tuple(round(0.05 * step, 2) for step in range(20))
"""0 to 0.95."""


def coverage(probabilities: np.ndarray, truth: np.ndarray) -> tuple[CoveragePoint, ...]:
    """Return a point for each of LEAST_CONFIDENCES.

    Args:
        probabilities: float, shape (utterances, labels), at least one utterance.
        truth: int, shape (utterances,), index of each one's label.
    """
    confidence, right = probabilities.max(axis=-1), probabilities.argmax(axis=-1) == truth
    points = []
    for least in LEAST_CONFIDENCES:
        answered = confidence >= least
        accuracy = float(right[answered].mean()) if answered.any() else None
        points.append(CoveragePoint(least_confidence=least, coverage=float(answered.mean()), accuracy=accuracy))
    return tuple(points)
