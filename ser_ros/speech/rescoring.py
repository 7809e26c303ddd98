# SPDX-License-Identifier: Apache-2.0
"""The second look at an utterance: whether it is still speech when it is heard by itself, and soft.

Live, a detector hears an utterance after everything before it, and louder than it is. Silero VAD hears it again with no
past, at one level for all: soft, which voices survive and what only resembles them does not.
"""

import numpy as np

from ser_ros.speech.level import levels
from ser_ros.speech.silero import SileroVad
from ser_ros.speech.vad import CHUNK_SAMPLES

_LEVEL = -38.0
"""dBFS of the vowels. A regression that was offered three levels, the 90th percentile at -15, -25 or -35 dBFS, which
is the 75th here, took the softest with the same weight as the probability at the first hearing (animals, coughs and
instruments that are in no row of README, against EMO-DB, EMOVO, nEMO and children in rooms). What is heard at its own
level, where that is louder, is told from animals no better."""

_VOWELS = 75
"""Percentile of the chunks' levels: not the loudest, for that may be a knock."""


class Rescorer:
    """Hears utterances again, each by itself."""

    def __init__(self):
        """Load the network."""
        self._detector = SileroVad()

    def speech_probability(self, samples: np.ndarray, onset: int) -> float:
        """Return 0..1 for the speech in `samples` (float32, shape (n,), 16 kHz), which begins at index `onset`.

        It is the mean over its chunks of the probability's square root: in a room that rings, many are near zero.
        """
        gain = 10 ** ((_LEVEL - np.percentile(levels(samples), _VOWELS)) / 20)
        samples = np.clip((samples - samples.mean()) * np.float32(gain), -1.0, 1.0)
        samples = np.pad(samples, (0, -len(samples) % CHUNK_SAMPLES))
        self._detector.reset()
        heard = [self._detector.speech_probability(chunk) for chunk in samples.reshape(-1, CHUNK_SAMPLES)]
        return float(np.sqrt(heard[onset // CHUNK_SAMPLES :]).mean())
