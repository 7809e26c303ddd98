# SPDX-License-Identifier: Apache-2.0
"""Makes the noises of rooms and robots from a seed: nothing here was recorded, and nobody speaks in it.

Every maker takes a generator and a number of seconds and returns float64 mono sound at 16 kHz of shape (n,).
"""

from collections.abc import Callable

import numpy as np

RATE = 16_000
"""Hz."""

Maker = Callable[[np.random.Generator, float], np.ndarray]


def white(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Return hiss."""
    return _coloured(rng, _count(seconds), 0.0)


def pink(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Return noise that falls by 3 dB per octave: an air conditioner."""
    return _coloured(rng, _count(seconds), 0.5)


def brown(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Return noise that falls by 6 dB per octave: traffic outside."""
    return _coloured(rng, _count(seconds), 1.0)


def gusts(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Return pink noise whose loudness goes up and down 1 to 8 times a second: wind, or a crumpled bag."""
    steps = rng.uniform(0.0, 1.0, max(int(seconds * 10), 2)) ** 2
    return pink(rng, seconds) * _slow(steps, _count(seconds))


def hum(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Return mains hum: 50 Hz and its harmonics."""
    return _harmonics(np.full(_count(seconds), 50.0), [1, 0.5, 0.33, 0.1, 0.2, 0.05, 0.1]) + _hiss(rng, seconds, 0.01)


def fan(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Return blades at about 110 Hz with 12 harmonics that wander slowly, in rushing air."""
    pitch = 110 * (1 + 0.02 * _walk(rng, seconds, per_second=1.0))
    loudness = 1 + 0.3 * _walk(rng, seconds, per_second=2.0)
    return loudness * _harmonics(pitch, 1 / np.arange(1, 13)) + pink(rng, seconds)


def vacuum(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Return a vacuum cleaner: a strong whine at about 330 Hz whose pitch falls and rises with the load, and air."""
    pitch = 330 * (1 + 0.1 * _walk(rng, seconds, per_second=0.7))
    return _harmonics(pitch, [1, 0.7, 0.5, 0.5, 0.3, 0.3, 0.2, 0.2]) + 1.5 * white(rng, seconds)


def servos(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Return a robot's joints: whines that speed up, hold and slow down between 80 and 900 Hz, with pauses."""
    sound = _hiss(rng, seconds, 0.01)
    for start in _times(rng, seconds, every=1.5):
        length = rng.uniform(0.3, 2.0)
        top, ramp = np.exp(rng.uniform(np.log(150), np.log(900))), rng.uniform(0.1, 0.4)
        phase = np.linspace(0, 1, _count(length))
        speed = np.clip(np.minimum(phase, 1 - phase) / ramp, 0.0, 1.0)
        pitch = 80 + (top - 80) * speed
        whine = _harmonics(pitch, rng.uniform(0.1, 1.0, 12) / np.arange(1, 13)) * (0.2 + speed) * np.hanning(len(phase))
        _add(sound, whine, start)
    return sound


def drone(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Return four propellers at about 180 Hz that correct themselves all the time."""
    sound = 0.5 * white(rng, seconds)
    for _ in range(4):
        pitch = 180 * (1 + 0.08 * _walk(rng, seconds, per_second=3.0))
        sound += _harmonics(pitch, 1 / np.arange(1, 20))
    return sound


def knocks(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Return knocks on wood and metal: decaying resonances, about one a second, some in series."""
    sound = _hiss(rng, seconds, 0.003)
    for start in _times(rng, seconds, every=1.0):
        body = rng.uniform(150, 2500, 4)
        for knock in range(rng.integers(1, 5)):
            _add(sound, _resonances(rng, body, decay=rng.uniform(0.01, 0.08)), start + knock * rng.uniform(0.1, 0.3))
    return sound


def doors(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Return doors that slam: a thud of low noise with a long tail, and the latch."""
    sound = _hiss(rng, seconds, 0.003)
    for start in _times(rng, seconds, every=4.0):
        tail = brown(rng, 1.5) * np.exp(-np.arange(_count(1.5)) / _count(rng.uniform(0.1, 0.3)))
        _add(sound, tail + 0.1 * np.pad(_resonances(rng, rng.uniform(50, 300, 5), decay=0.15), (0, _count(0.5))), start)
        _add(sound, 0.3 * _resonances(rng, rng.uniform(800, 4000, 3), decay=0.02), start + 0.05)
    return sound


def keyboard(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Return typing: clicks 6 times a second in bursts."""
    sound = _hiss(rng, seconds, 0.003)
    for start in _times(rng, seconds, every=4.0):
        for key in range(rng.integers(5, 25)):
            click = white(rng, 0.03) * np.exp(-np.arange(_count(0.03)) / _count(0.004))
            _add(sound, click * rng.uniform(0.3, 1.0), start + key * rng.uniform(0.12, 0.2))
    return sound


def rain(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Return 200 drops a second, and the rushing of those farther off."""
    drops = np.zeros(_count(seconds))
    at = rng.integers(0, len(drops), int(200 * seconds))
    np.add.at(drops, at, rng.standard_normal(len(at)) * rng.pareto(3.0, len(at)))
    decay = np.exp(-np.arange(200) / 30) * np.sin(np.arange(200) * 0.9)
    return _unit(np.convolve(drops, decay)[: len(drops)]) + 0.5 * pink(rng, seconds)


def chords(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Return slow music: chords of three or four notes with vibrato, struck or swelling."""
    sound = np.zeros(_count(seconds))
    start = 0.0
    while start < seconds:
        length = rng.choice([0.5, 1.0, 2.0])
        root = 110 * 2 ** (rng.integers(0, 12) / 12)
        for interval in rng.choice([0, 3, 4, 7, 10, 12, 16], 4, replace=False):
            _add(sound, _note(rng, root * 2 ** (interval / 12), length * 1.2), start)
        start += length
    return sound


def melody(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Return one instrument in the range of a voice, with vibrato and rests: a violin, a flute."""
    sound, start, step = np.zeros(_count(seconds)), 0.0, 0
    while start < seconds:
        length = rng.choice([0.2, 0.25, 0.5, 1.0])
        step = int(np.clip(step + rng.integers(-4, 5), -8, 14))
        if rng.random() > 0.15:
            _add(sound, _note(rng, 220 * 2 ** (step / 12), length), start)
        start += length
    return sound


def beeps(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Return devices that beep: tones of 0.05 to 0.5 s in series."""
    sound = _hiss(rng, seconds, 0.003)
    for start in _times(rng, seconds, every=3.0):
        pitch, length, count = rng.uniform(400, 3000), rng.uniform(0.05, 0.5), rng.integers(1, 6)
        for beep in range(count):
            tone = _harmonics(np.full(_count(length), pitch), [1, 0, 0.3, 0, 0.1]) * np.hanning(_count(length)) ** 0.2
            _add(sound, tone, start + beep * length * 1.6)
    return sound


def chirps(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Return birds and robots' jingles: sweeps between 500 and 6000 Hz, in series."""
    sound = _hiss(rng, seconds, 0.003)
    for start in _times(rng, seconds, every=2.0):
        low, high = np.sort(np.exp(rng.uniform(np.log(500), np.log(6000), 2)))
        for chirp in range(rng.integers(1, 8)):
            count = _count(rng.uniform(0.05, 0.3))
            pitch = low + (high - low) * np.sin(np.linspace(0, rng.uniform(1, 6), count)) ** 2
            _add(sound, _harmonics(pitch, [1, 0.2, 0.05]) * np.hanning(count), start + chirp * rng.uniform(0.1, 0.4))
    return sound


def siren(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Return an alarm that wails between 500 and 1500 Hz."""
    time = np.arange(_count(seconds)) / RATE
    return _harmonics(1000 - 500 * np.cos(2 * np.pi * time * rng.uniform(0.2, 1.0)), [1, 0.4, 0.3, 0.1, 0.1])


def cries(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Return cats, hinges and brakes: cries of 0.3 to 1.2 s whose pitch glides and whose colour moves with it."""
    sound = _hiss(rng, seconds, 0.003)
    for start in _times(rng, seconds, every=3.0):
        count = _count(rng.uniform(0.3, 1.2))
        pitch = _slow(np.exp(rng.uniform(np.log(250), np.log(900), 4)), count)
        _add(sound, _coloured_harmonics(pitch, _slow(rng.uniform(600, 3000, 4), count)) * np.hanning(count), start)
    return sound


def barks(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Return dogs: bursts of 0.1 to 0.3 s, half pitch and half noise, in series."""
    sound = _hiss(rng, seconds, 0.003)
    for start in _times(rng, seconds, every=4.0):
        size = rng.uniform(0.5, 2.0)
        for bark in range(rng.integers(1, 6)):
            count = _count(rng.uniform(0.1, 0.3))
            pitch = _slow(size * np.array([300, 450, 250]), count)
            rough = 1 + 0.7 * _walk(rng, count / RATE, per_second=120)
            voice = _coloured_harmonics(pitch, np.full(count, size * 1000)) * rough + 0.3 * pink(rng, count / RATE)
            _add(sound, voice * np.hanning(count), start + bark * rng.uniform(0.3, 0.6))
    return sound


MAKERS: tuple[Maker, ...] = (
    *(white, pink, brown, gusts, rain, hum, fan, vacuum, drone, servos),
    *(knocks, doors, keyboard, beeps, chirps, siren, chords, melody, cries, barks),
)
"""All kinds, the steady ones first."""


def make(maker: Maker, seconds: float, *, level: float, seed: int) -> np.ndarray:
    """Return float32 sound of `maker` whose root mean square is `level` dBFS, cut off at full scale."""
    sound = maker(np.random.default_rng(seed), seconds)
    return np.clip(_unit(sound) * 10 ** (level / 20), -1.0, 1.0).astype(np.float32)


def _count(seconds: float) -> int:
    return round(seconds * RATE)


def _unit(sound: np.ndarray) -> np.ndarray:
    return sound / np.sqrt(np.mean(np.square(sound)))


def _coloured(rng: np.random.Generator, count: int, slope: float) -> np.ndarray:
    """Return noise of unit power whose amplitude falls with frequency ** slope from 20 Hz on."""
    frequency = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 20.0)
    return _unit(np.fft.irfft(np.fft.rfft(rng.standard_normal(count)) / frequency**slope, count))


def _hiss(rng: np.random.Generator, seconds: float, level: float) -> np.ndarray:
    return level * pink(rng, seconds)


def _slow(steps: np.ndarray, count: int) -> np.ndarray:
    return np.interp(np.linspace(0, len(steps) - 1, count), np.arange(len(steps)), steps)


def _walk(rng: np.random.Generator, seconds: float, *, per_second: float) -> np.ndarray:
    """Return values within -1..1 that wander with so many turns a second."""
    return _slow(rng.uniform(-1, 1, max(int(seconds * per_second), 2)), _count(seconds))


def _harmonics(pitch: np.ndarray, amplitudes: np.ndarray) -> np.ndarray:
    """Return the sum of harmonics of `pitch` (Hz at each sample), with chance phases left out above 7 kHz."""
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    return sum(
        amplitude * np.sin(number * phase) * (number * pitch < 7000) for number, amplitude in enumerate(amplitudes, 1)
    )


def _coloured_harmonics(pitch: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """Return harmonics of `pitch` that are loudest about `colour`, both in Hz at each sample."""
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    numbers = range(1, int(6000 / pitch.min()) + 1)
    return sum(np.exp(-np.square(np.log(number * pitch / colour))) * np.sin(number * phase) for number in numbers)


def _note(rng: np.random.Generator, pitch: float, seconds: float) -> np.ndarray:
    time = np.arange(_count(seconds)) / RATE
    vibrato = 1 + rng.choice([0.0, 0.005, 0.015]) * np.sin(2 * np.pi * 5.5 * time)
    struck = np.exp(-time / rng.uniform(0.2, 0.8))
    envelope = struck if rng.random() < 0.5 else np.hanning(len(time)) ** 0.5
    return envelope * _harmonics(pitch * vibrato, rng.uniform(0.2, 1.0, 10) / np.arange(1, 11))


def _resonances(rng: np.random.Generator, pitches: np.ndarray, *, decay: float) -> np.ndarray:
    time = np.arange(_count(1.0)) / RATE
    return sum(rng.uniform(0.3, 1) * np.sin(2 * np.pi * pitch * time) for pitch in pitches) * np.exp(-time / decay)


def _times(rng: np.random.Generator, seconds: float, *, every: float) -> np.ndarray:
    return np.sort(rng.uniform(0, seconds, int(seconds / every)))


def _add(sound: np.ndarray, event: np.ndarray, start: float) -> None:
    at = _count(start)
    event = event[: max(len(sound) - at, 0)]
    sound[at : at + len(event)] += event
