# SPDX-License-Identifier: Apache-2.0
"""Why detected speech is not answered: too quiet for the background, or not a voice.

The constants state what they were measured on; `min_voice` comes from `tools/measuring/make_verifier.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from ser_ros.speech.level import LOWEST, levels
from ser_ros.speech.segmenter import Utterance
from ser_ros.speech.variation import variation
from ser_ros.speech.verifier import voice_probability

_LOUD_PERCENTILE = 90
"""Of the levels in an utterance: its vowels. In pink noise at a signal-to-noise ratio of 10 dB, they are at least 11 dB
above the noise floor in 99.8 % of RAVDESS, at 0 dB in half of it 7.5 dB."""

_LEAST_VARIATION = 2.2
"""dB. Hum, hiss, fans and propellers vary by 0.2 to 2.15; RAVDESS by 3.1 at least, in pink noise at 10 dB by 2.4; all
measured when the loudest window, which may be a knock, was still the reference."""

Verifier = Callable[[Utterance], float]
"""Returns how probable it is, 0..1, that a person spoke an utterance."""


class Rejection(Enum):
    """The reasons; the values are those in diagnostics."""

    TOO_SHORT = 'too short'
    """The voice ended before `SegmentationConfig.min_speech`."""
    TOO_QUIET = 'too quiet'
    """Not louder than the background."""
    NOISE = 'noise'
    """Does not sound like a voice."""


@dataclass(frozen=True)
class RejectionConfig:
    """What is not answered."""

    noise_margin: float = 4.0
    """dB by which speech must be above the noise floor; 0 accepts even the softest. In pink noise at 8 dB, 6 dB lost 7
    of 240 clips of EMO-DB, EMOVO and nEMO more than 4 dB, which let 2 more alarms pass where there were 359."""
    min_voice: float = 0.5
    """Probability (0..1) that a person spoke an utterance below which it is noise; 0 accepts everything."""


class Judge:
    """Judges the utterances of one stream in one thread; any thread may read the level of the last voice."""

    def __init__(self, config: RejectionConfig | None = None, verifier: Verifier = voice_probability):
        """Take the settings; nothing has been judged yet."""
        self._verifier = verifier
        self._voice_level = LOWEST
        self.configure(config or RejectionConfig())

    @property
    def voice_level(self) -> float:
        """Level of the vowels of the utterance that was judged last, in dBFS; -90 before the first."""
        return self._voice_level

    def configure(self, config: RejectionConfig) -> None:
        """Use other settings for the utterances judged from now on."""
        self._config = config

    def judge(self, utterance: Utterance, noise_floor: float) -> Rejection | None:
        """Return why `utterance`, interim or final, is not to be answered; None if it is. `noise_floor`: dBFS."""
        self._voice_level = float(np.percentile(levels(utterance.speech), _LOUD_PERCENTILE))
        if self._config.noise_margin and self._voice_level - noise_floor < self._config.noise_margin:
            return Rejection.TOO_QUIET
        if self._config.min_voice and not self._is_voice(utterance):
            return Rejection.NOISE
        return None

    def _is_voice(self, utterance: Utterance) -> bool:
        """Return whether it sounds like a person and varies: a machine that sounds like one does not vary."""
        return variation(utterance.speech) >= _LEAST_VARIATION and self._verifier(utterance) >= self._config.min_voice
