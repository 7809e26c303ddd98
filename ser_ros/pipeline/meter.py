# SPDX-License-Identifier: Apache-2.0
"""Reads off what is heard, ten times for each second of sound, while somebody looks."""

import numpy as np

from ser_ros.audio.block import SAMPLE_RATE, AudioBlock
from ser_ros.pipeline.callbacks import Caller
from ser_ros.pipeline.gate import Closure
from ser_ros.pipeline.reading import Reading
from ser_ros.speech.hearing import Hearing
from ser_ros.speech.level import LOWEST
from ser_ros.speech.vad import CHUNK_SAMPLES

_PERIOD = SAMPLE_RATE // 10
"""Samples from one reading to the next, on average: a reading ends with a whole chunk of the detector."""


class Meter:
    """Makes the readings of one listener; used by its thread. While nobody looks it only counts samples."""

    def __init__(self, hearing: Hearing, caller: Caller):
        """Prepare to read off `hearing` and to report by `caller`."""
        self._hearing = hearing
        self._caller = caller
        self._is_watched = False
        self._passed = 0
        self._sound: list[np.ndarray] = []
        self._probability = 0.0

    def hear(self, chunk: AudioBlock) -> None:
        """Take the chunk that `hearing` has just heard."""
        if self._is_watched:
            self._probability = max(self._probability, self._hearing.speech_probability)
        self._pass(chunk, None)

    def overhear(self, block: AudioBlock, closure: Closure) -> None:
        """Take a block of any length that is not listened to because of `closure`."""
        for at in range(0, len(block.samples), CHUNK_SAMPLES):
            piece = block.samples[at : at + CHUNK_SAMPLES]
            self._pass(AudioBlock(piece, block.start_time + at / SAMPLE_RATE, block.arrival), closure)

    def _pass(self, chunk: AudioBlock, closure: Closure | None) -> None:
        if self._is_watched:
            self._sound.append(chunk.samples)
        self._passed += len(chunk.samples)
        if self._passed < _PERIOD:
            return
        self._passed -= _PERIOD
        if self._sound:
            self._report(chunk.start_time + chunk.duration, closure)
        self._sound = []
        self._probability = 0.0
        self._is_watched = self._caller.wants_readings()

    def _report(self, time: float, closure: Closure | None) -> None:
        power = float(np.concatenate(self._sound).var())
        self._caller.reading(
            Reading(
                time=time,
                level=10 * float(np.log10(max(power, 10 ** (LOWEST / 10)))),
                floor=self._hearing.noise_floor.level,
                speech_probability=self._probability,
                state=self._hearing.segmenter.state,
                gate=closure,
            )
        )
