# SPDX-License-Identifier: Apache-2.0
"""The detectors that `measure_hearing.py` compares, each as the node would use it."""

from collections.abc import Callable

import numpy as np

from ser_ros.speech.firered import FireRedVad
from ser_ros.speech.fused import FusedVad
from ser_ros.speech.hearing import Hearing
from ser_ros.speech.rejection import RejectionConfig
from ser_ros.speech.silero import SileroVad
from ser_ros.speech.vad import VoiceActivityDetector


class Ear:
    """A detector and what judges its utterances; it hears one stream after the other."""

    def __init__(self, detector: VoiceActivityDetector, rejection: RejectionConfig | None = None):
        """Take a detector; without a `rejection` its utterances are judged as the node judges them."""
        self._detector = detector
        self._rejection = rejection

    def hearing(self) -> Hearing:
        """Return what hears a new stream."""
        self._detector.reset()
        return Hearing(None, self._rejection, self._detector)


class Louder:
    """A detector whose input is so many dB louder."""

    def __init__(self, detector: VoiceActivityDetector, decibels: float):
        """Take the detector."""
        self._detector = detector
        self._gain = np.float32(10 ** (decibels / 20))

    def reset(self) -> None:
        """Forget what was heard."""
        self._detector.reset()

    def speech_probability(self, chunk: np.ndarray) -> float:
        """Return the detector's probability for the louder chunk."""
        return self._detector.speech_probability(np.clip(chunk * self._gain, -1.0, 1.0))


class _Integers:
    """A detector of a library that takes 16 bit frames of a length of its own, and keeps no state that can be reset."""

    def __init__(self, make: Callable[[], Callable[[np.ndarray], float]], frame: int):
        self._make, self._frame = make, frame
        self.reset()

    def reset(self) -> None:
        self._detect = self._make()
        self._rest = np.empty(0, dtype=np.int16)
        self._last = 0.0

    def speech_probability(self, chunk: np.ndarray) -> float:
        samples = np.concatenate((self._rest, np.clip(chunk * 32768, -32768, 32767).astype(np.int16)))
        whole = len(samples) // self._frame * self._frame
        self._rest = samples[whole:]
        found = [self._detect(frame) for frame in samples[:whole].reshape(-1, self._frame)]
        self._last = float(np.mean(found)) if found else self._last
        return self._last


def _webrtc() -> Callable[[np.ndarray], float]:
    import webrtcvad

    detector = webrtcvad.Vad(2)
    return lambda frame: float(detector.is_speech(frame.tobytes(), 16_000))


def _ten() -> Callable[[np.ndarray], float]:
    import ten_vad

    detector = ten_vad.TenVad(256)
    return lambda frame: float(detector.process(frame)[0])


_UNJUDGED = RejectionConfig(min_voice=0.0)
"""What a detector finds by itself, but for what is not louder than the room and does not change."""

DETECTORS: dict[str, Callable[[], Ear]] = {
    'fused': lambda: Ear(FusedVad()),
    'fused, not judged': lambda: Ear(FusedVad(), _UNJUDGED),
    'silero': lambda: Ear(SileroVad(), _UNJUDGED),
    'silero, 20 dB louder': lambda: Ear(Louder(SileroVad(), 20.0), _UNJUDGED),
    'firered': lambda: Ear(FireRedVad(), _UNJUDGED),
    'firered, 20 dB louder': lambda: Ear(Louder(FireRedVad(), 20.0), _UNJUDGED),
    'webrtcvad': lambda: Ear(_Integers(_webrtc, 160), _UNJUDGED),
    'ten-vad': lambda: Ear(_Integers(_ten, 256), _UNJUDGED),
}
