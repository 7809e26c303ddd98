# SPDX-License-Identifier: Apache-2.0
"""To whom an utterance belongs: to who spoke when it was said, not when it is answered."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from live_line import TIMEOUT, UTTERANCE, Recogniser, Source, wait_until

from ser_ros.pipeline.voices import Voices
from ser_ros.speech.segmenter import Utterance


def utterance(end, duration=1.0):
    return Utterance(1, np.zeros(0, dtype=np.float32), 0.0, duration, end, True)


def test_before_anything_is_noted_nobody_is_known():
    assert Voices().of(utterance(5.0)) == ''


@pytest.mark.parametrize(
    ('end', 'voice'), [(0.9, ''), (1.0, 'anna'), (4.9, 'anna'), (5.0, 'ben'), (7.0, ''), (1e9, '')]
)
def test_an_utterance_belongs_to_the_id_in_force_when_it_ended(end, voice):
    voices = Voices()
    for name, at in (('anna', 1.0), ('ben', 5.0), ('', 7.0)):
        voices.note(name, at)
    assert voices.of(utterance(end)) == voice


def test_a_robot_may_know_the_voice_only_after_the_first_words():
    voices = Voices()
    voices.note('anna', 1.0)
    voices.note('ben', 9.5)
    assert voices.of(utterance(10.0, duration=2.0)) == 'ben'


def test_what_is_noted_for_an_earlier_time_replaces_what_was_noted_for_later():
    voices = Voices()
    voices.note('anna', 1.0)
    voices.note('', 3.0)
    voices.note('ben', 2.0)
    assert [voices.at(time) for time in (1.5, 2.0, 3.5)] == ['anna', 'ben', 'ben']


@given(st.lists(st.tuples(st.text(max_size=2), st.floats(-5.0, 5.0))))
def test_the_last_word_on_any_time_counts_and_the_past_is_never_rewritten(noted):
    voices = Voices()
    for name, at in noted:
        before = [voices.at(time) for time in (math.nextafter(at, -math.inf), at - 1.0)]
        voices.note(name, at)
        assert [voices.at(time) for time in (math.nextafter(at, -math.inf), at - 1.0)] == before
        assert voices.at(at) == voices.at(math.inf) == name


def test_its_memory_is_bounded():
    voices = Voices()
    for number in range(100_000):
        voices.note(str(number), float(number))
    assert len(voices._noted) <= 1000
    assert voices.at(99_999.5) == '99999'
    assert voices.at(5.0) == ''


def test_a_voice_that_changes_right_after_an_utterance_does_not_take_it_however_late_it_is_answered(make):
    """The recogniser is busy with the first utterance while the second waits and the speaker changes."""
    recogniser, voices = Recogniser(waits=True), Voices()
    source = Source(live=False, fed=UTTERANCE)
    pipeline, heard = make(source, recogniser, voices=voices)
    voices.note('anna', source.now)
    pipeline.start()
    assert recogniser.busy.wait(TIMEOUT)
    source.wait_until_heard()
    voices.note('ben', source.now)
    source.feed(UTTERANCE)
    source.wait_until_heard()
    wait_until(lambda: pipeline.status().waiting == 1)
    voices.note('carla', source.now)
    recogniser.go.set()
    wait_until(lambda: len(heard.utterances) == 2)
    assert recogniser.voices == ['anna', 'ben']


def test_an_answer_that_is_ready_at_the_pause_belongs_to_who_paused(make):
    recogniser, voices = Recogniser(), Voices()
    source = Source(live=True, fed=UTTERANCE[:15])
    pipeline, heard = make(source, recogniser, voices=voices)
    voices.note('anna', source.now)
    pipeline.start()
    source.wait_until_heard()
    voices.note('ben', source.now)
    source.feed(UTTERANCE[15:])
    wait_until(lambda: len(heard.utterances) == 1)
    assert recogniser.voices == ['anna']
