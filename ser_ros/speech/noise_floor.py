# SPDX-License-Identifier: Apache-2.0
"""How loud the background is while no one is speaking."""

from collections import deque

import numpy as np

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.speech.level import LOWEST, levels
from ser_ros.speech.segmenter import SpeechState
from ser_ros.speech.vad import CHUNK_SAMPLES

_MEMORY = round(3.0 * SAMPLE_RATE / CHUNK_SAMPLES)
"""Chunks of quiet (3 s) over which the floor is computed."""

_FLOOR_SHARE = 0.25
"""A quarter of them is softer than the floor: knocks do not raise it, and it follows a fan that stops within 0.8 s of
quiet, one that starts within 2.3 s."""

_NO_VOICE = 0.2
"""Speech probability below which sound is background."""


class NoiseFloor:
    """Hears every chunk of one stream; any thread may read the level."""

    def __init__(self) -> None:
        """Start at the lowest level: nothing is too quiet until the background has been heard."""
        self._quiet: deque[float] = deque(maxlen=_MEMORY)
        self._level = LOWEST

    @property
    def level(self) -> float:
        """Level of the background in dBFS, at least -90; unchanged while someone is speaking."""
        return self._level

    def reset(self) -> None:
        """Forget what was heard."""
        self._quiet.clear()
        self._level = LOWEST

    def hear(self, chunk: np.ndarray, probability: float, state: SpeechState) -> None:
        """Take the next chunk (float32, shape (512,)), its speech probability and the state it left the segmenter in.

        Sound that may be a soft voice does not raise the floor, but any quiet chunk may lower it, so that it is never
        stuck.
        """
        if state is not SpeechState.QUIET:
            return
        level = float(levels(chunk)[0])
        if probability < _NO_VOICE or level < self._level:
            self._quiet.append(level)
            self._level = sorted(self._quiet)[int(len(self._quiet) * _FLOOR_SHARE)]
