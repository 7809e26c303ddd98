# SPDX-License-Identifier: Apache-2.0
"""Whether a sound changes as a voice does.

It is measured over windows of 64 ms, and only where the sound is loud.
"""

import numpy as np

from ser_ros.audio.block import SAMPLE_RATE

_WINDOW = 1024
_HOP = 512
"""Samples: 64 and 32 ms."""

_VOWELS = 75
"""Percentile of the windows' power: not the loudest, because that may be a knock."""

_SOFTER, _LOUDER = 20.0, 10.0
"""dB around the vowels; softer sound is reverberation or the room, louder sound a knock."""

_BAND_EDGES = np.arange(100, 4001, 300)
"""Hz. Bands in which speech is at its loudest; telephones transmit little more."""

_EMPTY = 40.0
"""dB below the loudest band at any time; a softer band is empty, and does not vary."""

_SILENCE = 1e-9
"""Power that is added everywhere: less than one step of a 16 bit sample."""


def variation(samples: np.ndarray) -> float:
    """Return by how many dB the bands of `samples` (float32, shape (n,), 16 kHz) vary: a machine's hardly do.

    It is the mean interquartile range over time, which a beginning and an end within `samples` do not affect.
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
    distance = 10 * np.log10((power + _SILENCE) / (np.percentile(power, _VOWELS) + _SILENCE))
    windows = windows[(distance >= -_SOFTER) & (distance <= _LOUDER)]
    return np.square(np.abs(np.fft.rfft(windows * np.hanning(_WINDOW), 2 * _WINDOW)))
