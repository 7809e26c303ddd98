# SPDX-License-Identifier: Apache-2.0
"""What is heard is read off ten times a second while somebody looks, and not at all while nobody does."""

import itertools

import numpy as np
import pytest
from live_line import END, SECONDS, SILENCE, TIMEOUT, UTTERANCE, VOICE, Detector, Source, wait_until

from ser_ros.audio.block import AudioBlock
from ser_ros.pipeline.callbacks import Callbacks, Caller
from ser_ros.pipeline.gate import Closure, Gate, GateConfig
from ser_ros.pipeline.meter import Meter
from ser_ros.speech.hearing import Hearing
from ser_ros.speech.segmenter import SpeechState

QUIET_SECONDS = 10.0
IDLE = [SILENCE] * round(QUIET_SECONDS / SECONDS)


@pytest.fixture
def hear(make):
    """Return hear(items, wanted): the readings of a source that ends after them."""

    def hear(items, wants_readings=lambda: True, **options):
        pipeline, heard = make(Source(live=False, fed=[*items, END]), wants_readings=wants_readings, **options)
        pipeline.start()
        assert heard.ended.wait(TIMEOUT)
        return heard.readings

    return hear


@pytest.mark.parametrize('items', [IDLE, [VOICE] * len(IDLE)], ids=['while quiet', 'while somebody speaks'])
def test_there_are_ten_for_each_second_of_sound(hear, items):
    readings = hear(items)
    assert len(readings) == pytest.approx(10 * QUIET_SECONDS, abs=4)
    times = [reading.time for reading in readings]
    steps = np.diff(times)
    assert (steps > 0.09).all() and (steps < 0.14).all()
    assert times[-1] == pytest.approx(QUIET_SECONDS, abs=0.45)


def test_nobody_who_looks_gets_nothing_and_is_asked_ten_times_a_second(hear):
    asked = []
    assert hear(IDLE, lambda: asked.append(None)) == []
    assert len(asked) == pytest.approx(10 * QUIET_SECONDS, abs=2)


def test_they_begin_when_somebody_looks_and_end_when_nobody_does(hear):
    questions = itertools.count()
    readings = hear(IDLE, lambda: 20 <= next(questions) < 50)
    assert len(readings) == 30
    assert readings[0].time == pytest.approx(2.2, abs=0.15)
    assert readings[-1].time == pytest.approx(5.1, abs=0.15)


def test_they_show_the_states_in_their_order_and_the_highest_probability(hear):
    readings = hear([*[SILENCE] * 10, *UTTERANCE, *[SILENCE] * 10])
    states = [state for state, _ in itertools.groupby(reading.state for reading in readings)]
    assert states == [*SpeechState, SpeechState.QUIET]
    assert {reading.speech_probability for reading in readings} == {0.0, 1.0}
    assert all(reading.gate is None for reading in readings)


def test_while_the_gate_is_closed_they_go_on_and_say_why(make):
    gate = Gate(GateConfig(hold_off=0.0, lead=0.0))
    source = Source(live=True)
    pipeline, heard = make(source, gate=gate, wants_readings=lambda: True)
    pipeline.start()
    gate.robot_speaking(True, source.now)
    source.feed([VOICE] * 100)
    wait_until(lambda: len(heard.readings) >= 30)
    source.wait_until_heard()
    assert len(heard.readings) == pytest.approx(31, abs=3)
    assert {reading.gate for reading in heard.readings} == {Closure.ROBOT_SPEECH}
    assert {reading.state for reading in heard.readings} == {SpeechState.QUIET}
    gate.robot_speaking(False, source.now)
    gate.listen(False, source.now)
    source.feed([VOICE] * 100)
    wait_until(lambda: heard.readings[-1].gate is Closure.MUTED)


def ignore(*arguments):
    pass


class Heard:
    """A meter without a pipeline."""

    def __init__(self):
        self.readings = []
        callbacks = Callbacks(ignore, ignore, ignore, ignore, self.readings.append, lambda: True)
        self.meter = Meter(Hearing(detector=Detector()), Caller(callbacks, discard=ignore))


def sine(level, seconds):
    """Return a tone of `level` dBFS, beside the centre."""
    time = np.arange(round(seconds * 16_000)) / 16_000
    return (np.sqrt(2) * 10 ** (level / 20) * np.sin(2 * np.pi * 1000 * time) + 0.1).astype(np.float32)


@pytest.mark.parametrize(('level', 'read'), [(-20.0, -20.0), (-60.0, -60.0), (-130.0, -90.0)])
@pytest.mark.parametrize('block', [0.01, 0.1, 1.0], ids='{} s at a time'.format)
def test_the_level_is_that_of_the_sound_since_the_last_one_for_blocks_of_any_length(level, read, block):
    heard = Heard()
    count = round(3.0 / block)
    for number in range(count):
        heard.meter.overhear(AudioBlock(sine(level, block), number * block, 0.0), Closure.MUTED)
    assert len(heard.readings) == pytest.approx(28, abs=2)
    assert [reading.level for reading in heard.readings] == pytest.approx([read] * len(heard.readings), abs=0.1)
    assert heard.readings[-1].time == pytest.approx(3.0, abs=0.4)
