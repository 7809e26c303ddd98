# SPDX-License-Identifier: Apache-2.0
"""Makes from clips of speech what a robot hears of them: soft, in noise, in a room, with a knock, whispered, shrieked.

Every function takes and returns float32 mono sound at 16 kHz of shape (n,).
"""

import numpy as np
from made_noise import RATE, Maker
from scipy.linalg import solve_toeplitz
from scipy.signal import fftconvolve, lfilter

_FRAME, _STEP, _POLES = 512, 256, 18
"""Of the linear prediction that takes a voice out of its vocal tract: samples, samples, coefficients."""

_LEAST_VOICED = 20
"""Frames of 5 ms."""


def louder(clip: np.ndarray, decibels: float) -> np.ndarray:
    """Return `clip` louder by `decibels`."""
    return (clip * 10 ** (decibels / 20)).astype(np.float32)


def hiss(sound: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Return `sound` in white noise of `level` dBFS."""
    return (sound + rng.standard_normal(len(sound)) * 10 ** (level / 20)).astype(np.float32)


def diffuse_response(seconds: float, ratio: float, rng: np.random.Generator) -> np.ndarray:
    """Return a room's impulse response: a direct sound of 1, then white noise that falls by 60 dB in `seconds`.

    `ratio`: decibels by which the direct sound's energy is over that of the noise.
    """
    time = np.arange(round(seconds * RATE)) / RATE
    tail = rng.standard_normal(len(time)) * 10 ** (-3 * time / seconds)
    return np.concatenate(([1.0], tail * np.sqrt(10 ** (-ratio / 10) / np.sum(tail**2))))


def simulated_response(seconds: float, distance: float, rng: np.random.Generator) -> np.ndarray:
    """Return the response of a shoe-box room of 7 by 5.5 by 3 m whose reverberation time is `seconds`.

    Who speaks stands `distance` metres from the microphone, both at a place and in a direction of chance; the direct
    sound has the energy 1. Image sources of a low order and ray tracing (pyroomacoustics).
    """
    import pyroomacoustics

    size = np.array([7.0, 5.5, 3.0])
    absorption, _ = pyroomacoustics.inverse_sabine(seconds, size)
    pyroomacoustics.random.seed(int(rng.integers(2**31)))
    room = pyroomacoustics.ShoeBox(
        size,
        RATE,
        materials=pyroomacoustics.Material(absorption),
        max_order=3,
        ray_tracing=True,
        air_absorption=False,
    )
    while True:
        microphone, angle = rng.uniform([1.0, 1.0, 0.8], size - [1.0, 1.0, 1.5]), rng.uniform(0, 2 * np.pi)
        mouth = microphone + distance * np.array([np.cos(angle), np.sin(angle), 0.0]) + [0.0, 0.0, 0.3]
        if np.all(mouth > 0.3) and np.all(mouth < size - 0.3):
            break
    room.add_source(mouth)
    room.add_microphone(microphone)
    room.compute_rir()
    response = room.rir[0][0]
    first = int(np.argmax(np.abs(response)))
    return response / np.sqrt(np.sum(response[max(first - 20, 0) : first + 40] ** 2))


def in_room(clip: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Return `clip` through the room of `response`, with 0.6 s of what rings after it."""
    return fftconvolve(clip, response)[: len(clip) + round(0.6 * RATE)].astype(np.float32)


def with_event(clip: np.ndarray, event: np.ndarray) -> np.ndarray:
    """Return `clip` with `event` in its middle, cut off at full scale."""
    sound, at = clip.copy(), len(clip) // 2
    event = event[: len(sound) - at]
    sound[at : at + len(event)] += event.astype(np.float32)
    return np.clip(sound, -1.0, 1.0)


def knock(peak: float) -> np.ndarray:
    """Return a knock on a table: 180 Hz, 0.12 s, decaying."""
    time = np.arange(round(0.12 * RATE)) / RATE
    return peak * np.sin(2 * np.pi * 180 * time) * np.exp(-time / 0.04)


def clap(peak: float, rng: np.random.Generator) -> np.ndarray:
    """Return a hand clap: white noise that decays within 0.06 s."""
    time = np.arange(round(0.06 * RATE)) / RATE
    sound = rng.standard_normal(len(time)) * np.exp(-time / 0.008)
    return peak * sound / np.abs(sound).max()


def slam(peak: float, door: Maker, rng: np.random.Generator) -> np.ndarray:
    """Return one door of the maker `door` that slams, 0.6 s long."""
    sound = door(rng, 8.0)
    at = max(int(np.argmax(np.abs(sound))) - round(0.02 * RATE), 0)
    return peak * sound[at : at + round(0.6 * RATE)] / np.abs(sound).max()


def whispered(clip: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return `clip` with noise in the place of its voice: what the vocal tract does to it is kept, frame by frame."""
    window = np.hanning(_FRAME)
    result = np.zeros(len(clip) + _FRAME)
    padded = np.pad(clip.astype(np.float64), (0, _FRAME))
    for at in range(0, len(clip), _STEP):
        frame = padded[at : at + _FRAME] * window
        correlation = np.correlate(frame, frame, 'full')[_FRAME - 1 : _FRAME + _POLES]
        if correlation[0] < 1e-8:
            continue
        correlation[0] *= 1.0001
        poles = np.concatenate(([1.0], -solve_toeplitz(correlation[:-1], correlation[1:])))
        residual = lfilter(poles, [1.0], frame)
        noise = rng.standard_normal(_FRAME) * window
        noise *= np.sqrt(np.sum(residual**2) / np.sum(noise**2))
        result[at : at + _FRAME] += lfilter([1.0], poles, noise)
    return np.clip(result[: len(clip)], -1.0, 1.0).astype(np.float32)


def shrieked(clip: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """Return `clip` as somebody in terror might cry it; None where it has too little voice to tell its pitch.

    The pitch at 380 to 800 Hz and flatter, the vocal tract up to a third shorter, the voice brighter by 0 to 6 dB per
    octave above 500 Hz (WORLD's analysis and synthesis, pyworld).
    """
    import pyworld

    sound = clip.astype(np.float64)
    pitch, times = pyworld.dio(sound, RATE, f0_floor=60.0, f0_ceil=500.0)
    pitch = pyworld.stonemask(sound, pitch, times, RATE)
    voiced = pitch > 0.0
    if np.count_nonzero(voiced) < _LEAST_VOICED:
        return None
    envelope = pyworld.cheaptrick(sound, pitch, times, RATE)
    noise = pyworld.d4c(sound, pitch, times, RATE)
    usual = np.median(pitch[voiced])
    pitch[voiced] = rng.uniform(380.0, 800.0) * (pitch[voiced] / usual) ** rng.uniform(0.2, 1.0)
    bins = np.arange(envelope.shape[1])
    shorter = envelope[:, (bins * rng.uniform(0.75, 1.0)).astype(int)]
    brighter = (np.maximum(bins / len(bins) * RATE / 2, 500.0) / 500.0) ** (rng.uniform(0.0, 6.0) / 3.0)
    sound = pyworld.synthesize(pitch, np.ascontiguousarray(shorter * brighter), noise, RATE)
    return (sound / np.abs(sound).max() * rng.uniform(0.2, 1.0)).astype(np.float32)
