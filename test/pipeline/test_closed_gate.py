# SPDX-License-Identifier: Apache-2.0
"""What a gate that closes does to what is being said, and to what waits for its answer."""

import pytest
from live_line import CHUNK, END, SECONDS, SILENCE, TIMEOUT, UTTERANCE, VOICE, Recogniser, Source, wait_until

from ser_ros.pipeline.gate import Closure, Gate, GateConfig


@pytest.fixture
def gate():
    """A gate that opens at once."""
    return Gate(GateConfig(hold_off=0.0, lead=0.0))


def close(gate, source, *, earlier=0.0):
    gate.robot_speaking(True, source.now - earlier)


def reopen(gate, source):
    gate.robot_speaking(False, source.now)


def test_a_closed_gate_lets_nothing_through_and_afterwards_all(make, gate):
    source = Source(live=True)
    pipeline, heard = make(source, gate=gate)
    pipeline.start()
    close(gate, source)
    source.feed(UTTERANCE * 3)
    source.wait_until_heard()
    assert pipeline.status().utterances == 0
    reopen(gate, source)
    source.feed(UTTERANCE)
    wait_until(lambda: heard.kinds == [(1, True)])


def test_an_utterance_that_the_robot_talks_into_is_dropped_and_counted(make, gate):
    source = Source(live=True, fed=[VOICE] * 20)
    pipeline, heard = make(source, gate=gate)
    pipeline.start()
    source.wait_until_heard()
    close(gate, source, earlier=5 * SECONDS)
    source.feed([VOICE] * 5)
    source.wait_until_heard()
    assert pipeline.status().rejected[Closure.ROBOT_SPEECH] == 1
    assert heard.speaking == [True, False]
    reopen(gate, source)
    source.feed([*UTTERANCE, END])
    assert heard.ended.wait(TIMEOUT)
    assert heard.kinds == [(2, True)]


def test_an_utterance_that_ended_before_the_robot_spoke_is_answered_at_once(make, gate):
    source = Source(live=True, fed=[VOICE] * 20 + [SILENCE] * 5)
    pipeline, heard = make(source, gate=gate)
    pipeline.start()
    source.wait_until_heard()
    assert heard.kinds == []
    close(gate, source)
    source.feed([SILENCE])
    wait_until(lambda: heard.kinds == [(1, True)])
    assert heard.utterances[0].duration == pytest.approx(20 * SECONDS, abs=2 * SECONDS)


def test_a_robot_that_says_so_late_still_takes_back_what_waits_for_its_answer(make, gate):
    recogniser = Recogniser(waits=True)
    source = Source(live=True, fed=UTTERANCE * 2)
    pipeline, heard = make(source, recogniser, gate=gate)
    pipeline.start()
    assert recogniser.busy.wait(TIMEOUT)
    source.wait_until_heard()
    close(gate, source, earlier=10.0)
    reopen(gate, source)
    recogniser.go.set()
    source.feed([END])
    assert heard.ended.wait(TIMEOUT)
    assert heard.kinds == []
    assert pipeline.status().rejected[Closure.ROBOT_SPEECH] == 2
    assert pipeline.status().answered == 0


def test_muting_by_hand_is_counted_apart(make, gate):
    source = Source(live=True, fed=[VOICE] * 20)
    pipeline, _heard = make(source, gate=gate)
    pipeline.start()
    source.wait_until_heard()
    gate.listen(False, source.now - 5 * SECONDS)
    source.feed([VOICE] * 5)
    source.wait_until_heard()
    assert pipeline.status().rejected[Closure.MUTED] == 1


@pytest.mark.parametrize('cut', ['gate', 'gap'])
def test_what_was_heard_before_is_no_part_of_what_is_said_after_it(make, gate, cut):
    before, after = 10.0, 500.0
    faint = 0.1
    source = Source(live=True)
    pipeline, heard = make(source, gate=gate)
    pipeline.start()
    source.feed([faint] * 20, start_time=before)
    source.wait_until_heard()
    if cut == 'gate':
        close(gate, source)
        source.feed([SILENCE] * 3)
        source.wait_until_heard()
        reopen(gate, source)
    source.feed(UTTERANCE, start_time=after, after_gap=cut == 'gap')
    wait_until(lambda: len(heard.utterances) == 1)
    assert heard.utterances[0].start_time == pytest.approx(after)
    assert (heard.utterances[0].samples[: 12 * CHUNK] == 1.0).all()
    assert pipeline._hearing._detector.resets > 0
