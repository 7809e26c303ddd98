# SPDX-License-Identifier: Apache-2.0
"""Times that tremble, drift, jump and break off."""

import numpy as np
import pytest

from ser_ros.audio.pace import Pace

BLOCK = 0.032


def paced(measured) -> np.ndarray:
    pace = Pace()
    return np.array([pace.follow(time, BLOCK) for time in measured])


def test_steady_times_stay_as_they_are():
    times = 100.0 + BLOCK * np.arange(100)
    assert paced(times) == pytest.approx(times)


def test_what_trembles_hardly_does_afterwards():
    times = 100.0 + BLOCK * np.arange(1000)
    trembling = times + np.random.default_rng(0).uniform(-0.08, 0.08, size=1000)
    steps = np.diff(paced(trembling))
    assert np.diff(trembling).min() < -0.1 and np.diff(trembling).max() > 0.15
    assert steps.min() > 0.0 and steps.max() < 2 * BLOCK
    assert np.abs(paced(trembling) - times).max() < 0.12


def test_blocks_that_wait_and_then_come_at_once_keep_their_distance():
    times = 100.0 + BLOCK * np.arange(40)
    late = times.copy()
    late[10:16] = times[16]
    assert np.diff(paced(late)).max() <= 1.5 * BLOCK + 1e-9


def test_a_slow_sound_card_is_followed():
    times = 100.0 + 1.001 * BLOCK * np.arange(10_000)
    assert np.abs(paced(times) - times).max() < 1e-6


@pytest.mark.parametrize('jump', [3600.0, -3600.0, 0.4])
def test_a_clock_that_is_set_is_followed_at_once(jump):
    times = 10_000.0 + BLOCK * np.arange(20)
    times[10:] += jump
    assert paced(times) == pytest.approx(times)


def test_after_a_gap_the_own_time_counts():
    pace = Pace()
    pace.follow(100.0, BLOCK)
    assert pace.follow(100.132, BLOCK, after_gap=True) == 100.132
