# SPDX-License-Identifier: Apache-2.0
"""What a least confidence costs and gains: how much is still answered, and how much of that is right."""

import numpy as np

from ser_ros.training.evaluation.scores import CoveragePoint

LEAST_CONFIDENCES = tuple(round(0.05 * step, 2) for step in range(20))
"""0 to 0.95."""


def coverage(probabilities: np.ndarray, truth: np.ndarray, is_ordinary: np.ndarray) -> tuple[CoveragePoint, ...]:
    """Return a point for each of LEAST_CONFIDENCES.

    Args:
        probabilities: float, shape (utterances, labels), at least one utterance.
        truth: int, shape (utterances,), index of each one's label.
        is_ordinary: bool, shape (labels,), whether a label is one of ordinary speech.
    """
    confidence, label = probabilities.max(axis=-1), probabilities.argmax(axis=-1)
    right, emotional = label == truth, ~is_ordinary[label]
    return tuple(
        CoveragePoint(
            least_confidence=least,
            coverage=float((confidence >= least).mean()),
            accuracy=_share(right[confidence >= least]),
            emotion_accuracy=_share(right[(confidence >= least) & emotional]),
            ordinary_called_emotion=ordinary_called_emotion(probabilities, truth, is_ordinary, least),
        )
        for least in LEAST_CONFIDENCES
    )


def ordinary_called_emotion(
    probabilities: np.ndarray, truth: np.ndarray, is_ordinary: np.ndarray, least_confidence: float = 0.0
) -> float | None:
    """Return the share of the ordinary utterances that are answered with a strong emotion; None if there are none."""
    emotional = ~is_ordinary[probabilities.argmax(axis=-1)] & (probabilities.max(axis=-1) >= least_confidence)
    return _share(emotional[is_ordinary[truth]])


def _share(which: np.ndarray) -> float | None:
    return float(which.mean()) if len(which) else None
