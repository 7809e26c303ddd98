# SPDX-License-Identifier: Apache-2.0
"""How a pipeline is stopped, by whom and when, and what is left of it."""

import threading
import time

import pytest
from live_line import END, ROOM, TIMEOUT, UTTERANCE, Recogniser, Source, threads_of_pipelines, wait_until

SOON = 3.0
"""Seconds; it is to be one, and a busy machine takes some more."""


@pytest.mark.parametrize('ignores', [False, True])
def test_stop_does_not_wait_for_the_model_and_nothing_is_called_back_afterwards(make, ignores):
    recogniser = Recogniser(waits=True, ignores=ignores)
    source = Source(live=True, fed=UTTERANCE * 3)
    pipeline, heard = make(source, recogniser)
    pipeline.start()
    assert recogniser.busy.wait(TIMEOUT)
    started = time.monotonic()
    pipeline.stop()
    assert time.monotonic() - started < SOON
    assert source.closed
    recogniser.go.set()
    wait_until(lambda: not threads_of_pipelines())
    assert (heard.kinds, heard.ends) == ([], [])
    assert len(recogniser.asked) == 1


def test_stop_ends_a_listener_that_waits_for_room(make):
    recogniser = Recogniser(waits=True, ignores=True)
    pipeline, heard = make(Source(live=False, fed=UTTERANCE * 50), recogniser)
    pipeline.start()
    wait_until(lambda: pipeline.status().utterances == ROOM + 2)
    started = time.monotonic()
    pipeline.stop()
    assert time.monotonic() - started < SOON
    assert [thread.name for thread in threads_of_pipelines()] == ['recogniser']
    recogniser.go.set()
    wait_until(lambda: not threads_of_pipelines())
    assert (heard.kinds, heard.ends) == ([], [])


def test_stop_waits_for_the_callback_that_is_under_way(make):
    inside, leave = threading.Event(), threading.Event()
    finished = []

    def on_estimate(utterance, estimate):
        inside.set()
        leave.wait(TIMEOUT)
        finished.append(utterance.number)

    pipeline, _ = make(Source(live=True, fed=UTTERANCE), on_estimate=on_estimate)
    pipeline.start()
    assert inside.wait(TIMEOUT)
    stopping = threading.Thread(target=pipeline.stop)
    stopping.start()
    leave.set()
    stopping.join(TIMEOUT)
    assert finished == [1]


def test_stop_may_be_called_from_the_callback(make):
    called = []

    def on_estimate(utterance, estimate):
        called.append(utterance.number)
        pipeline.stop()

    source = Source(live=True, fed=UTTERANCE * 3)
    pipeline, heard = make(source, on_estimate=on_estimate)
    pipeline.start()
    wait_until(lambda: called and not threads_of_pipelines())
    assert (called, heard.ends) == ([1], [])
    assert source.closed


def test_stop_may_be_called_twice_or_before_the_start(make):
    source = Source(live=True)
    pipeline, heard = make(source)
    pipeline.stop()
    pipeline.stop()
    assert heard.ends == []


def test_nothing_is_called_back_after_the_end(make):
    pipeline, heard = make(Source(live=False, fed=[*UTTERANCE, END]))
    pipeline.start()
    assert heard.ended.wait(TIMEOUT)
    wait_until(lambda: not threads_of_pipelines())
    pipeline.stop()
    assert (heard.kinds, heard.ends) == ([(1, True)], [None])


def test_after_stop_both_threads_are_gone(make):
    pipeline, _ = make(Source(live=True, fed=UTTERANCE))
    pipeline.start()
    assert len(threads_of_pipelines()) == 2
    pipeline.stop()
    assert threads_of_pipelines() == []


def test_fifty_starts_and_stops_leave_no_thread_behind(make):
    before = threading.active_count()
    source = Source(live=True)
    for _ in range(50):
        pipeline, heard = make(source)
        pipeline.start()
        source.feed(UTTERANCE)
        wait_until(lambda heard=heard: heard.kinds == [(1, True)])
        pipeline.stop()
        assert threads_of_pipelines() == []
    assert threading.active_count() == before
    assert source.opened == source.started == source.closed == 50
