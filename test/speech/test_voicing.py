# SPDX-License-Identifier: Apache-2.0
"""Periodicity and variation of made sound."""

import numpy as np
import pytest

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.speech.voicing import periodicity, variation


def pulses(pitch, duration=1.0):
    """Return 20 harmonics of `pitch`."""
    time = np.arange(round(duration * SAMPLE_RATE)) / SAMPLE_RATE
    sound = sum(np.sin(2 * np.pi * number * pitch * time) / number for number in range(1, 21))
    return (0.1 * sound).astype(np.float32)


@pytest.mark.parametrize('level', [1e-3, 1.0])
@pytest.mark.parametrize('pitch', [62, 100, 210.5, 400, 495])
def test_what_repeats_itself_in_the_range_of_voices_is_periodic(pitch, level):
    assert periodicity(pulses(pitch) * np.float32(level)) > 0.9


@pytest.mark.parametrize(('kind', 'highest'), [('white noise', 0.2), ('pink noise', 0.5), ('silence', 0.0)])
def test_noise_and_silence_are_not_periodic(made_sound, kind, highest):
    assert 0.0 <= periodicity(made_sound(kind, 1.0)) <= highest


def test_noise_over_a_voice_makes_it_less_periodic(made_sound):
    noise = made_sound('white noise', 1.0, level=1.0)
    found = [periodicity(pulses(150) + np.float32(level) * noise) for level in (0.0, 0.1, 0.3, 1.0)]
    assert found == sorted(found, reverse=True) and found[0] > 0.95 and found[-1] < 0.4


def test_periodicity_is_that_of_the_vowels():
    sound = np.concatenate([pulses(150, 0.3), np.random.default_rng(1).normal(0, 0.05, 16_000).astype(np.float32)])
    assert periodicity(sound) > 0.9


def test_an_offset_changes_nothing(made_sound):
    for sound in (made_sound('white noise', 1.0), pulses(150)):
        assert periodicity(sound + np.float32(0.3)) == pytest.approx(periodicity(sound), abs=0.01)
        assert variation(sound + np.float32(0.3)) == pytest.approx(variation(sound), abs=0.05)


@pytest.mark.parametrize('kind', ['white noise', 'pink noise', 'hum', 'tone', 'silence'])
def test_what_stands_still_does_not_vary(made_sound, kind):
    assert 0.0 <= variation(made_sound(kind, 2.0)) < 2.2


def test_sound_whose_colour_changes_varies():
    low, high = pulses(100, 0.2), np.diff(pulses(100, 0.2), prepend=0.0) * 5
    assert variation(np.concatenate([low, high] * 3)) > 4
    assert variation(np.concatenate([low] * 6)) < 1


@pytest.mark.parametrize('count', [0, 1, 500, 1024])
def test_sound_of_any_length_has_both(count):
    sound = pulses(150)[:count]
    assert 0.0 <= periodicity(sound) <= 1.0
    assert variation(sound) >= 0.0
