# SPDX-License-Identifier: Apache-2.0
"""Who calls back: one at a time, counted, and never again after the end."""

import threading

import numpy as np
import pytest

from ser_ros.pipeline.callbacks import Callbacks, Caller
from ser_ros.recognition.estimate import Estimate
from ser_ros.speech.segmenter import Utterance

TIMEOUT = 10.0
SHORT = 0.05
"""Seconds after which a thread that should wait, and still does, is believed to wait."""

ESTIMATE = Estimate(('happy', 'sad'), np.array([0.75, 0.25], dtype=np.float32), 0.001)
ERROR = RuntimeError('the weights are damaged')


def utterance(*, is_final=True):
    return Utterance(1, np.zeros(512, dtype=np.float32), 0.0, 0.032, 0.0, is_final)


@pytest.fixture
def told():
    """What was told and thrown away, in order."""
    return []


@pytest.fixture
def make(told):
    """Return make(name=callback): a caller whose other callbacks write down what they are told."""

    def build(**callbacks):
        write = {
            'on_estimate': lambda utterance, estimate: told.append(estimate),
            'on_speaking': told.append,
            'on_failure': lambda utterance, error: told.append(error),
            'on_end': lambda error: told.append(('end', error)),
        }
        return Caller(Callbacks(**write | callbacks), discard=lambda: told.append('discarded'))

    return build


def tell_all(caller):
    caller.speaking(True)
    caller.estimate(utterance(), ESTIMATE)
    caller.failure(utterance(), ERROR)
    caller.end(None)


def test_all_is_told_and_the_end_is_the_last(make, told):
    caller = make()
    for _ in range(2):
        tell_all(caller)
    assert told == [True, ESTIMATE, ERROR, 'discarded', ('end', None)]
    assert caller.is_over


def test_the_first_end_is_the_one(make, told):
    caller = make()
    caller.end(ERROR)
    caller.end(None)
    assert told == ['discarded', ('end', ERROR)]


def test_after_falling_silent_nothing_is_told_or_counted(make, told):
    caller = make()
    caller.fall_silent()
    tell_all(caller)
    assert told == ['discarded']
    assert (caller.answered, caller.failed, caller.last_failure) == (0, 0, '')


def test_final_ones_are_counted_and_an_answer_takes_the_last_failure_back(make):
    caller = make()
    caller.failure(utterance(), ERROR)
    assert (caller.answered, caller.failed, caller.last_failure) == (0, 1, str(ERROR))
    caller.estimate(utterance(is_final=False), ESTIMATE)
    caller.estimate(utterance(), ESTIMATE)
    assert (caller.answered, caller.failed, caller.last_failure) == (1, 1, '')


def test_falling_silent_waits_for_the_callback_of_another_thread_and_not_for_its_own(make):
    inside, leave, silent = threading.Event(), threading.Event(), threading.Event()

    def on_speaking(speaking):
        inside.set()
        assert leave.wait(TIMEOUT)
        caller.fall_silent()

    def fall_silent():
        caller.fall_silent()
        silent.set()

    caller = make(on_speaking=on_speaking)
    threading.Thread(target=caller.speaking, args=(True,), daemon=True).start()
    assert inside.wait(TIMEOUT)
    threading.Thread(target=fall_silent, daemon=True).start()
    assert not silent.wait(SHORT)
    leave.set()
    assert silent.wait(TIMEOUT)


def test_never_are_two_called_at_a_time(make):
    inside, leave, second = threading.Event(), threading.Event(), threading.Event()

    def on_estimate(utterance, estimate):
        inside.set()
        assert leave.wait(TIMEOUT)

    caller = make(on_estimate=on_estimate, on_speaking=lambda speaking: second.set())
    threading.Thread(target=caller.estimate, args=(utterance(), ESTIMATE), daemon=True).start()
    assert inside.wait(TIMEOUT)
    threading.Thread(target=caller.speaking, args=(True,), daemon=True).start()
    assert not second.wait(SHORT)
    leave.set()
    assert second.wait(TIMEOUT)


def test_whoever_rests_is_woken_by_the_end(make):
    caller, woken = make(), threading.Event()

    def rest():
        caller.wait_until_over(TIMEOUT)
        woken.set()

    threading.Thread(target=rest, daemon=True).start()
    assert not woken.wait(SHORT)
    caller.fall_silent()
    assert woken.wait(TIMEOUT / 2)
