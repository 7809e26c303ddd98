# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for what a pipeline is made of: the sound itself says how probable speech is, and the test holds every
thread's reins."""

import dataclasses
import threading
import time
from collections import deque
from types import MappingProxyType

import numpy as np

from ser_ros.audio.block import AudioBlock
from ser_ros.audio.source import EndOfAudio
from ser_ros.recognition.cancellation import Cancelled
from ser_ros.recognition.estimate import Estimate
from ser_ros.speech.rejection import RejectionConfig
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

END = EndOfAudio()

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
        self.voices = []
        self.cancelled = 0
        self.ignores = ignores
        self.error = error
        if not waits:
            self.go.set()

    def classify(self, samples, cancellation, voice):
        self.asked.append(len(samples))
        self.voices.append(voice)
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
        self.readings = []
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


def threads_of_pipelines():
    return [thread for thread in threading.enumerate() if thread.name in ('listener', 'recogniser')]


def wait_until(condition):
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, 'the condition did not come true'
        time.sleep(0.002)


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
