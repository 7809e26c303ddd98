# SPDX-License-Identifier: Apache-2.0
"""How loud the room is while nobody speaks, and whether what was taken for speech is a voice that stands out of it.

The constants tell what they were measured on; `min_voice` is `tools/measuring/make_verifier.py`'s.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.speech.level import LOWEST, levels
from ser_ros.speech.rejection import Rejection
from ser_ros.speech.segmenter import SpeechState, Utterance
from ser_ros.speech.vad import CHUNK_SAMPLES
from ser_ros.speech.variation import variation
from ser_ros.speech.verifier import voice_probability

_MEMORY = round(3.0 * SAMPLE_RATE / CHUNK_SAMPLES)
"""Chunks of quiet (3 s) over which the floor is taken."""

_FLOOR_SHARE = 0.25
"""A quarter of them is softer than the floor: knocks do not raise it, and it follows a fan that stops within 0.8 s of
quiet, one that starts within 2.3 s."""

_NO_VOICE = 0.2
"""Speech probability below which sound is the room."""

_LOUD_PERCENTILE = 90
"""Of the levels in an utterance: its vowels. In pink noise at a signal-to-noise ratio of 10 dB, they are at least 11 dB
above the floor in 99.8 % of RAVDESS, at 0 dB in half of it 7.5 dB."""

_LEAST_VARIATION = 2.2
"""dB. Hum, hiss, fans and propellers vary by 0.2 to 2.15; RAVDESS by 3.1 at least, in pink noise at 10 dB by 2.4; all
measured when the loudest window, which may be a knock, was still the reference."""

Verifier = Callable[[Utterance], float]
"""Tells how probable it is, 0..1, that a person spoke an utterance."""


@dataclass(frozen=True)
class RoomConfig:
    """What is answered in which room."""

    noise_margin: float = 4.0
    """dB by which speech must be louder than the room; 0 answers the softest too. In pink noise at 8 dB, 6 dB lost 7 of
    240 clips of EMO-DB, EMOVO and nEMO more than 4 dB, which let 2 more alarms pass where there were 359."""
    min_voice: float = 0.5
    """Probability (0..1) that a person spoke an utterance below which it is noise; 0 answers all."""


class Room:
    """Listens to every chunk of one stream and judges its utterances; the levels may be asked for by any thread."""

    def __init__(self, config: RoomConfig | None = None, verifier: Verifier = voice_probability):
        """Begin with the most silent room: nothing is too quiet before the room was heard."""
        self._quiet: deque[float] = deque(maxlen=_MEMORY)
        self._verifier = verifier
        self.reset()
        self.configure(config or RoomConfig())

    def configure(self, config: RoomConfig) -> None:
        """Take other settings for the utterances judged from now on."""
        self._config = config

    def reset(self) -> None:
        """Forget the room."""
        self._quiet.clear()
        self._level = self._floor = self._voice = LOWEST

    @property
    def level(self) -> float:
        """Level of the latest chunk: its root mean square in dBFS without its offset, at least -90."""
        return self._level

    @property
    def floor(self) -> float:
        """Level of the room while nobody speaks, in dBFS, at least -90; while somebody speaks it stays."""
        return self._floor

    @property
    def voice(self) -> float:
        """Level of the vowels of the utterance that was judged last, in dBFS; -90 before the first."""
        return self._voice

    def hear(self, chunk: np.ndarray, probability: float, state: SpeechState) -> None:
        """Take the next chunk (float32, shape (512,)), its speech probability and the state it left the segmenter in.

        What may be a soft voice raises no floor, but any quiet chunk may lower it, so that it is never stuck.
        """
        self._level = float(levels(chunk)[0])
        if state is SpeechState.QUIET and (probability < _NO_VOICE or self._level < self._floor):
            self._quiet.append(self._level)
            self._floor = sorted(self._quiet)[int(len(self._quiet) * _FLOOR_SHARE)]

    def judge(self, utterance: Utterance) -> Rejection | None:
        """Return why `utterance`, interim or final, is not to be answered; None where it is."""
        speech = utterance.speech
        self._voice = float(np.percentile(levels(speech), _LOUD_PERCENTILE))
        if self._config.noise_margin and self._voice - self._floor < self._config.noise_margin:
            return Rejection.TOO_QUIET
        if self._config.min_voice and not self._is_voice(utterance):
            return Rejection.NOISE
        return None

    def _is_voice(self, utterance: Utterance) -> bool:
        """Return whether it sounds like a person, and changes: a machine that sounds like one does not."""
        return variation(utterance.speech) >= _LEAST_VARIATION and self._verifier(utterance) >= self._config.min_voice
