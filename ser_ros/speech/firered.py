# SPDX-License-Identifier: Apache-2.0
"""FireRedVAD: detects every voice, soft, distant or in a reverberant room, but also coughs, laughs and animals."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.onnx_session import open_session
from ser_ros.resources import share_folder
from ser_ros.speech.vad import CHUNK_SAMPLES

MEL_BANDS = 80
BLOCKS, MEMORY_FRAMES, WIDTH = 8, 19, 128
"""Of the network: blocks, the frames that each remembers (0.19 s), and how many values a frame has in it."""

WINDOW_SAMPLES, HOP_SAMPLES, _FFT = 400, 160, 512
"""Samples: 25 and 10 ms, and the length of the Fourier transform. These and the next are those of the features that
the network was trained on (Kaldi's, at 16 bit scale)."""

_FULL_SCALE = 32768.0
_PRE_EMPHASIS = 0.97
_LOWEST_HZ = 20.0
_SILENCE = float(np.finfo(np.float32).eps)


def network_file() -> Path:
    """Return the file of the network that `tools/measuring/make_firered_vad.py` writes."""
    return share_folder() / 'models' / 'vad' / 'firered.onnx'


class FireRedVad:
    """FireRedVAD's streaming network on one CPU thread of ONNX Runtime; a `VoiceActivityDetector`."""

    def __init__(self) -> None:
        """Load the network, once in a process; the stream begins."""
        self._session = _network()
        self.reset()

    def reset(self) -> None:
        """Forget what was heard: the next chunk begins another stream."""
        self._memory = _no_memory()
        self._rest = np.empty(0, dtype=np.float32)

    def speech_probability(self, chunk: np.ndarray) -> float:
        """Return 0..1 for the stream's next chunk: the mean of the frames, of 10 ms each, that end in it.

        Args:
            chunk: float32, shape (512,), 16 kHz; or several chunks at once; the result is for the last one.
        """
        samples = np.concatenate((self._rest, chunk))
        frames = (len(samples) - WINDOW_SAMPLES) // HOP_SAMPLES + 1
        self._rest = samples[frames * HOP_SAMPLES :]
        in_last_chunk = np.arange(frames) * HOP_SAMPLES + WINDOW_SAMPLES > len(samples) - CHUNK_SAMPLES
        return float(self.frame_probabilities(log_mel(samples))[in_last_chunk].mean())

    def frame_probabilities(self, features: np.ndarray) -> np.ndarray:
        """Return 0..1 for each frame of the stream's next `features` (float32, shape (frames, 80)), shape (frames,)."""
        inputs = {'features': features, 'memory': self._memory}
        probabilities, self._memory = self._session.run(['probabilities', 'next_memory'], inputs)
        return probabilities


def hidden_states(features: np.ndarray) -> np.ndarray:
    """Return the last block's state at each frame of `features` (float32, shape (frames, 80)), which nothing precedes.

    float32, shape (frames, 128).
    """
    (states,) = _network().run(['hidden_states'], {'features': features, 'memory': _no_memory()})
    return states


def log_mel(samples: np.ndarray) -> np.ndarray:
    """Return the log mel energies of `samples` (float32, shape (n,), n >= 400), float32, shape (frames, 80)."""
    frames = np.lib.stride_tricks.sliding_window_view(samples * np.float32(_FULL_SCALE), WINDOW_SAMPLES)[::HOP_SAMPLES]
    frames = frames - frames.mean(axis=1, keepdims=True)
    frames = frames - _PRE_EMPHASIS * np.concatenate((frames[:, :1], frames[:, :-1]), axis=1)
    spectra = np.fft.rfft(frames * _window(), _FFT)[:, : _FFT // 2]
    return np.log(np.maximum(np.square(np.abs(spectra)) @ _mel_filters(), _SILENCE)).astype(np.float32)


@cache
def _network() -> Any:
    return open_session(network_file(), threads=1)


def _no_memory() -> np.ndarray:
    return np.zeros((BLOCKS, MEMORY_FRAMES, WIDTH), dtype=np.float32)


@cache
def _window() -> np.ndarray:
    """Return Povey's window: a Hann window to the power of 0.85."""
    return (np.hanning(WINDOW_SAMPLES) ** 0.85).astype(np.float32)


@cache
def _mel_filters() -> np.ndarray:
    """Return triangles that are even in mel, float32, shape (256, 80)."""
    lowest, highest = _mel(np.array([_LOWEST_HZ, SAMPLE_RATE / 2]))
    edges = np.linspace(lowest, highest, MEL_BANDS + 2)
    bins = _mel(np.arange(_FFT // 2) * SAMPLE_RATE / _FFT)[:, np.newaxis]
    rising = (bins - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - bins) / np.diff(edges)[1:]
    return np.maximum(np.minimum(rising, falling), 0.0).astype(np.float32)


def _mel(frequencies: np.ndarray) -> np.ndarray:
    return 1127.0 * np.log(1.0 + frequencies / 700.0)
