# SPDX-License-Identifier: Apache-2.0
"""Delays from made times; the measurement itself is in test/e2e."""

import pytest

from ser_ros.benchmarking.latency import delays_of
from ser_ros.benchmarking.schedule import Expected, Schedule

SCHEDULE = Schedule((Expected(1, speech_end=1, decision=3), Expected(3, speech_end=5, decision=7)), numbers=3)
"""Number 2 began, but was too short for a message."""
SENT = [[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], [100.0, 101.0, 102.0, 103.0, 104.0, 105.0, 106.0, 107.0]]


def test_delays_count_from_the_packets_that_end_the_speech_and_that_decide():
    assert delays_of([(3.004, 1), (7.01, 3)], SCHEDULE, SENT) == [
        pytest.approx((2004.0, 4.0)),
        pytest.approx((2010.0, 10.0)),
    ]


def test_numbers_go_on_from_round_to_round():
    assert delays_of([(103.5, 4), (107.25, 6)], SCHEDULE, SENT) == [
        pytest.approx((2500.0, 500.0)),
        pytest.approx((2250.0, 250.0)),
    ]


@pytest.mark.parametrize('number', [2, 5, 7])
def test_a_message_that_was_not_expected_counts_for_nothing(number):
    assert delays_of([(9.0, number)], SCHEDULE, SENT) == []
