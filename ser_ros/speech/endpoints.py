# SPDX-License-Identifier: Apache-2.0
"""Finds where an utterance begins and ends to the sample, within what the voice activity detector has found.

The detector decides for chunks of 32 ms whose position in the stream is random: the same words would be cut differently
each time they are heard, which would change a model's answer. Loudness does not depend on where the chunks lie.
"""

import numpy as np

from ser_ros.audio.block import SAMPLE_RATE

_WINDOW = 0.025
"""Seconds over which loudness is measured: the usual frame of speech analysis."""

_FLOOR = 10 ** (-25 / 20)
"""Sound softer than 25 dB below the utterance's loudest window is not yet, or no longer, part of it."""

_FARTHEST_INSIDE = 0.5
"""Seconds inside what the detector has found in which the sound may begin or end."""


def window_power(samples: np.ndarray) -> np.ndarray:
    """Return the power of `samples` (float32, shape (n,)) in a window around each border between two, shape (n + 1,).

    The mean of the samples is subtracted: an offset, which cheap microphones have, would be as loud in the silence as
    in the speech.
    """
    count, half = len(samples), _count(_WINDOW) // 2
    energy = np.concatenate(([0.0], np.cumsum(np.square(samples - samples.mean(dtype=np.float64)))))
    padded = np.concatenate((np.full(half, energy[0]), energy, np.full(half, energy[-1])))
    border = np.arange(count + 1)
    widths = np.minimum(border + half, count) - np.maximum(border - half, 0)
    return (padded[2 * half :] - padded[: count + 1]) / widths


def sharpen_start(power: np.ndarray, start: int, end: int, *, margin: float) -> int:
    """Return the index of the sample at which the sound of the utterance [start, end) begins; `power`: of its window.

    It lies at most `margin` seconds before `start`, and is `start` itself if the sound is as loud all the way before
    it: in noise, or in the middle of a word.
    """
    first = max(start - _count(margin), 0)
    last = min(start + _count(_FARTHEST_INSIDE), end)
    loud = np.flatnonzero(power[first:last] >= power[start:end].max(initial=0.0) * _FLOOR**2)
    return first + int(loud[0]) if len(loud) and loud[0] > 0 else start


def sharpen_end(power: np.ndarray, start: int, end: int, *, margin: float) -> int:
    """Return the index after the last sample of the sound of the utterance [start, end); like `sharpen_start`."""
    count = len(power) - 1
    return count - sharpen_start(power[::-1], count - end, count - start, margin=margin)


def _count(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE)
