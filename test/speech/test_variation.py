# SPDX-License-Identifier: Apache-2.0
"""Variation of made sound."""

import numpy as np
import pytest

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.speech.variation import variation


def pulses(pitch, duration=1.0):
    """Return 20 harmonics of `pitch`."""
    time = np.arange(round(duration * SAMPLE_RATE)) / SAMPLE_RATE
    sound = sum(np.sin(2 * np.pi * number * pitch * time) / number for number in range(1, 21))
    return (0.1 * sound).astype(np.float32)


def test_an_offset_changes_nothing(made_sound):
    for sound in (made_sound('white noise', 1.0), pulses(150)):
        assert variation(sound + np.float32(0.3)) == pytest.approx(variation(sound), abs=0.05)


@pytest.mark.parametrize('kind', ['white noise', 'pink noise', 'hum', 'tone', 'silence'])
def test_what_stands_still_does_not_vary(made_sound, kind):
    assert 0.0 <= variation(made_sound(kind, 2.0)) < 2.2


def test_sound_whose_colour_changes_varies():
    low, high = pulses(100, 0.2), np.diff(pulses(100, 0.2), prepend=0.0) * 5
    assert variation(np.concatenate([low, high] * 3)) > 4
    assert variation(np.concatenate([low] * 6)) < 1


@pytest.mark.parametrize('count', [0, 1, 500, 1024])
def test_sound_of_any_length_has_a_variation(count):
    assert variation(pulses(150)[:count]) >= 0.0


@pytest.mark.parametrize('peak', [0.3, 1.0])
def test_a_knock_changes_little(peak):
    low, high = pulses(100, 0.2), np.diff(pulses(100, 0.2), prepend=0.0) * 5
    sound = 0.1 * np.concatenate([low, high] * 4)
    time = np.arange(round(0.12 * SAMPLE_RATE)) / SAMPLE_RATE
    knocked = sound.copy()
    knocked[8000 : 8000 + len(time)] += peak * np.sin(2 * np.pi * 180 * time) * np.exp(-time / 0.04)
    assert variation(knocked) == pytest.approx(variation(sound), rel=0.25)
