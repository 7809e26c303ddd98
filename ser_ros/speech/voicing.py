# SPDX-License-Identifier: Apache-2.0
"""How much a sound is like a voice: whether it has a pitch, and whether it changes.

Both are taken over windows of 64 ms, which hold four periods of the lowest voice, and only where the sound is loud.
"""

from functools import cache

import numpy as np

from ser_ros.audio.block import SAMPLE_RATE

_WINDOW = 1024
_HOP = 512
"""Samples: 64 and 32 ms."""

_LOUD = 20.0
"""dB below the loudest window; what is softer is reverberation or the room."""

_HIGHEST_PITCH, _LOWEST_PITCH = 500, 60
"""Hz: the range of voices, children's cries included."""

_BEST_WINDOWS = 90
"""Percentile of the windows' periodicity: the vowels count, not the consonants between them."""

_BAND_EDGES = np.arange(100, 4001, 300)
"""Hz. Bands in which speech is at its loudest; telephones transmit little more."""

_EMPTY = 40.0
"""dB below the loudest band at any time; what is softer is an empty band, which does not vary."""

_SILENCE = 1e-9
"""Power that is added everywhere: less than one step of a 16 bit sample."""


def periodicity(samples: np.ndarray) -> float:
    """Return how well the most voiced tenth of `samples` (float32, shape (n,), 16 kHz) repeats itself, 0..1.

    It is the autocorrelation at the best pitch between 60 and 500 Hz, corrected for the window (Boersma 1993).
    """
    power = _loud_spectra(samples)
    correlation = np.fft.irfft(power)[:, : SAMPLE_RATE // _LOWEST_PITCH + 1]
    correlation /= (correlation[:, :1] + _SILENCE) * _window_correlation()[: correlation.shape[1]]
    best = correlation[:, SAMPLE_RATE // _HIGHEST_PITCH :].max(axis=1)
    return float(np.clip(np.percentile(best, _BEST_WINDOWS), 0.0, 1.0))


def variation(samples: np.ndarray) -> float:
    """Return by how many dB the bands of `samples` (float32, shape (n,), 16 kHz) vary: a machine's hardly do.

    It is the mean interquartile range over time, which a beginning and an end within `samples` do not touch.
    """
    power = _loud_spectra(samples)
    edges = _BAND_EDGES * 2 * _WINDOW // SAMPLE_RATE
    bands = np.add.reduceat(power[:, : edges[-1]], edges[:-1], axis=1)
    levels = 10 * np.log10(bands + bands.max() * 10 ** (-_EMPTY / 10) + _SILENCE)
    return float(np.mean(np.subtract(*np.percentile(levels, [75, 25], axis=0))))


def _loud_spectra(samples: np.ndarray) -> np.ndarray:
    """Return the power spectra of the loud windows, shape (windows, 1025); the offset of each window is removed."""
    samples = np.pad(samples, (0, max(_WINDOW - len(samples), 0)))
    windows = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[::_HOP]
    windows = windows - windows.mean(axis=1, keepdims=True)
    power = np.square(windows).mean(axis=1)
    windows = windows[power >= power.max() * 10 ** (-_LOUD / 10)]
    return np.square(np.abs(np.fft.rfft(windows * np.hanning(_WINDOW), 2 * _WINDOW)))


@cache
def _window_correlation() -> np.ndarray:
    power = np.square(np.abs(np.fft.rfft(np.hanning(_WINDOW), 2 * _WINDOW)))
    correlation = np.fft.irfft(power)
    return correlation / correlation[0]
