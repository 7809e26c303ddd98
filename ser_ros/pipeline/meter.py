# SPDX-License-Identifier: Apache-2.0
"""Reads off what is heard, ten times for each second of sound, while somebody looks."""

import math

import numpy as np

from ser_ros.audio.block import SAMPLE_RATE, AudioBlock
from ser_ros.pipeline.callbacks import Caller
from ser_ros.pipeline.gate import Closure
from ser_ros.pipeline.reading import Reading
from ser_ros.speech.hearing import Hearing
from ser_ros.speech.level import LOWEST
from ser_ros.speech.segmenter import SpeechState
from ser_ros.speech.vad import CHUNK_SAMPLES

_PERIOD = SAMPLE_RATE // 10
"""Samples from one reading to the next, on average: a reading ends with a whole chunk of the detector."""

_QUIET_READINGS = 3
"""Readings that are reported together while no one is speaking: the second and the third take a third of the time of
the first, as the code of DDS is in the processor's caches by then."""


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
        self._unreported: list[Reading] = []

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
            self._unreported.append(self._reading(chunk.start_time + chunk.duration, closure))
            self._report()
        self._sound = []
        self._probability = 0.0
        self._is_watched = self._caller.wants_readings()

    def _report(self) -> None:
        if self._unreported[-1].state is SpeechState.QUIET and len(self._unreported) < _QUIET_READINGS:
            return
        for reading in self._unreported:
            self._caller.reading(reading)
        self._unreported = []

    def _reading(self, time: float, closure: Closure | None) -> Reading:
        sound = np.concatenate(self._sound)
        sound -= sound.sum() / len(sound)
        power = float(np.dot(sound, sound)) / len(sound)
        return Reading(
            time=time,
            level=10 * math.log10(max(power, 10 ** (LOWEST / 10))),
            floor=self._hearing.noise_floor.level,
            speech_probability=self._probability,
            state=self._hearing.segmenter.state,
            gate=closure,
        )
