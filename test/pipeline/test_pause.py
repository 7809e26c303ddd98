# SPDX-License-Identifier: Apache-2.0
"""What is recognised at a pause, before it is known whether the utterance is over, and what becomes of it."""

import dataclasses

import pytest
from live_line import (
    CONFIG,
    END,
    PAUSE,
    SECONDS,
    SILENCE,
    TIMEOUT,
    UTTERANCE,
    VOICE,
    Recogniser,
    Source,
    paused_live_pipeline,
    wait_until,
)

from ser_ros.errors import SerError
from ser_ros.pipeline.gate import Closure, Gate


def test_what_is_said_is_recognised_at_the_pause_and_told_when_the_end_is_decided(make):
    recogniser = Recogniser()
    pipeline, heard, source = paused_live_pipeline(make, recogniser)
    wait_until(lambda: pipeline.status().working_for == 0.0)
    assert (heard.kinds, len(recogniser.asked)) == ([], 1)
    source.feed([SILENCE] * 20)
    wait_until(lambda: heard.kinds == [(1, True)])
    assert len(recogniser.asked) == 1
    status = pipeline.status()
    assert (status.utterances, status.answered, status.waiting, status.failed) == (1, 1, 0, 0)


def test_what_is_answered_is_judged_once_and_at_the_pause(make, monkeypatch):
    """Also where the voice fades on after the pause, so that the end is found a little later."""
    judged, earlier = [], iter((100, 0))
    monkeypatch.setattr('ser_ros.speech.segmenter.sharpen_end', lambda power, start, end, margin: end - next(earlier))
    monkeypatch.setattr('ser_ros.speech.hearing.Hearing.rejection', lambda _, utterance: judged.append(utterance))
    _, heard, source = paused_live_pipeline(make, Recogniser())
    assert len(judged) == 1
    source.feed([SILENCE] * 20)
    wait_until(lambda: heard.kinds == [(1, True)])
    assert len(judged) == 1


def test_an_end_that_is_decided_before_the_answer_is_there_waits_for_it_and_not_for_another(make):
    recogniser = Recogniser(waits=True)
    pipeline, heard, source = paused_live_pipeline(make, recogniser)
    source.feed([SILENCE] * 20)
    source.wait_until_heard()
    assert (heard.kinds, pipeline.status().waiting) == ([], 1)
    recogniser.go.set()
    wait_until(lambda: heard.kinds == [(1, True)])
    assert len(recogniser.asked) == 1


def test_a_voice_that_goes_on_ends_the_recognition_of_its_pause(make):
    recogniser = Recogniser(waits=True)
    pipeline, heard, source = paused_live_pipeline(make, recogniser)
    source.feed([VOICE] * 5)
    source.wait_until_heard()
    wait_until(lambda: recogniser.cancelled == 1)
    recogniser.go.set()
    source.feed([SILENCE] * 20)
    wait_until(lambda: heard.kinds == [(1, True)])
    assert len(recogniser.asked) == 2 and recogniser.asked[1] > recogniser.asked[0]
    assert pipeline.status().dropped_interim == 0


def test_where_interim_ones_are_wanted_a_voice_that_goes_on_makes_one_of_its_pause(make):
    recogniser = Recogniser(waits=True)
    interim = dataclasses.replace(CONFIG, interim_period=0.4)
    _pipeline, heard, source = paused_live_pipeline(make, recogniser, segmentation=interim)
    source.feed([VOICE])
    source.wait_until_heard()
    recogniser.go.set()
    wait_until(lambda: heard.kinds == [(1, False)])
    assert len(recogniser.asked) == 1
    assert heard.utterances[0].duration == pytest.approx(12 * SECONDS, abs=1.5 * SECONDS)
    source.feed([SILENCE] * 20)
    wait_until(lambda: heard.kinds == [(1, False), (1, True)])


def test_a_pause_ends_the_recognition_of_an_interim_one_so_that_the_final_one_need_not_wait(make):
    recogniser = Recogniser(waits=True)
    interim = dataclasses.replace(CONFIG, interim_period=0.3)
    source = Source(live=True, fed=[VOICE] * 12)
    pipeline, heard = make(source, recogniser, segmentation=interim)
    pipeline.start()
    assert recogniser.busy.wait(TIMEOUT)
    source.feed([SILENCE])
    wait_until(lambda: recogniser.cancelled == 1 and len(recogniser.asked) == 2)
    recogniser.go.set()
    source.feed([SILENCE] * 20)
    wait_until(lambda: heard.kinds == [(1, True)])
    assert len(recogniser.asked) == 2
    assert pipeline.status().dropped_interim == 1


def test_what_failed_at_the_pause_is_asked_again_and_told_once(make):
    recogniser = Recogniser(error=SerError('the weights are damaged'))
    pipeline, heard, source = paused_live_pipeline(make, recogniser)
    wait_until(lambda: pipeline.status().working_for == 0.0)
    assert heard.failures == []
    source.feed([SILENCE] * 20)
    wait_until(lambda: len(heard.failures) == 1)
    recogniser.error = None
    source.feed(UTTERANCE)
    wait_until(lambda: heard.kinds == [(2, True)])
    assert (len(recogniser.asked), len(heard.failures), pipeline.status().failed) == (3, 1, 1)


def test_what_is_muted_after_the_pause_is_not_answered(make):
    gate, recogniser = Gate(), Recogniser()
    pipeline, heard, source = paused_live_pipeline(make, recogniser, gate=gate)
    gate.listen(False, source.now)
    source.feed([SILENCE] * 20)
    source.wait_until_heard()
    assert (heard.kinds, pipeline.status().rejected[Closure.MUTED]) == ([], 1)


def test_a_source_that_can_wait_is_recognised_at_the_end_only(make):
    recogniser = Recogniser()
    pipeline, heard = make(Source(live=False, fed=[*PAUSE, *[VOICE] * 12, *[SILENCE] * 20, END]), recogniser)
    pipeline.start()
    assert heard.ended.wait(TIMEOUT)
    assert (heard.kinds, len(recogniser.asked)) == ([(1, True)], 1)
