# SPDX-License-Identifier: Apache-2.0
"""Cuts an utterance that is too long for a model."""

import numpy as np


def windows(samples: np.ndarray, longest: int | None) -> list[np.ndarray]:
    """Return the fewest parts of `samples` (float32, shape (n,)) of at most `longest` samples, mostly one.

    If there are several, each has the maximum length, and they overlap evenly. None means no limit.
    """
    if longest is None or len(samples) <= longest:
        return [samples]
    count = -(-len(samples) // longest)
    starts = np.linspace(0, len(samples) - longest, count).astype(int)
    return [samples[start : start + longest] for start in starts]
