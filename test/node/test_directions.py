# SPDX-License-Identifier: Apache-2.0
"""Where an utterance came from, by what was reported while it was said."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_ros.node.directions import Directions, circular_mean
from ser_ros.speech.segmenter import Utterance

END, DURATION = 100.0, 2.0
UTTERANCE = Utterance(1, np.zeros(0, dtype=np.float32), 0.0, DURATION, END, True)
HOLD = 5.0


def heard(*reports, hold=HOLD):
    """Return the degrees of UTTERANCE after `reports`: (degrees, seconds from the utterance's beginning)."""
    directions = Directions(hold)
    for degrees, at in reports:
        directions.note(math.radians(degrees), END - DURATION + at)
    return math.degrees(directions.of(UTTERANCE))


def test_without_a_report_it_is_not_known():
    assert math.isnan(heard())


def test_it_is_the_mean_of_what_was_reported_meanwhile():
    assert heard((10, 0.1), (20, 1.0), (30, 1.9)) == pytest.approx(20)


@pytest.mark.parametrize(('degrees', 'mean'), [((350, 30), 10), ((359, 1), 0), ((170, -170), -180), ((80, 100), 90)])
def test_the_mean_goes_round_the_circle(degrees, mean):
    assert heard(*((value, 1.0) for value in degrees)) == pytest.approx(mean, abs=1e-4)


@pytest.mark.parametrize(
    ('degrees', 'said'), [(0, 0), (90, 90), (-90, -90), (270, -90), (360, 0), (725, 5), (180, -180), (-180, -180)]
)
def test_any_number_of_turns_is_an_angle_of_one_circle(degrees, said):
    assert heard((degrees, 1.0)) == pytest.approx(said, abs=1e-4)


def test_what_comes_right_after_the_end_is_still_about_it_and_what_comes_later_is_not():
    assert heard((40, DURATION + 0.1)) == pytest.approx(40)
    assert math.isnan(heard((40, DURATION + 1.0)))


def test_reports_before_and_after_count_for_nothing_if_there_are_some_meanwhile():
    assert heard((100, -1.0), (20, 1.0), (100, DURATION + 1.0)) == pytest.approx(20)


def test_a_driver_that_reports_only_changes_is_taken_at_its_last_word():
    assert heard((30, -4.0), (40, -3.0)) == pytest.approx(40)
    assert heard((30, -4.0), (40, -3.0), (170, DURATION + 1.0)) == pytest.approx(40)


@pytest.mark.parametrize(('hold', 'ago'), [(HOLD, 5.5), (0.0, 0.1), (1.0, 3600.0)])
def test_a_word_that_is_too_old_is_none(hold, ago):
    assert math.isnan(heard((30, -ago), hold=hold))


def test_opposite_directions_have_no_mean():
    assert math.isnan(heard((0, 0.5), (180, 1.0)))


@pytest.mark.parametrize('nothing', [math.nan, math.inf, -math.inf])
def test_a_report_that_is_no_number_says_nothing(nothing):
    assert math.isnan(heard((nothing, 1.0)))
    assert heard((nothing, 0.5), (20, 1.0)) == pytest.approx(20)
    # It is the last word: the array has lost the voice.
    assert math.isnan(heard((20, -2.0), (nothing, -1.0)))


def test_its_memory_is_bounded():
    directions = Directions(HOLD)
    for number in range(100_000):
        directions.note(0.5, END - 1.0 + number * 1e-6)
    assert len(directions._reports) <= 5000
    assert directions.of(UTTERANCE) == pytest.approx(0.5)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_a_mean_lies_in_one_circle_also_as_the_message_holds_it_and_turns_do_not_change_it(angles):
    mean = circular_mean(angles)
    if not math.isnan(mean):
        assert -math.pi <= float(np.float32(mean)) < math.pi
        if len(angles) == 1:
            assert math.cos(mean - angles[0]) == pytest.approx(1.0, abs=1e-9)


@given(st.integers(-(2**31), 2**31 - 1))
def test_every_number_of_degrees_is_an_angle(degrees):
    assert (heard((degrees % 360, 1.0)) - degrees + 180) % 360 == pytest.approx(180, abs=1e-3)
