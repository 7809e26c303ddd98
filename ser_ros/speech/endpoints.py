# SPDX-License-Identifier: Apache-2.0
"""Finds where an utterance begins and ends to the sample, within what the voice activity detector has found.

The detector decides for chunks of 32 ms whose place in the stream is chance: the same words would be cut differently
each time they are heard, and a model's answer with them. Loudness does not depend on where the chunks lie.
"""

import numpy as np

from ser_ros.audio.block import SAMPLE_RATE

_WINDOW = 0.025
"""Seconds over which loudness is taken: the usual frame of speech analysis."""

_FLOOR = 10 ** (-30 / 20)
"""Sound softer than 30 dB below the utterance's loudest window is not yet, or no longer, part of it."""

EARLIEST_START = 0.1
"""Seconds before the detector's start at which the sound may begin."""

_FARTHEST = 0.25
"""Seconds into the utterance, from either side, at which its sound may begin or end."""


def sharpen_start(samples: np.ndarray, start: int, end: int) -> int:
    """Return the index in `samples` (float32, shape (n,)) at which the sound of the utterance [start, end) begins.

    It is `start` itself where the sound is as loud before it: in noise, or in the middle of a word.
    """
    first = max(start - _count(EARLIEST_START), 0)
    loud = np.flatnonzero(_is_loud(samples[first:end])[: start - first + _count(_FARTHEST)])
    return first + int(loud[0]) if len(loud) and loud[0] > 0 else start


def sharpen_end(samples: np.ndarray, start: int, end: int) -> int:
    """Return the index after the last sample of the utterance's sound, at most `end`."""
    first = max(end - _count(_FARTHEST), start)
    loud = np.flatnonzero(_is_loud(samples[start:end])[first - start :])
    return first + int(loud[-1]) + 1 if len(loud) else end


def _is_loud(samples: np.ndarray) -> np.ndarray:
    half = _count(_WINDOW) // 2
    energy = np.concatenate(([0.0], np.cumsum(np.square(samples, dtype=np.float64))))
    index = np.arange(len(samples))
    low, high = np.maximum(index - half, 0), np.minimum(index + half, len(samples))
    power = (energy[high] - energy[low]) / (high - low)
    return power >= power.max(initial=0.0) * _FLOOR**2


def _count(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE)
