# SPDX-License-Identifier: Apache-2.0
"""What the monitor says of made sound."""

import numpy as np
import pytest

from ser_ros.audio.monitor import QUIETEST, SignalMonitor

BLOCK = 512


def heard(*sounds):
    monitor = SignalMonitor()
    for sound in sounds:
        for at in range(0, len(sound), BLOCK):
            monitor.hear(sound[at : at + BLOCK])
    return monitor.statistics()


def test_before_anything_is_heard_all_is_quiet():
    found = SignalMonitor().statistics()
    assert (found.level, found.zeros, found.clipped, found.offset) == (QUIETEST, 0.0, 0.0, 0.0)


def test_an_empty_block_changes_nothing():
    assert heard(np.empty(0, dtype=np.float32)).level == QUIETEST


@pytest.mark.parametrize('level', [1.0, 0.1, 0.001])
def test_the_level_of_a_sine_is_three_decibels_below_its_peak(made_sound, level):
    found = heard(made_sound('tone', 2.0, level=level))
    assert found.level == pytest.approx(20 * np.log10(level) - 3.01, abs=0.05)
    assert found.offset == pytest.approx(0.0, abs=1e-3)


def test_zeros_are_counted_in_seconds_and_end_with_the_first_sample(made_sound):
    silence = made_sound('silence', 1.6)
    assert heard(made_sound('tone', 1.0), silence).zeros == pytest.approx(1.6)
    assert heard(silence).level == QUIETEST
    assert heard(silence, made_sound('white noise', 0.032, level=1e-4)).zeros == 0.0


def test_clipping_is_told_as_a_share_of_the_last_second(made_sound):
    assert heard(made_sound('tone', 2.0, level=0.9)).clipped == 0.0
    clipped = np.clip(2 * made_sound('tone', 2.0, level=1.0), -1.0, 1.0)
    assert heard(clipped).clipped == pytest.approx(2 / 3, abs=0.05)
    assert heard(clipped, made_sound('tone', 1.1, level=0.5)).clipped == 0.0


def test_an_offset_is_told_with_its_sign(made_sound):
    assert heard(made_sound('tone', 1.0, level=0.1) - 0.25).offset == pytest.approx(-0.25, abs=1e-3)
