# SPDX-License-Identifier: Apache-2.0
"""How an utterance that is longer than a model can take is cut."""

import numpy as np


def windows(samples: np.ndarray, longest: int | None) -> list[np.ndarray]:
    """Return the fewest parts of `samples` (float32, shape (n,)) of at most `longest` samples, mostly one.

    Where there are several, each is as long as it may be, and they overlap evenly. None is no limit.
    """
    if longest is None or len(samples) <= longest:
        return [samples]
    count = -(-len(samples) // longest)
    starts = np.linspace(0, len(samples) - longest, count).astype(int)
    return [samples[start : start + longest] for start in starts]
