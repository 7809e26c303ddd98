# SPDX-License-Identifier: Apache-2.0
"""Two detectors as one: speech is what both detect in the amplified sound."""

from collections import deque

import numpy as np

from ser_ros.speech.firered import FireRedVad
from ser_ros.speech.silero import SileroVad

GAIN_DB = 20.0
"""Gain before the detectors; the model and the recordings get the sound as it is. Measured on other speech than RAVDESS
(EMO-DB, EMOVO, nEMO), as it is and up to 50 dB softer, in noise and in rooms, with the mean of both probabilities: of
0, 10, 20, 30 and 40 dB, 20 loses the fewest clips in every row or one of 60 more. Animals are fewer at 0 dB, coughs at
20."""

_GAIN = np.float32(10 ** (GAIN_DB / 20))

_OFF_CENTRE = 0.01
"""Of full scale; a chunk with a larger offset is centred before it is amplified beyond full scale. Working sound cards
stay below, and so do almost all chunks of a voice."""

_NOTHING = 0.05
"""Speech probability below which Silero VAD detects nothing; the other would have to say 0.86 for a voice to begin."""

_PATIENCE = 20
"""Chunks without anything (0.64 s, longer than the default end silence) after which the slower FireRedVAD rests."""

_REMEMBERED = 50
"""Chunks (1.6 s) on which FireRedVAD's answer depends; those that it has missed it hears when it wakes."""


class FusedVad:
    """FireRedVAD, which detects every voice, and Silero VAD, which detects nothing else; a `VoiceActivityDetector`.

    The probability is (s f^3)^(1/5) of Silero's s and FireRedVAD's f: no voice begins at 0.5 if f is below 0.31 or s
    below 0.03. Of shrieks, whose s is about 0.1, the cube root of s f found fewer; it also lets fewer crying babies
    pass, which are left to the verifier.
    """

    def __init__(self) -> None:
        """Load both networks; the stream begins."""
        self._silero = SileroVad()
        self._firered = FireRedVad()
        self._missed: deque[np.ndarray] = deque(maxlen=_REMEMBERED)
        self.reset()

    def reset(self) -> None:
        """Forget what was heard: the next chunk begins another stream."""
        self._silero.reset()
        self._firered.reset()
        self._missed.clear()
        self._nothing_for = 0

    def speech_probability(self, chunk: np.ndarray) -> float:
        """Return 0..1 for the stream's next chunk (float32, shape (512,), 16 kHz); 0 while FireRedVAD rests."""
        offset = chunk.mean()
        louder = (chunk - offset if abs(offset) > _OFF_CENTRE else chunk) * _GAIN
        silero = self._silero.speech_probability(np.clip(louder, -1.0, 1.0))
        self._nothing_for = self._nothing_for + 1 if silero < _NOTHING else 0
        if len(self._missed) == _REMEMBERED:
            self._firered.reset()  # the oldest is about to go: what follows does not join what it heard before
        self._missed.append(louder)
        if self._nothing_for > _PATIENCE:
            return 0.0
        firered = self._firered.speech_probability(np.concatenate(self._missed))
        self._missed.clear()
        return float((silero * firered**3) ** 0.2)
