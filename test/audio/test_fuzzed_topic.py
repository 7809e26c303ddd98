# SPDX-License-Identifier: Apache-2.0
"""Messages of any length, rate and stamp, at any pace: no exception, and always a sentence when they end."""

import types
from unittest import mock

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_ros.audio import capture_times, topic
from ser_ros.audio.packets import AudioPacket
from ser_ros.audio.topic import TopicSource

WALL = 1.7e9
SOME = settings(max_examples=150, deadline=None, derandomize=True)

messages = st.tuples(
    st.sampled_from([1, 2, 160, 512, 1600, 16_000, 48_000, 300_000]),
    st.sampled_from([0.0, 0.0, 0.001, 0.01, 0.032, 0.1, 0.5, 1.0, 5.0, 100.0]),
    st.sampled_from(['none', 'true', 'same', 'future', 'past', 'an hour ago', 'since start', 'at creation']),
    st.sampled_from([16_000, 16_000, 16_000, 48_000, 8_000, 11_025]),
    st.sampled_from([1, 1, 2]),
    st.booleans(),
)


class Clock:
    now = 1000.0

    def monotonic(self):
        return self.now

    def wall(self):
        return self.now + WALL - 1000.0

    def stamp(self, kind, duration, last):
        stamps = {'none': None, 'same': last, 'future': 2147483640.5, 'past': 1e-9, 'since start': self.now}
        stamps |= {'true': self.wall() - duration, 'an hour ago': self.wall() - 3600.0, 'at creation': self.wall()}
        return stamps[kind]


@SOME
@given(st.lists(messages, min_size=1, max_size=30), st.booleans(), st.floats(-20.0, 20.0))
def test_whatever_comes_is_placed_and_its_end_is_told(sent, read_at_once, skew):
    clock = Clock()
    times = types.SimpleNamespace(monotonic=clock.monotonic, time=clock.wall)
    with mock.patch.object(topic, 'time', times), mock.patch.object(capture_times, 'time', times):
        source = TopicSource('topic /audio', clock=clock.wall)
        source.start()
        stamp = 1.0
        for length, pause, kind, rate, channels, is_timed in sent:
            clock.now += pause
            stamp = clock.stamp(kind, length / rate, stamp) or stamp
            frames = np.full((length, channels), 0.1, np.float32)
            packet = AudioPacket(frames, rate, None if kind == 'none' else stamp)
            source.push(packet, sent=clock.wall() + skew if is_timed else None)
            assert source.problem == '' and source.remark.count('\n') == 0
            assert 0.7 <= source.longest_pause <= 5.71
            if read_at_once:
                read_all(source, clock)
        read_all(source, clock)
        clock.now += 6.0
        assert 'no sound on the topic' in source.problem


def read_all(source, clock):
    while not source._queue.empty() or len(source._rest):
        block = source.read(0.0)
        if block is not None:
            assert np.isfinite(block.start_time) and block.duration <= 0.2
            # A resampler rounds to whole samples.
            assert block.arrival <= clock.now + 1e-3
