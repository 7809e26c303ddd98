# SPDX-License-Identifier: Apache-2.0
"""Where the listener finds an utterance to end, when it says that somebody speaks, and when it rests."""

import dataclasses
import time

import pytest
from live_line import (
    CONFIG,
    END,
    SECONDS,
    SILENCE,
    TIMEOUT,
    UTTERANCE,
    VOICE,
    Source,
    wait_until,
)

from ser_ros.speech.rejection import Rejection


def test_the_utterance_of_the_last_second_is_answered_although_no_silence_ends_it(make):
    pipeline, heard = make(Source(live=False, fed=[SILENCE] * 20 + [VOICE] * 30 + [END]))
    pipeline.start()
    assert heard.ended.wait(TIMEOUT)
    assert heard.kinds == [(1, True)]
    assert heard.utterances[0].duration == pytest.approx(30 * SECONDS, abs=2 * SECONDS)


def test_a_gap_ends_the_utterance_instead_of_gluing_it(make):
    source = Source(live=True, fed=[VOICE] * 20)
    pipeline, heard = make(source)
    pipeline.start()
    source.wait_until_heard()
    source.feed([*[VOICE] * 30, *[SILENCE] * 20, END], start_time=100.0, after_gap=True)
    assert heard.ended.wait(TIMEOUT)
    assert heard.kinds == [(1, True), (2, True)]
    assert [utterance.duration for utterance in heard.utterances] == pytest.approx(
        [20 * SECONDS, 30 * SECONDS], abs=2 * SECONDS
    )
    assert heard.utterances[1].start_time == pytest.approx(100.0, abs=SECONDS)
    assert heard.speaking == [True, False, True, False]


def test_sound_that_stops_in_the_middle_of_a_word_ends_the_utterance(make):
    source = Source(live=True, fed=[VOICE] * 20)
    pipeline, heard = make(source)
    pipeline.start()
    wait_until(lambda: heard.kinds == [(1, True)])
    assert heard.speaking == [True, False]
    assert pipeline.status().seconds_since_block > 0.5


def test_speaking_is_told_from_the_voice_to_the_end_silence_and_not_for_a_knock(make):
    source = Source(live=False, fed=[*[VOICE] * 3, *[SILENCE] * 30, *UTTERANCE, END])
    pipeline, heard = make(source)
    pipeline.start()
    assert heard.ended.wait(TIMEOUT)
    assert heard.speaking == [True, False]
    assert pipeline.status().rejected[Rejection.TOO_SHORT] == 1


def test_speaking_goes_on_across_the_cut_of_a_long_utterance(make):
    source = Source(live=False, fed=[*[VOICE] * 100, *[SILENCE] * 30, END])
    pipeline, heard = make(source, segmentation=dataclasses.replace(CONFIG, max_utterance=1.0))
    pipeline.start()
    assert heard.ended.wait(TIMEOUT)
    assert len(heard.kinds) > 2
    assert heard.speaking == [True, False]


def test_while_nobody_speaks_the_listener_rests_between_four_chunks(make):
    source = Source(live=True)
    pipeline, heard = make(source)
    pipeline.start()
    source.wait_until_heard()
    source.now = time.monotonic() - 4 * SECONDS - 0.001
    source.feed([SILENCE] * 4)
    wait_until(lambda: pipeline.status().blocks == 4)
    assert not source.heard_all_within(0.05)
    source.feed(UTTERANCE)
    wait_until(lambda: heard.kinds == [(1, True)])
