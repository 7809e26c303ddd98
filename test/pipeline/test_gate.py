# SPDX-License-Identifier: Apache-2.0
"""The gate: when it is closed, why, and that it always opens again."""

import numpy as np
import pytest

from ser_ros.pipeline.gate import Closure, Gate, GateConfig
from ser_ros.speech.segmenter import Utterance

CONFIG = GateConfig(hold_off=0.5, lead=0.3, timeout=30.0)
ROBOT, HAND = Closure.ROBOT_SPEECH, Closure.MUTED


def closed_at(gate, *times):
    return [gate.closed(at, at) for at in times]


@pytest.fixture
def gate():
    return Gate(CONFIG)


def test_a_new_gate_is_open(gate):
    assert gate.closed(-1e9, 1e9) is None


def test_robot_speech_closes_it_from_the_lead_to_the_hold_off(gate):
    gate.robot_speaking(True, 10.0)
    assert closed_at(gate, 9.6, 9.8, 10.0, 25.0) == [None, ROBOT, ROBOT, ROBOT]
    gate.robot_speaking(False, 12.0)
    assert closed_at(gate, 12.0, 12.4, 12.6) == [ROBOT, ROBOT, None]


@pytest.mark.parametrize(
    ('start', 'end', 'reason'),
    [(5.0, 9.6, None), (5.0, 9.8, ROBOT), (11.0, 11.5, ROBOT), (12.4, 20.0, ROBOT), (12.6, 20.0, None)],
)
def test_an_utterance_that_overlaps_is_told_also_long_afterwards(gate, start, end, reason):
    gate.robot_speaking(True, 10.0)
    gate.robot_speaking(False, 12.0)
    gate.robot_speaking(True, 100.0)
    gate.robot_speaking(False, 101.0)
    assert gate.closed(start, end) is reason


def said(start, end):
    return Utterance(1, np.zeros(0, dtype=np.float32), 0.0, end - start, end, is_final=True)


def test_who_is_speaking_already_when_it_opens_has_not_spoken_before(gate):
    gate.robot_speaking(True, 10.0)
    gate.robot_speaking(False, 12.0)
    assert gate.closed_during(said(12.47, 14.0)) is None
    assert gate.closed_during(said(12.4, 14.0)) is ROBOT
    assert gate.closed_during(said(8.0, 9.7)) is ROBOT
    assert gate.closed_during(said(8.0, 9.6)) is None


def test_a_true_that_is_never_taken_back_ends_after_the_timeout(gate):
    gate.robot_speaking(True, 10.0)
    assert closed_at(gate, 39.9, 40.1) == [ROBOT, None]


def test_a_true_that_is_repeated_keeps_it_closed(gate):
    for at in (10.0, 30.0, 50.0):
        gate.robot_speaking(True, at)
    assert closed_at(gate, 20.0, 60.0, 79.0, 81.0) == [ROBOT, ROBOT, ROBOT, None]


def test_without_a_timeout_only_a_false_opens_it():
    gate = Gate(GateConfig(timeout=0.0))
    gate.robot_speaking(True, 10.0)
    assert gate.closed(1e9, 1e9) is ROBOT
    gate.robot_speaking(False, 1e9)
    assert gate.closed(1e9 + 1, 1e9 + 1) is None


def test_a_false_that_nothing_came_before_changes_nothing(gate):
    gate.robot_speaking(False, 10.0)
    assert closed_at(gate, 10.0, 10.2) == [None, None]


def test_a_robot_that_goes_on_within_the_hold_off_leaves_no_gap(gate):
    gate.robot_speaking(True, 10.0)
    gate.robot_speaking(False, 11.0)
    gate.robot_speaking(True, 11.2)
    gate.robot_speaking(False, 12.0)
    assert closed_at(gate, 11.1, 11.6, 12.4, 12.6) == [ROBOT, ROBOT, ROBOT, None]


def test_by_hand_it_stays_closed_until_it_is_opened_by_hand(gate):
    gate.listen(False, 10.0)
    gate.robot_speaking(True, 11.0)
    gate.robot_speaking(False, 12.0)
    assert closed_at(gate, 9.9, 10.0, 1e6) == [None, HAND, HAND]
    gate.listen(True, 20.0)
    assert closed_at(gate, 19.9, 20.1) == [HAND, None]
    gate.listen(True, 21.0)
    assert gate.closed(21.0, 22.0) is None


def test_other_settings_hold_for_what_comes_next(gate):
    gate.robot_speaking(True, 10.0)
    gate.configure(GateConfig(hold_off=2.0))
    gate.robot_speaking(False, 11.0)
    assert closed_at(gate, 12.9, 13.1) == [ROBOT, None]


def test_a_robot_that_stammers_for_ever_does_not_fill_the_memory():
    gate = Gate(GateConfig(hold_off=0.0, lead=0.0))
    for at in range(5000):
        gate.robot_speaking(True, at)
        gate.robot_speaking(False, at + 0.5)
    assert len(gate._robot) == 1000
    assert closed_at(gate, 4999.2, 4999.7, 4998.2) == [ROBOT, None, ROBOT]
