# SPDX-License-Identifier: Apache-2.0
"""Cuts a stream of blocks of any length into the chunks that the voice activity detector needs."""

import numpy as np

from ser_ros.audio.block import SAMPLE_RATE, AudioBlock
from ser_ros.speech.vad import CHUNK_SAMPLES


class Framer:
    """Collects blocks and returns chunks of exactly 512 samples, each with its capture time."""

    def __init__(self) -> None:
        """Start with nothing collected."""
        self._rest: np.ndarray = np.empty(0, dtype=np.float32)
        self._end_time = 0.0
        self._arrival = 0.0

    def push(self, block: AudioBlock) -> list[AudioBlock]:
        """Add `block` and return the chunks that are now complete."""
        samples = np.concatenate((self._rest, block.samples))
        start_time = block.start_time - len(self._rest) / SAMPLE_RATE
        whole = len(samples) // CHUNK_SAMPLES * CHUNK_SAMPLES
        self._rest = samples[whole:]
        self._end_time = block.start_time + block.duration
        self._arrival = block.arrival
        return [
            AudioBlock(
                samples[at : at + CHUNK_SAMPLES],
                start_time + at / SAMPLE_RATE,
                block.arrival - (len(samples) - at - CHUNK_SAMPLES) / SAMPLE_RATE,
            )
            for at in range(0, whole, CHUNK_SAMPLES)
        ]

    def flush(self) -> list[AudioBlock]:
        """Return what is left, padded with silence to a whole chunk; an empty list if nothing is."""
        if not len(self._rest):
            return []
        start_time = self._end_time - len(self._rest) / SAMPLE_RATE
        samples = np.pad(self._rest, (0, CHUNK_SAMPLES - len(self._rest)))
        self._rest = self._rest[:0]
        return [AudioBlock(samples, start_time, self._arrival)]
