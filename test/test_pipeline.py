# SPDX-License-Identifier: Apache-2.0
"""The pipeline on stand-ins: the sound itself says how probable speech is, and the test holds every thread's reins."""

import dataclasses
import math
import threading
import time
from collections import deque

import numpy as np
import pytest

from ser_ros.audio.block import AudioBlock
from ser_ros.audio.file import FileSource
from ser_ros.audio.source import EndOfAudio
from ser_ros.errors import SerError
from ser_ros.pipeline import Pipeline
from ser_ros.recognition.estimate import Estimate
from ser_ros.speech.segmenter import SegmentationConfig

TIMEOUT = 10.0
CONFIG = SegmentationConfig()
INTERIM = dataclasses.replace(CONFIG, interim_period=0.032)
CHUNK, SECONDS = 512, 0.032

VOICE, SILENCE = 1.0, 0.0
UTTERANCE = [VOICE] * 12 + [SILENCE] * 20
"""Chunks; with the default configuration one utterance of 12 voiced chunks, and quiet again."""

END = object()


class Source:
    """Gives what the test feeds: probabilities (one chunk each), an error to raise, or END."""

    description = 'stand-in'
    overflows = 3

    def __init__(self, *, live, fed=()):
        self.live = live
        self.opened = self.started = self.closed = 0
        self._fed = deque()
        self._idle = False
        self._changed = threading.Condition()
        self._time = 0.0
        self.feed(fed)

    def feed(self, items, *, start_time=None):
        """Hand items over; `start_time` sets the capture time of the first chunk."""
        with self._changed:
            for item in items:
                self._fed.append((item, start_time))
                start_time = None
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
            item, start_time = self._fed.popleft()
        if item is END:
            raise EndOfAudio
        if isinstance(item, Exception):
            raise item
        self._time = self._time if start_time is None else start_time
        block = AudioBlock(np.full(CHUNK, item, dtype=np.float32), self._time, time.monotonic())
        self._time += SECONDS
        return block

    def close(self):
        self.closed += 1


class Detector:
    """Believes what the sound says."""

    def speech_probability(self, chunk):
        return float(chunk[0])


class Recogniser:
    """Answers at once, or waits for `go` where it was told to; `busy` is set while it works."""

    def __init__(self, *, waits=False, error=None):
        self.busy = threading.Event()
        self.go = threading.Event()
        self.asked = []
        self._error = error
        if not waits:
            self.go.set()

    def classify(self, samples):
        self.asked.append(len(samples))
        self.busy.set()
        assert self.go.wait(TIMEOUT)
        if self._error is not None:
            raise self._error
        return Estimate(('happy', 'sad'), np.array([0.75, 0.25], dtype=np.float32), 0.001)


class Heard:
    """What was called back, and when it ended."""

    def __init__(self):
        self.utterances = []
        self.estimates = []
        self.ends = []
        self.ended = threading.Event()
        self.threads = set()

    def on_estimate(self, utterance, estimate):
        self.threads.add(threading.current_thread().name)
        self.utterances.append(utterance)
        self.estimates.append(estimate)

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

    def build(source, recogniser=None, *, segmentation=CONFIG, detector=Detector, **callbacks):
        heard = Heard()
        pipeline = Pipeline(
            source=source,
            recogniser=recogniser or Recogniser(),
            segmentation=segmentation,
            on_estimate=callbacks.get('on_estimate', heard.on_estimate),
            on_end=heard.on_end,
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
    source = Source(live=False, fed=[*UTTERANCE * 30, END])
    pipeline, heard = make(source, recogniser)
    pipeline.start()
    assert recogniser.busy.wait(TIMEOUT)
    # One is with the recogniser, eight wait, and the listener holds the tenth.
    wait_until(lambda: pipeline.counts().utterances == 10)
    assert not source.heard_all_within(0.05)
    assert pipeline.counts().utterances == 10
    recogniser.go.set()
    assert heard.ended.wait(TIMEOUT)
    assert heard.kinds == [(number, True) for number in range(1, 31)]
    counts = pipeline.counts()
    assert (counts.dropped_interim, counts.dropped_final, counts.answered) == (0, 0, 30)


def stuck_live_pipeline(make, segmentation):
    """Return (pipeline, heard, source, recogniser) with the recogniser stuck in the first utterance's final."""
    recogniser = Recogniser(waits=True)
    source = Source(live=True, fed=UTTERANCE)
    pipeline, heard = make(source, recogniser, segmentation=CONFIG)
    pipeline.start()
    assert recogniser.busy.wait(TIMEOUT)
    source.wait_until_heard()
    pipeline.configure(segmentation)
    return pipeline, heard, source, recogniser


def test_a_live_source_with_a_stuck_recogniser_drops_the_oldest_interim_ones_first(make):
    pipeline, heard, source, recogniser = stuck_live_pipeline(make, INTERIM)
    # Each of these brings five interim utterances (one for each chunk after the eighth) and a final one.
    source.feed([([VOICE] * 13 + [SILENCE] * 20)[at % 33] for at in range(33 * 3)])
    source.wait_until_heard()
    assert pipeline.counts().dropped_interim == 3 * 6 - 8
    assert pipeline.counts().dropped_final == 0
    recogniser.go.set()
    source.feed([END])
    assert heard.ended.wait(TIMEOUT)
    assert heard.kinds[0] == (1, True)
    assert [kind for kind in heard.kinds if kind[1]] == [(number, True) for number in (1, 2, 3, 4)]
    # The newest interim ones are those that were left.
    assert {number for number, is_final in heard.kinds if not is_final} == {4}
    assert pipeline.counts().answered == 4


def test_a_live_source_with_a_recogniser_stuck_for_long_drops_the_oldest_final_ones_and_counts_them(make):
    pipeline, heard, source, recogniser = stuck_live_pipeline(make, CONFIG)
    source.feed(UTTERANCE * 11)
    source.wait_until_heard()
    recogniser.go.set()
    source.feed([END])
    assert heard.ended.wait(TIMEOUT)
    assert heard.kinds == [(1, True)] + [(number, True) for number in range(5, 13)]
    counts = pipeline.counts()
    assert (counts.utterances, counts.answered, counts.dropped_final) == (12, 9, 3)


def test_stop_takes_less_than_a_second_although_the_model_is_at_work_and_nothing_is_called_back_afterwards(make):
    recogniser = Recogniser(waits=True)
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
    recogniser = Recogniser(waits=True)
    pipeline, heard = make(Source(live=False, fed=UTTERANCE * 30), recogniser)
    pipeline.start()
    wait_until(lambda: pipeline.counts().utterances == 10)
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
    assert source.closed == 2
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
def test_a_recogniser_that_fails_ends_the_pipeline_with_its_error(make, error, live):
    pipeline, heard = make(Source(live=live, fed=[*UTTERANCE * 20, END]), Recogniser(error=error))
    pipeline.start()
    assert heard.ended.wait(TIMEOUT)
    wait_until(lambda: not threads_of_pipelines())
    assert (heard.kinds, heard.ends) == ([], [error])


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
    assert pipeline.counts().blocks == 0
    pipeline.start()
    wait_until(lambda: len(heard.utterances) == 2)
    source.wait_until_heard()
    counts = pipeline.counts()
    assert (counts.blocks, counts.overflows, counts.utterances, counts.answered) == (64, 3, 2, 2)
    assert (counts.dropped_interim, counts.dropped_final, counts.discarded_by_gate) == (0, 0, 0)
    assert 0.0 <= counts.seconds_since_block < TIMEOUT


def test_interim_answers_are_not_counted_as_answered_utterances(make):
    pipeline, heard = make(Source(live=False, fed=[*UTTERANCE, END]), segmentation=INTERIM)
    pipeline.start()
    assert heard.ended.wait(TIMEOUT)
    assert heard.kinds == [(1, False)] * 4 + [(1, True)]
    assert pipeline.counts().answered == 1


def test_configure_takes_effect_while_it_listens(make):
    source = Source(live=True, fed=[VOICE] * 20 + [SILENCE] * 10)
    pipeline, heard = make(source)
    pipeline.start()
    source.wait_until_heard()
    assert heard.utterances == []
    pipeline.configure(dataclasses.replace(CONFIG, end_silence=0.1))
    source.feed([SILENCE])
    wait_until(lambda: heard.kinds == [(1, True)])


def test_a_muted_pipeline_ignores_what_it_hears_and_goes_on_afterwards(make):
    source = Source(live=True)
    pipeline, heard = make(source)
    pipeline.start()
    pipeline.mute(math.inf)
    source.feed(UTTERANCE * 3)
    source.wait_until_heard()
    assert pipeline.counts().utterances == 0
    pipeline.mute(0.0)
    source.feed(UTTERANCE)
    wait_until(lambda: heard.kinds == [(1, True)])


def test_muting_discards_the_utterance_that_is_under_way_and_counts_it(make):
    source = Source(live=True, fed=[VOICE] * 20)
    pipeline, heard = make(source)
    pipeline.start()
    source.wait_until_heard()
    pipeline.mute(math.inf)
    source.feed([VOICE] * 5)
    source.wait_until_heard()
    assert pipeline.counts().discarded_by_gate == 1
    pipeline.mute(0.0)
    source.feed([*UTTERANCE, END])
    assert heard.ended.wait(TIMEOUT)
    assert heard.kinds == [(2, True)]


def test_mute_ends_by_itself_at_the_given_time(make):
    source = Source(live=True)
    pipeline, heard = make(source)
    pipeline.start()
    until = time.monotonic() + 0.1
    pipeline.mute(until)
    source.feed([SILENCE])
    source.wait_until_heard()
    wait_until(lambda: time.monotonic() >= until)
    source.feed(UTTERANCE)
    wait_until(lambda: heard.kinds == [(1, True)])


def test_what_was_heard_before_muting_is_no_part_of_what_is_said_after_it(make):
    before, after = 10.0, 500.0
    faint = 0.1
    source = Source(live=True)
    pipeline, heard = make(source)
    pipeline.start()
    source.feed([faint] * 20, start_time=before)
    source.wait_until_heard()
    pipeline.mute(math.inf)
    source.feed([SILENCE] * 3)
    source.wait_until_heard()
    pipeline.mute(0.0)
    source.feed(UTTERANCE, start_time=after)
    wait_until(lambda: len(heard.utterances) == 1)
    assert heard.utterances[0].start_time == pytest.approx(after)
    assert (heard.utterances[0].samples[: 12 * CHUNK] == 1.0).all()


def test_each_pipeline_listens_with_a_detector_of_its_own(make):
    made = []

    class Counted(Detector):
        def __init__(self):
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
