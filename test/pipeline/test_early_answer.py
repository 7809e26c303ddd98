# SPDX-License-Identifier: Apache-2.0
"""The early answer on scripted speech: when it is asked for, what it serves, and when it is given up."""

import dataclasses

import numpy as np
import pytest

from ser_ros.audio.block import AudioBlock
from ser_ros.pipeline.early_answer import EarlyAnswer
from ser_ros.pipeline.mailbox import Mailbox
from ser_ros.pipeline.request import Purpose
from ser_ros.recognition.cancellation import Cancelled
from ser_ros.speech.rejection import Rejection
from ser_ros.speech.segmenter import SegmentationConfig, Segmenter

VOICE, SILENCE = 1.0, 0.0
SPOKEN = [VOICE] * 12
PAUSED = [*SPOKEN, SILENCE]


class Line:
    """A segmenter that is fed by hand, and the early answer that follows it."""

    def __init__(self, rejection=None):
        self.judged = []
        self.mailbox = Mailbox(4)
        self.ended = []
        self._rejection = rejection
        self._segmenter = Segmenter(SegmentationConfig())
        self.early = EarlyAnswer(self._segmenter, self._judge, self.mailbox)

    def hear(self, probabilities):
        for probability in probabilities:
            before = self._segmenter.state
            chunk = AudioBlock(np.full(512, probability, dtype=np.float32), 0.0, 0.0)
            self.ended += self._segmenter.push(chunk, probability)
            self.early.follow(before)

    def asked(self):
        """Return what was asked for since the last look."""
        self.mailbox.close()
        return list(iter(self.mailbox.get, None))

    def _judge(self, utterance):
        self.judged.append(utterance)
        return self._rejection


def is_cancelled(request):
    try:
        request.cancellation.check()
    except Cancelled:
        return True
    return False


def interim_of(utterance):
    """Return what `utterance` was while it was still being said."""
    return dataclasses.replace(utterance, samples=utterance.samples[:-512], is_final=False)


def test_nothing_is_asked_for_while_somebody_speaks():
    line = Line()
    line.hear(SPOKEN)
    assert not line.early.is_asked_for
    assert (line.judged, line.asked()) == ([], [])


def test_a_pause_asks_once_for_all_that_was_said():
    line = Line()
    line.hear([*PAUSED, SILENCE, SILENCE])
    assert line.early.is_asked_for
    (request,) = line.asked()
    assert request.purpose is Purpose.EARLY and request.utterance.is_final
    assert request.utterance.duration == pytest.approx(12 * 0.032, abs=0.07)
    assert line.judged == [request.utterance]


def test_what_is_not_to_be_answered_is_judged_once_and_not_asked_for():
    line = Line(Rejection.NOISE)
    line.hear([*PAUSED, SILENCE, SILENCE])
    assert not line.early.is_asked_for
    assert (len(line.judged), line.asked()) == (1, [])


def test_a_voice_that_goes_on_gives_it_up_and_its_next_pause_asks_again():
    line = Line()
    line.hear([*PAUSED, VOICE])
    assert not line.early.is_asked_for
    line.hear([SILENCE])
    (request,) = line.asked()
    assert line.early.is_asked_for and not is_cancelled(request)
    assert request.utterance.duration > line.judged[0].duration


def test_giving_up_cancels_and_may_be_repeated():
    line = Line()
    line.early.give_up()
    line.hear(PAUSED)
    line.early.give_up()
    line.early.give_up()
    (request,) = line.asked()
    assert is_cancelled(request) and not line.early.is_asked_for


def test_a_final_request_has_the_early_one_which_nobody_can_take_back_any_more():
    line = Line()
    line.hear(PAUSED)
    final = line.early.serve(line.judged[0])
    (early,) = line.asked()
    assert (final.purpose, final.early, final.utterance) == (Purpose.FINAL, early, line.judged[0])
    assert not line.early.is_asked_for
    line.early.give_up()
    assert not is_cancelled(early)
    assert line.early.serve(line.judged[0]).early is None


def test_an_interim_request_that_is_due_at_a_pause_is_what_was_said_before_it():
    line = Line()
    line.hear(PAUSED)
    interim = line.early.serve(interim_of(line.judged[0]))
    (early,) = line.asked()
    assert (interim.purpose, interim.early) == (Purpose.INTERIM, early)
    assert interim.utterance.samples is early.utterance.samples and not interim.utterance.is_final


def test_an_interim_request_without_a_pause_is_its_own():
    line = Line()
    line.hear(PAUSED)
    line.early.give_up()
    utterance = interim_of(line.judged[0])
    interim = line.early.serve(utterance)
    assert (interim.purpose, interim.early, interim.utterance) == (Purpose.INTERIM, None, utterance)


def test_the_answer_at_hand_is_that_of_the_early_request():
    line = Line()
    line.hear(PAUSED)
    final = line.early.serve(line.judged[0])
    assert final.early_estimate is None
    final.early.estimate = object()
    assert final.early_estimate is final.early.estimate
    assert line.early.serve(line.judged[0]).early_estimate is None
