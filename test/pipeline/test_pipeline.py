# SPDX-License-Identifier: Apache-2.0
"""The pipeline on stand-ins: the sound itself says how probable speech is, and the test holds every thread's reins."""

import dataclasses
import threading
import time
from collections import deque
from types import MappingProxyType

import numpy as np
import pytest

from ser_ros.audio.block import AudioBlock
from ser_ros.audio.file import FileSource
from ser_ros.audio.source import EndOfAudio
from ser_ros.errors import SerError
from ser_ros.pipeline.callbacks import Callbacks
from ser_ros.pipeline.gate import Closure, Gate, GateConfig
from ser_ros.pipeline.pipeline import Pipeline
from ser_ros.recognition.cancellation import Cancelled
from ser_ros.recognition.estimate import Estimate
from ser_ros.speech.rejection import Rejection, RejectionConfig
from ser_ros.speech.segmenter import SegmentationConfig

TIMEOUT = 10.0
CONFIG = SegmentationConfig()
ANSWER_ALL = RejectionConfig(noise_margin=0.0, min_voice=0.0)
"""Made sound is no voice: here its own word is taken for it."""
INTERIM = dataclasses.replace(CONFIG, interim_period=0.032)
CHUNK, SECONDS = 512, 0.032

VOICE, SILENCE = 1.0, 0.0
UTTERANCE = [VOICE] * 12 + [SILENCE] * 20
"""Chunks; with the default configuration one utterance of 12 voiced chunks, and quiet again."""

END = object()

ROOM = 32
"""Utterances that can wait for the recogniser."""


class Source:
    """Gives what the test feeds: probabilities (one chunk each), an error to raise, or END."""

    description = 'stand-in'
    problem = ''
    longest_pause = 0.7
    losses = MappingProxyType({'overflows': 3})

    def __init__(self, *, live, fed=()):
        self.live = live
        self.opened = self.started = self.closed = 0
        self._fed = deque()
        self._idle = False
        self._changed = threading.Condition()
        self._time = 0.0
        self.now = time.monotonic()
        """When the last chunk was captured: as in a microphone, time passes with the sound, but faster."""
        self.feed(fed)

    def feed(self, items, *, start_time=None, after_gap=False):
        """Hand items over; `start_time` is that of the first chunk, `after_gap` says whether sound lacks before it."""
        with self._changed:
            for item in items:
                self._fed.append((item, start_time, after_gap))
                start_time, after_gap = None, False
            self._idle = False
            self._changed.notify_all()

    def heard_all_within(self, seconds):
        """Return whether the listener has dealt with everything and asks for more."""
        with self._changed:
            return self._changed.wait_for(lambda: self._idle, seconds)

    def wait_until_heard(self):
        assert self.heard_all_within(TIMEOUT)

    def open(self):
        self.opened += 1

    def start(self):
        self.started += 1

    def read(self, timeout):
        with self._changed:
            self._idle = not self._fed
            self._changed.notify_all()
            if not self._changed.wait_for(lambda: self._fed, min(timeout, 0.01)):
                return None
            item, start_time, after_gap = self._fed.popleft()
        if item is END:
            raise EndOfAudio
        if isinstance(item, Exception):
            raise item
        self._time = self._time if start_time is None else start_time
        self.now += SECONDS
        block = AudioBlock(np.full(CHUNK, item, dtype=np.float32), self._time, self.now, after_gap)
        self._time += SECONDS
        return block

    def close(self):
        self.closed += 1


class Detector:
    """Believes what the sound says."""

    def __init__(self):
        self.resets = 0

    def speech_probability(self, chunk):
        return float(chunk[0])

    def reset(self):
        self.resets += 1


class Recogniser:
    """Answers at once, or waits for `go` where it was told to; `busy` is set while it works.

    One that `ignores` cancellation is in the middle of something that nobody can end.
    """

    def __init__(self, *, waits=False, ignores=False, error=None):
        self.busy = threading.Event()
        self.go = threading.Event()
        self.asked = []
        self.cancelled = 0
        self.ignores = ignores
        self.error = error
        if not waits:
            self.go.set()

    def classify(self, samples, cancellation):
        self.asked.append(len(samples))
        self.busy.set()
        deadline = time.monotonic() + TIMEOUT
        while not self.go.wait(0.001):
            assert time.monotonic() < deadline
            try:
                cancellation.check()
            except Cancelled:
                if not self.ignores:
                    self.cancelled += 1
                    raise
        if self.error is not None:
            raise self.error
        return Estimate(('happy', 'sad'), np.array([0.75, 0.25], dtype=np.float32), 0.001)


class Heard:
    """What was called back, and when it ended."""

    def __init__(self):
        self.utterances = []
        self.estimates = []
        self.speaking = []
        self.failures = []
        self.ends = []
        self.ended = threading.Event()
        self.threads = set()

    def on_estimate(self, utterance, estimate):
        self.threads.add(threading.current_thread().name)
        self.utterances.append(utterance)
        self.estimates.append(estimate)

    def on_failure(self, utterance, error):
        self.failures.append((utterance.number, error))

    def on_end(self, error):
        self.ends.append(error)
        self.ended.set()

    @property
    def kinds(self):
        return [(utterance.number, utterance.is_final) for utterance in self.utterances]


@pytest.fixture
def make():
    """Return make(source, recogniser): a pipeline and what it calls back; stopped at the end of the test."""
    pipelines = []

    def build(source, recogniser=None, *, segmentation=CONFIG, gate=None, detector=Detector, **callbacks):
        heard = Heard()
        pipeline = Pipeline(
            source=source,
            recogniser=recogniser or Recogniser(),
            segmentation=segmentation,
            callbacks=Callbacks(
                on_estimate=callbacks.get('on_estimate', heard.on_estimate),
                on_speaking=heard.speaking.append,
                on_failure=heard.on_failure,
                on_end=heard.on_end,
            ),
            rejection=ANSWER_ALL,
            gate=gate,
            make_detector=detector,
        )
        pipelines.append((pipeline, recogniser))
        return pipeline, heard

    yield build
    for pipeline, recogniser in pipelines:
        if recogniser is not None:
            recogniser.go.set()
        pipeline.stop()


def threads_of_pipelines():
    return [thread for thread in threading.enumerate() if thread.name in ('listener', 'recogniser')]


def wait_until(condition):
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, 'the condition did not come true'
        time.sleep(0.002)


@pytest.mark.parametrize('live', [False, True])
def test_every_utterance_is_answered_in_order_and_then_the_end_is_told(make, live):
    source = Source(live=live, fed=[*UTTERANCE * 3, END])
    pipeline, heard = make(source)
    pipeline.start()
    assert heard.ended.wait(TIMEOUT)
    assert heard.kinds == [(1, True), (2, True), (3, True)]
    assert [estimate.label for estimate in heard.estimates] == ['happy'] * 3
    assert heard.ends == [None]
    assert heard.threads == {'recogniser'}
    assert (source.opened, source.started) == (1, 1)


def test_the_utterance_of_the_last_second_is_answered_although_no_silence_ends_it(make):
    pipeline, heard = make(Source(live=False, fed=[SILENCE] * 20 + [VOICE] * 30 + [END]))
    pipeline.start()
    assert heard.ended.wait(TIMEOUT)
    assert heard.kinds == [(1, True)]
    assert heard.utterances[0].duration == pytest.approx(30 * SECONDS, abs=2 * SECONDS)


def test_where_nobody_speaks_only_the_end_is_told(make):
    pipeline, heard = make(Source(live=False, fed=[SILENCE] * 100 + [END]))
    pipeline.start()
    assert heard.ended.wait(TIMEOUT)
    assert (heard.kinds, heard.ends) == ([], [None])


def test_a_source_that_can_wait_waits_for_a_slow_recogniser_and_nothing_is_dropped(make):
    recogniser = Recogniser(waits=True)
    source = Source(live=False, fed=[*UTTERANCE * 50, END])
    pipeline, heard = make(source, recogniser)
    pipeline.start()
    assert recogniser.busy.wait(TIMEOUT)
    # One is with the recogniser, the mailbox is full, and the listener holds another.
    wait_until(lambda: pipeline.status().utterances == ROOM + 2)
    assert not source.heard_all_within(0.05)
    assert (pipeline.status().utterances, pipeline.status().waiting) == (ROOM + 2, ROOM)
    assert pipeline.status().lag == 0.0
    recogniser.go.set()
    assert heard.ended.wait(TIMEOUT)
    assert heard.kinds == [(number, True) for number in range(1, 51)]
    status = pipeline.status()
    assert (status.dropped_interim, status.dropped_final, status.answered) == (0, 0, 50)


PAUSE = [VOICE] * 12 + [SILENCE]
"""Chunks; the voice has paused, and whether the utterance is over is not decided yet."""


def paused_live_pipeline(make, recogniser, **options):
    """Return (pipeline, heard, source) of a live source whose voice has paused."""
    source = Source(live=True, fed=PAUSE)
    pipeline, heard = make(source, recogniser, **options)
    pipeline.start()
    assert recogniser.busy.wait(TIMEOUT)
    source.wait_until_heard()
    return pipeline, heard, source


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


def stuck_live_pipeline(make, segmentation):
    """Return (pipeline, heard, source, recogniser) with the recogniser stuck in the first utterance."""
    recogniser = Recogniser(waits=True)
    pipeline, heard, source = paused_live_pipeline(make, recogniser)
    source.feed([SILENCE] * 19)
    source.wait_until_heard()
    pipeline.configure(segmentation, ANSWER_ALL)
    return pipeline, heard, source, recogniser


def test_a_live_source_with_a_stuck_recogniser_drops_interim_ones_as_soon_as_there_is_news(make):
    pipeline, heard, source, recogniser = stuck_live_pipeline(make, INTERIM)
    # Each of these brings interim utterances, one for each chunk after the eighth, and a final one.
    source.feed([([VOICE] * 13 + [SILENCE] * 20)[at % 33] for at in range(33 * 3)])
    source.wait_until_heard()
    status = pipeline.status()
    assert status.dropped_interim >= 3 * 4
    assert (status.dropped_final, status.waiting) == (0, 4)
    assert status.lag > 0.0 and status.working_for > 0.0
    recogniser.go.set()
    source.feed([END])
    assert heard.ended.wait(TIMEOUT)
    assert heard.kinds == [(number, True) for number in (1, 2, 3, 4)]
    assert pipeline.status().answered == 4
    assert pipeline.status().working_for == 0.0


def test_a_live_source_with_a_recogniser_stuck_for_long_drops_the_oldest_final_ones_and_counts_them(make):
    pipeline, heard, source, recogniser = stuck_live_pipeline(make, CONFIG)
    source.feed(UTTERANCE * (ROOM + 3))
    source.wait_until_heard()
    recogniser.go.set()
    source.feed([END])
    assert heard.ended.wait(TIMEOUT)
    assert heard.kinds == [(1, True)] + [(number, True) for number in range(6, ROOM + 5)]
    status = pipeline.status()
    assert (status.utterances, status.answered, status.dropped_final) == (ROOM + 4, ROOM, 4)


@pytest.mark.parametrize('ignores', [False, True])
def test_stop_takes_less_than_a_second_although_the_model_works_and_nothing_is_called_back_afterwards(make, ignores):
    recogniser = Recogniser(waits=True, ignores=ignores)
    source = Source(live=True, fed=UTTERANCE * 3)
    pipeline, heard = make(source, recogniser)
    pipeline.start()
    assert recogniser.busy.wait(TIMEOUT)
    started = time.monotonic()
    pipeline.stop()
    assert time.monotonic() - started < 1.0
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
    assert time.monotonic() - started < 1.0
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


def test_a_source_that_fails_ends_the_pipeline_with_its_error(make):
    error = SerError('the microphone was pulled out; plug it in again')
    pipeline, heard = make(Source(live=True, fed=[SILENCE, error]))
    pipeline.start()
    assert heard.ended.wait(TIMEOUT)
    assert heard.ends == [error]
    wait_until(lambda: not threads_of_pipelines())


@pytest.mark.parametrize('error', [SerError('the model answered with NaN; use another'), RuntimeError('CUDA error')])
@pytest.mark.parametrize('live', [False, True])
def test_a_recogniser_that_fails_is_told_and_asked_again(make, error, live):
    source, recogniser = Source(live=live, fed=UTTERANCE * 2), Recogniser(error=error)
    pipeline, heard = make(source, recogniser)
    pipeline.start()
    wait_until(lambda: heard.failures == [(1, error), (2, error)])
    assert pipeline.status().last_failure == str(error)
    recogniser.error = None
    source.feed([*UTTERANCE, END])
    assert heard.ended.wait(TIMEOUT)
    assert (heard.kinds, heard.ends) == ([(3, True)], [None])
    status = pipeline.status()
    assert (status.utterances, status.answered, status.failed, status.last_failure) == (3, 1, 2, '')


def test_a_callback_that_fails_ends_the_pipeline_with_its_error(make):
    error = RuntimeError('the publisher is gone')

    def on_estimate(utterance, estimate):
        raise error

    pipeline, heard = make(Source(live=True, fed=UTTERANCE), on_estimate=on_estimate)
    pipeline.start()
    assert heard.ended.wait(TIMEOUT)
    assert heard.ends == [error]


def test_a_source_that_cannot_start_ends_the_pipeline_with_its_error(make):
    class Refusing(Source):
        def start(self):
            raise SerError('opened but did not start')

    pipeline, heard = make(Refusing(live=True))
    pipeline.start()
    assert heard.ended.wait(TIMEOUT)
    assert 'did not start' in str(heard.ends[0])


def test_a_source_that_cannot_open_raises_from_start_and_leaves_no_thread(make, tmp_path):
    pipeline, heard = make(FileSource(tmp_path / 'nowhere.wav'))
    with pytest.raises(SerError):
        pipeline.start()
    assert threads_of_pipelines() == []
    pipeline.stop()
    assert heard.ends == []


def test_the_counts_are_right(make):
    source = Source(live=True, fed=UTTERANCE * 2)
    pipeline, heard = make(source)
    assert pipeline.status().blocks == 0
    pipeline.start()
    wait_until(lambda: len(heard.utterances) == 2)
    source.wait_until_heard()
    status = pipeline.status()
    assert (status.blocks, status.losses, status.utterances, status.answered) == (64, {'overflows': 3}, 2, 2)
    assert (status.dropped_interim, status.dropped_final, status.waiting) == (0, 0, 0)
    assert sum(status.rejected.values()) == 0
    assert 0.0 <= status.seconds_since_block < TIMEOUT


def test_interim_answers_are_not_counted_as_answered_utterances(make):
    pipeline, heard = make(Source(live=False, fed=[*UTTERANCE, END]), segmentation=INTERIM)
    pipeline.start()
    assert heard.ended.wait(TIMEOUT)
    assert heard.kinds == [(1, False)] * 4 + [(1, True)]
    assert pipeline.status().answered == 1


def test_configure_takes_effect_while_it_listens(make):
    source = Source(live=True, fed=[VOICE] * 20 + [SILENCE] * 10)
    pipeline, heard = make(source)
    pipeline.start()
    source.wait_until_heard()
    assert heard.utterances == []
    pipeline.configure(dataclasses.replace(CONFIG, end_silence=0.1), ANSWER_ALL)
    source.feed([SILENCE])
    wait_until(lambda: heard.kinds == [(1, True)])


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


def test_each_pipeline_listens_with_a_detector_of_its_own(make):
    made = []

    class Counted(Detector):
        def __init__(self):
            super().__init__()
            made.append(self)

    for _ in range(2):
        make(Source(live=True), detector=Counted)
    assert len(made) == 2


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
