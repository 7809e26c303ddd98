# SPDX-License-Identifier: Apache-2.0
"""How probable it is that a chunk of sound is speech: the only interface to the detectors."""

from typing import Protocol

import numpy as np

CHUNK_SAMPLES = 512
"""Samples per chunk (32 ms at 16 kHz): the only length that Silero VAD 5 and later accepts at this rate."""


class VoiceActivityDetector(Protocol):
    """Listens to one stream, chunk after chunk."""

    def speech_probability(self, chunk: np.ndarray) -> float:
        """Return 0..1 for the stream's next chunk (float32, shape (512,), 16 kHz)."""

    def reset(self) -> None:
        """Forget what was heard: the next chunk begins another stream."""
