# SPDX-License-Identifier: Apache-2.0
"""Each condition is as strong as it says, and the same every time."""

from pathlib import Path

import numpy as np
import pytest

from ser_ros.training.data.clip import Clip
from ser_ros.training.data.recordings import Recording
from ser_ros.training.evaluation.conditions import CONDITION_NAMES, CONDITIONS, in_condition

RATE = 16_000


def recording_of(sound, speech=None, name='a'):
    return Recording(Clip(Path(name), name, 'calm'), sound, speech or (0.0, len(sound) / RATE))


def decibels(power, reference):
    return 10 * np.log10(power / reference)


@pytest.mark.parametrize('condition', CONDITIONS)
def test_a_condition_is_the_same_every_time_and_as_long(made_sound, condition):
    recording = recording_of(made_sound('chord', 1.3))
    heard, again = in_condition(recording, condition), in_condition(recording, condition)
    assert heard.samples.dtype == np.float32 and len(heard.samples) == len(recording.samples)
    assert heard.speech == recording.speech and heard.clip == recording.clip
    np.testing.assert_array_equal(heard.samples, again.samples)
    assert not np.allclose(heard.samples, recording.samples, atol=1e-3)


def test_all_have_a_name():
    assert CONDITION_NAMES.keys() == CONDITIONS.keys()


def test_the_fan_is_10_db_below_the_speech_whatever_silence_is_around_it(made_sound):
    sound = np.concatenate([np.zeros(RATE), made_sound('chord', 1.0), np.zeros(RATE)]).astype(np.float32)
    noise = in_condition(recording_of(sound, (1.0, 2.0)), 'fan').samples - sound
    assert decibels(np.mean(sound[RATE : 2 * RATE] ** 2), np.mean(noise**2)) == pytest.approx(10.0, abs=0.3)
    spectrum = np.abs(np.fft.rfft(noise)) ** 2
    frequencies = np.fft.rfftfreq(len(noise), 1 / RATE)
    assert spectrum[frequencies < 1000].sum() > 5 * spectrum[frequencies > 3000].sum()


def test_the_room_falls_by_60_db_in_half_a_second_and_is_as_loud_as_the_direct_sound():
    click = np.zeros(RATE, dtype=np.float32)
    click[0] = 1.0
    response = in_condition(recording_of(click), 'room').samples
    assert response[0] == pytest.approx(1.0, abs=1e-4)
    assert decibels(1.0, np.sum(response[1:] ** 2)) == pytest.approx(0.0, abs=0.5)
    parts = [np.mean(response[round(start * RATE) :][:1600] ** 2) for start in (0.05, 0.3)]
    assert decibels(*parts) == pytest.approx(30.0, abs=2.0)


def test_the_telephone_takes_away_what_lies_outside_its_band(made_sound):
    sound = made_sound('white noise', 2.0)
    heard = in_condition(recording_of(sound), 'telephone').samples
    frequencies = np.fft.rfftfreq(len(sound), 1 / RATE)

    def change(low, high):
        chosen = (frequencies > low) & (frequencies < high)
        return decibels(*(np.sum(np.abs(np.fft.rfft(x))[chosen] ** 2) for x in (heard, sound)))

    assert change(600, 3000) == pytest.approx(0.0, abs=1.0)
    assert change(20, 100) < -15.0 and change(4500, 7900) < -30.0


def test_quiet_is_20_db_softer(made_sound):
    sound = made_sound('chord', 1.0)
    np.testing.assert_allclose(in_condition(recording_of(sound), 'quiet').samples, 0.1 * sound, atol=1e-6)


def test_silence_stays_a_number():
    for condition in CONDITIONS:
        assert np.isfinite(in_condition(recording_of(np.zeros(RATE, dtype=np.float32)), condition).samples).all()
