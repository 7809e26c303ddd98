# SPDX-License-Identifier: Apache-2.0
"""Separates what an emotion does to the pooled state from what the voice and the room do."""

from collections.abc import Sequence

import numpy as np

from ser_ros.recognition.adaptation_prior import AdaptationPrior

_ITERATIONS = 10
"""More change no centroid by more than a thousandth of the offsets' deviation on RAVDESS."""

_LEAST_COUNT, _MOST_COUNT = 0.5, 50.0
"""Range of prior counts: beyond it, a dimension is either all voice or none, as far as so few voices can show."""


def fit_prior(
    pooled: np.ndarray, truth: np.ndarray, voices: Sequence[str], labels: tuple[str, ...], weights: np.ndarray
) -> AdaptationPrior | None:
    """Return what adaptation starts from; None for fewer than two voices, or if a label has no clip.

    Each pooled state is taken as its label's centroid, plus the offset of its voice, plus the rest. Centroids and
    offsets are fitted in turns; each voice counts the same, and so does each label within a voice.

    Args:
        pooled: float, shape (clips, width).
        truth: int, shape (clips,), index of each clip's label.
        voices: Who speaks, for each clip.
        labels: In the order of the logits.
        weights: float, shape (labels, width); of the layer that makes the logits.
    """
    names, voice_ids = np.unique(np.asarray(voices, dtype=np.str_), return_inverse=True)
    if len(names) < 2 or len(set(truth.tolist())) < len(labels):
        return None
    pooled = pooled.astype(np.float64)
    means, spoken = _means(pooled, voice_ids, truth, (len(names), len(labels)))
    offsets = np.zeros((len(names), pooled.shape[1]))
    for _ in range(_ITERATIONS):
        centroids = _mean_over(means - offsets[:, np.newaxis], spoken, axis=0)
        offsets = _mean_over(means - centroids, spoken, axis=1)
        offsets -= offsets.mean(axis=0)
    centroids = _mean_over(means - offsets[:, np.newaxis], spoken, axis=0)
    rest = pooled - centroids[truth] - offsets[voice_ids]
    counts = (rest**2).mean(axis=0) / np.maximum((offsets**2).mean(axis=0), np.finfo(np.float64).tiny)
    return AdaptationPrior(
        labels=labels,
        weights=weights.astype(np.float32),
        centroids=centroids.astype(np.float32),
        prior_counts=np.clip(counts, _LEAST_COUNT, _MOST_COUNT).astype(np.float32),
    )


def _means(
    pooled: np.ndarray, voice_ids: np.ndarray, truth: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of each voice and label, shape (voices, labels, width), and which of them there are."""
    cells = voice_ids * shape[1] + truth
    counts = np.bincount(cells, minlength=shape[0] * shape[1])
    sums = np.zeros((len(counts), pooled.shape[1]))
    np.add.at(sums, cells, pooled)
    means = sums / np.maximum(counts, 1)[:, np.newaxis]
    return means.reshape(*shape, -1), (counts > 0).reshape(shape)


def _mean_over(values: np.ndarray, there: np.ndarray, axis: int) -> np.ndarray:
    """Return the mean over `axis` of those cells of (voices, labels, width) that are there."""
    shares = there / there.sum(axis=axis, keepdims=True)
    return (values * shares[:, :, np.newaxis]).sum(axis=axis)
