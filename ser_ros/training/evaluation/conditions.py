# SPDX-License-Identifier: Apache-2.0
"""The same test clips as they would sound beside a fan, in a room, over a telephone, and from far away.

Deliberately made differently from the training's augmentation (learning/augment.py), which they test.
"""

import zlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import soxr
import torch
import torchaudio.functional as F
from scipy.signal import butter, fftconvolve, sosfiltfilt

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.training.data.recordings import Recording

_FAN_SNR = 10.0
"""dB by which the speech is louder than the fan."""
_BLADE_FREQUENCY = 90.0
"""Hz: six blades at 900 turns a minute."""
_FAN_TONES = 5
"""Number of its harmonics."""
_FAN_TONE_SHARE = 0.2
"""Share of the fan's power that is in its tones; the rest is the rush of air."""
_FAN_EDGE = 1000.0
"""Hz above which the rush of air falls by 12 dB an octave."""

_REVERBERATION_TIME = 0.5
"""Seconds in which the room's sound falls by 60 dB."""
_REFLECTIONS = ((0.004, 0.6), (0.009, -0.45), (0.013, 0.4), (0.021, 0.3), (0.034, -0.25))
"""Seconds and gains of the first reflections: floor, table, walls of a living room, heard from 2 m."""
_DIFFUSE_FROM = 0.02
"""Seconds after which single reflections cannot be distinguished."""

_TELEPHONE_BAND = (300.0, 3400.0)
"""Hz (ITU-T G.712)."""
_TELEPHONE_RATE = 8000
_MU_LAW_STEPS = 256
"""ITU-T G.711."""

_QUIET_GAIN = -20.0
"""dB."""


def in_condition(recording: Recording, condition: str) -> Recording:
    """Return `recording` as it sounds in one of CONDITIONS; the same for each call and on every machine."""
    rng = np.random.default_rng(zlib.crc32(f'{condition} {recording.clip.name}'.encode()))
    speech = slice(*(round(seconds * SAMPLE_RATE) for seconds in recording.speech))
    return replace(recording, samples=CONDITIONS[condition](recording.samples, speech, rng).astype(np.float32))


def _fan(samples: np.ndarray, speech: slice, rng: np.random.Generator) -> np.ndarray:
    frequencies = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)
    spectrum = np.fft.rfft(rng.standard_normal(len(samples))) / (1 + (frequencies / _FAN_EDGE) ** 2)
    rush = np.fft.irfft(spectrum, len(samples))
    seconds = np.arange(len(samples)) / SAMPLE_RATE
    tones = sum(
        (
            np.sin(2 * np.pi * (number * _BLADE_FREQUENCY * seconds + rng.random())) / number
            for number in range(1, _FAN_TONES + 1)
        ),
        start=np.zeros(len(samples)),
    )
    noise = np.sqrt(1 - _FAN_TONE_SHARE) * rush / _level(rush) + np.sqrt(_FAN_TONE_SHARE) * tones / _level(tones)
    return samples + noise * _level(samples[speech]) * 10 ** (-_FAN_SNR / 20)


def _room(samples: np.ndarray, speech: slice, rng: np.random.Generator) -> np.ndarray:
    seconds = np.arange(round(_REVERBERATION_TIME * SAMPLE_RATE)) / SAMPLE_RATE
    response = rng.standard_normal(len(seconds)) * 10 ** (-3 * seconds / _REVERBERATION_TIME)
    response[seconds < _DIFFUSE_FROM] = 0.0
    early = sum(gain**2 for _, gain in _REFLECTIONS)
    # Direct sound and all that follows it are equally strong: the critical distance of such a room is about 2 m.
    response *= np.sqrt((1 - min(early, 0.9)) / np.sum(response**2))
    for delay, gain in _REFLECTIONS:
        response[round(delay * SAMPLE_RATE)] += gain
    response[0] = 1.0
    return fftconvolve(samples, response)[: len(samples)]


def _telephone(samples: np.ndarray, speech: slice, rng: np.random.Generator) -> np.ndarray:
    narrow = soxr.resample(samples, SAMPLE_RATE, _TELEPHONE_RATE)
    narrow = sosfiltfilt(butter(4, _TELEPHONE_BAND, 'bandpass', fs=_TELEPHONE_RATE, output='sos'), narrow)
    coded = F.mu_law_encoding(torch.from_numpy(np.clip(narrow, -1.0, 1.0)), _MU_LAW_STEPS)
    wide = soxr.resample(F.mu_law_decoding(coded, _MU_LAW_STEPS).numpy(), _TELEPHONE_RATE, SAMPLE_RATE)
    return np.pad(wide, (0, max(len(samples) - len(wide), 0)))[: len(samples)]


def _quiet(samples: np.ndarray, speech: slice, rng: np.random.Generator) -> np.ndarray:
    return samples * 10 ** (_QUIET_GAIN / 20)


def _level(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) or 1.0


ROOM = 'room'

CONDITIONS: dict[str, Callable[[np.ndarray, slice, np.random.Generator], np.ndarray]] = {
    'fan': _fan,
    ROOM: _room,
    'telephone': _telephone,
    'quiet': _quiet,
}
"""Fan at 10 dB; room of 0.5 s; telephone band, mu-law; 20 dB softer."""

CONDITION_NAMES = {
    'fan': 'a fan at 10 dB',
    ROOM: 'a room with 0.5 s of reverberation, from 2 m',
    'telephone': 'a telephone (300-3400 Hz, mu-law)',
    'quiet': '20 dB softer',
}
"""For readers."""
