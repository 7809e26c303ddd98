# SPDX-License-Identifier: Apache-2.0
"""The form in which sound travels through the package."""

from dataclasses import dataclass

import numpy as np

SAMPLE_RATE = 16_000
"""Hz. The rate that every speech encoder in this field and Silero VAD were trained on."""

BLOCK_DURATION = 0.032
"""Seconds of sound that a source hands over at a time: one chunk of the voice activity detector."""


@dataclass(frozen=True, eq=False)
class AudioBlock:
    """A stretch of mono sound at 16 kHz and when it was captured.

    Attributes:
        samples: float32, shape (n,), full scale is -1..1.
        start_time: Seconds, capture time of the first sample on the clock that stamps messages (ROS or wall clock).
        arrival: Seconds of `time.monotonic()` at which the last sample was captured, as far as the source can tell.
        after_gap: Sound between the block before and this one was lost; nothing may be heard across it.
    """

    samples: np.ndarray
    start_time: float
    arrival: float
    after_gap: bool = False

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / SAMPLE_RATE
