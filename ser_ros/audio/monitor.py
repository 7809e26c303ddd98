# SPDX-License-Identifier: Apache-2.0
"""Watches whether what a microphone delivers can be sound at all."""

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from ser_ros.audio.block import SAMPLE_RATE

_WINDOW = 1.0
"""Seconds over which level, clipping and offset are measured."""

_CLIPPED = 0.999
"""Samples at or beyond this are full scale; 16 bits reach 0.99997, and a resampler takes some of it away."""

QUIETEST = -120.0
"""dBFS; below the last bit of 16 (-96 dBFS), which is practically nothing."""


@dataclass(frozen=True)
class SignalStatistics:
    """Measurements of the last second of sound.

    Attributes:
        level: dBFS, of the root mean square; -120 for nothing.
        zeros: Seconds for which every sample up to now has been exactly zero.
        clipped: Share of samples at full scale, 0..1.
        offset: Mean of the samples (-1..1), which is 0 if the sound card works properly.
    """

    level: float = QUIETEST
    zeros: float = 0.0
    clipped: float = 0.0
    offset: float = 0.0


class SignalMonitor:
    """Hears every block in one thread; any other may read the statistics."""

    def __init__(self) -> None:
        """Start with nothing heard."""
        self._blocks: deque[tuple[int, float, float, int]] = deque()
        self._heard = 0
        self._zeros = 0

    def hear(self, samples: np.ndarray) -> None:
        """Take the next samples (float32, shape (n,), 16 kHz)."""
        count = len(samples)
        if not count:
            return
        energy = float(np.dot(samples, samples))
        self._zeros = 0 if energy else self._zeros + count
        clipped = int(np.count_nonzero(np.abs(samples) >= _CLIPPED))
        self._blocks.append((count, float(samples.sum(dtype=np.float64)), energy, clipped))
        self._heard += count
        while self._heard - self._blocks[0][0] >= _WINDOW * SAMPLE_RATE:
            self._heard -= self._blocks.popleft()[0]

    def statistics(self) -> SignalStatistics:
        """Return how it sounds now."""
        blocks = list(self._blocks)
        if not blocks:
            return SignalStatistics()
        count, total, energy, clipped = (sum(column) for column in zip(*blocks, strict=True))
        level = max(10 * math.log10(max(energy / count, 1e-30)), QUIETEST)
        return SignalStatistics(level, self._zeros / SAMPLE_RATE, clipped / count, total / count)
