# SPDX-License-Identifier: Apache-2.0
"""How loud the room is while nobody speaks, and whether what was taken for speech is a voice that stands out of it.

Every constant was measured by `tools/measure_false_alarms.py` or on the same sound; README has the figures.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.speech.rejection import Rejection
from ser_ros.speech.segmenter import SpeechState, Utterance
from ser_ros.speech.vad import CHUNK_SAMPLES
from ser_ros.speech.voicing import periodicity, variation

_LOWEST = -90.0
"""dBFS: one step of a 16 bit sample. No level is taken to be lower, digital silence included."""

_MEMORY = round(3.0 * SAMPLE_RATE / CHUNK_SAMPLES)
"""Chunks of quiet (3 s) over which the floor is taken."""

_FLOOR_SHARE = 0.25
"""A quarter of them is softer than the floor: knocks do not raise it, and it follows a fan that stops within 0.8 s of
quiet, one that starts within 2.3 s."""

_NO_VOICE = 0.2
"""Speech probability below which sound is the room. 98 % of the chunks of machines, rain and wind are (ESC-50), but
only 74 % of those of a voice that is too soft for the detector (RAVDESS 40 dB softer)."""

_LOUD_PERCENTILE = 90
"""Of the levels in an utterance: its vowels. In pink noise at a signal-to-noise ratio of 10 dB, they are at least 11 dB
above the floor in 99.8 % of RAVDESS, at 0 dB in half of it 7.5 dB."""

_LEAST_VARIATION = 2.2
"""dB. Hum, hiss, fans and propellers vary by 0.2 to 2.15; RAVDESS by 3.1 at least, in pink noise at 10 dB by 2.4."""


@dataclass(frozen=True)
class RoomConfig:
    """What is answered in which room."""

    noise_margin: float = 6.0
    """dB by which speech must be louder than the room; 0 answers the softest too."""
    min_voice: float = 0.45
    """Mean speech probability times periodicity (0..1) below which an utterance is noise; 0 answers everything."""


class Room:
    """Listens to every chunk of one stream and judges its utterances; `floor` may be asked by any thread."""

    def __init__(self, config: RoomConfig | None = None):
        """Begin with the most silent room: nothing is too quiet before the room was heard."""
        self._quiet: deque[float] = deque(maxlen=_MEMORY)
        self.reset()
        self.configure(config or RoomConfig())

    def configure(self, config: RoomConfig) -> None:
        """Take other settings for the utterances judged from now on."""
        self._config = config

    def reset(self) -> None:
        """Forget the room."""
        self._quiet.clear()
        self._level = self._floor = _LOWEST

    @property
    def level(self) -> float:
        """Level of the latest chunk: its root mean square in dBFS without its offset, at least -90."""
        return self._level

    @property
    def floor(self) -> float:
        """Level of the room while nobody speaks, in dBFS, at least -90; while somebody speaks it stays."""
        return self._floor

    def hear(self, chunk: np.ndarray, probability: float, state: SpeechState) -> None:
        """Take the next chunk (float32, shape (512,)), its speech probability and the state it left the segmenter in.

        What may be a soft voice raises no floor, but any quiet chunk may lower it, so that it is never stuck.
        """
        self._level = float(_levels(chunk)[0])
        if state is SpeechState.QUIET and (probability < _NO_VOICE or self._level < self._floor):
            self._quiet.append(self._level)
            self._floor = sorted(self._quiet)[int(len(self._quiet) * _FLOOR_SHARE)]

    def judge(self, utterance: Utterance) -> Rejection | None:
        """Return why `utterance`, interim or final, is not to be answered; None where it is."""
        speech = utterance.speech
        if self._config.noise_margin and not self._stands_out(speech):
            return Rejection.TOO_QUIET
        if self._config.min_voice and not self._is_voice(speech, utterance.speech_probability):
            return Rejection.NOISE
        return None

    def _stands_out(self, speech: np.ndarray) -> bool:
        return np.percentile(_levels(speech), _LOUD_PERCENTILE) - self._floor >= self._config.noise_margin

    def _is_voice(self, speech: np.ndarray, probability: float) -> bool:
        """Return whether the detector and the pitch, two witnesses of different kinds, agree that somebody speaks.

        A machine may convince both, but it does not change as speech does.
        """
        return probability * periodicity(speech) >= self._config.min_voice and variation(speech) >= _LEAST_VARIATION


def _levels(samples: np.ndarray) -> np.ndarray:
    """Return the level in dBFS of each whole chunk of `samples`, of which there is at least one."""
    if len(samples) < CHUNK_SAMPLES:
        samples = np.pad(samples, (0, CHUNK_SAMPLES - len(samples)))
    chunks = samples[: len(samples) // CHUNK_SAMPLES * CHUNK_SAMPLES].reshape(-1, CHUNK_SAMPLES)
    return 10 * np.log10(np.maximum(chunks.var(axis=1), 10 ** (_LOWEST / 10)))
