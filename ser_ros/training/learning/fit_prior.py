# SPDX-License-Identifier: Apache-2.0
"""What adaptation starts from, learned from training clips."""

from collections.abc import Sequence

import numpy as np

from ser_ros.recognition.adaptation_prior import AdaptationPrior
from ser_ros.training.learning.separation import separate

_LEAST_COUNT, _MOST_COUNT = 0.5, 50.0
"""Range of prior counts: beyond it, a dimension is either all voice or none, as far as so few voices can show."""


def fit_prior(
    pooled: np.ndarray,
    truth: np.ndarray,
    voices: Sequence[str],
    durations: Sequence[float],
    labels: tuple[str, ...],
    weights: np.ndarray,
) -> AdaptationPrior | None:
    """Return what adaptation starts from; None for fewer than two voices.

    A label without clips, as one that a corpus which was left out has alone, is expected in the middle of the others.

    Args:
        pooled: float, shape (clips, width).
        truth: int, shape (clips,), index of each clip's label.
        voices: Who speaks, for each clip.
        durations: Seconds, of the utterance of each clip.
        labels: In the order of the logits.
        weights: float, shape (labels, width); of the layer that makes the logits.
    """
    if len(set(voices)) < 2:
        return None
    parts = separate(pooled, truth, voices, len(labels))
    heard = np.isin(np.arange(len(labels)), truth)
    centroids = np.where(heard[:, np.newaxis], parts.centroids, parts.centroids[heard].mean(axis=0))
    counts = (parts.rest**2).mean(axis=0) / np.maximum(parts.offset_variance, np.finfo(np.float64).tiny)
    return AdaptationPrior(
        labels=labels,
        weights=weights.astype(np.float32),
        centroids=centroids.astype(np.float32),
        prior_counts=np.clip(counts, _LEAST_COUNT, _MOST_COUNT).astype(np.float32),
        typical_duration=float(np.median(durations)),
    )
