# SPDX-License-Identifier: Apache-2.0
"""Faults of the sound itself: broken samples, gaps, duplicates, disorder, another rate, a sender that goes.

The first half runs the real pipeline and detector in this process, where samples and stamps can be made at will; the
second half sends messages over real DDS to a node.
"""

import threading
import time

import numpy as np
import pytest
import soxr

from ser_ros.audio.packets import AudioPacket
from ser_ros.audio.topic import TopicSource
from ser_ros.node.messages import seconds
from ser_ros.pipeline.callbacks import Callbacks
from ser_ros.pipeline.pipeline import Pipeline
from ser_ros.recognition.estimate import Estimate
from ser_ros.speech.segmenter import SegmentationConfig

RATE, BLOCK = 16000, 1600


class Listener:
    """Answers everything, and keeps what the model would have heard."""

    def __init__(self):
        self.utterances, self.speaking, self.ends = [], [], []
        self.changed = threading.Condition()

    def classify(self, samples, cancellation, voice):
        assert np.isfinite(samples).all() and np.abs(samples).max() < 2.0
        return Estimate(('calm', 'angry'), np.array([0.5, 0.5], dtype=np.float32), 0.0)

    def note(self, utterance, estimate):
        with self.changed:
            self.utterances.append(utterance)
            self.changed.notify_all()

    def wait_for(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.utterances) >= count, 20.0), self.ends
            assert len(self.utterances) == count


class Feed:
    """Sends packets whose stamps are right, however fast they are sent."""

    def __init__(self, source):
        self.source = source
        self.now = time.time() - 8.0
        self.room = np.random.default_rng(0)

    def quiet(self, duration):
        return self.room.normal(scale=0.0005, size=round(duration * RATE)).astype(np.float32)

    def packets(self, sound, rate=RATE):
        made = []
        size = round(BLOCK * rate / RATE)
        for start in range(0, len(sound), size):
            made.append(AudioPacket(sound[start : start + size, None], rate, self.now))
            self.now += len(sound[start : start + size]) / rate
        return made

    def send(self, packets):
        for packet in packets:
            self.source.push(packet)


@pytest.fixture
def hearing():
    """A pipeline that is fed by hand, after a second of quiet: feed, listener and pipeline."""
    source, listener = TopicSource('topic /audio'), Listener()
    pipeline = Pipeline(
        source=source,
        recogniser=listener,
        segmentation=SegmentationConfig(),
        callbacks=Callbacks(
            on_estimate=listener.note,
            on_speaking=listener.speaking.append,
            on_failure=lambda utterance, error: listener.ends.append(error),
            on_end=listener.ends.append,
        ),
    )
    pipeline.start()
    feed = Feed(source)
    # The source takes nothing before the listening thread has started it.
    deadline = time.monotonic() + 10.0
    while not pipeline.status().blocks:
        assert time.monotonic() < deadline
        feed.send(feed.packets(feed.quiet(0.1)))
        time.sleep(0.01)
    yield feed, listener, pipeline
    assert listener.ends == []
    assert pipeline.stop()


def say_well(feed, listener, speech, number):
    """The next sentence must be heard as ever: whole, once, with the right stamp."""
    feed.send(feed.packets(feed.quiet(0.3)))
    begun = feed.now
    feed.send(feed.packets(np.concatenate([speech, feed.quiet(0.8)])))
    listener.wait_for(number)
    utterance = listener.utterances[-1]
    assert utterance.start_time == pytest.approx(begun, abs=0.15)
    assert utterance.duration == pytest.approx(len(speech) / RATE, abs=0.3)
    assert listener.speaking[-1] is False


@pytest.mark.parametrize(
    ('spoil', 'told'),
    [
        (lambda sound: np.where(np.arange(len(sound)) // 800 == 10, np.nan, sound), {'broken samples': 800}),
        (lambda sound: np.where(np.arange(len(sound)) % 4000 == 50, np.inf, sound), {'broken samples': 6}),
        (lambda sound: np.where(np.arange(len(sound)) % 4000 == 50, -1e30, sound), {'broken samples': 6}),
        (lambda sound: sound + 0.3, {'offset': 0.3}),
        (lambda sound: np.clip(8 * sound, -1, 1), {'clipped': 0.01}),
    ],
    ids=['NaN', 'infinite', 'absurd', 'off centre', 'clipped'],
)
def test_spoilt_samples_leave_one_utterance_and_the_next_is_heard_as_ever(hearing, speech, spoil, told):
    feed, listener, pipeline = hearing
    begun = feed.now
    feed.send(feed.packets(spoil(np.concatenate([speech, feed.quiet(0.1)])).astype(np.float32)))
    deadline = time.monotonic() + 10.0
    signals = []
    while pipeline.status().blocks < 50:
        assert time.monotonic() < deadline
        signals.append(pipeline.status().signal)
        time.sleep(0.001)
    signals.append(pipeline.status().signal)
    feed.send(feed.packets(feed.quiet(0.8)))
    listener.wait_for(1)
    assert listener.utterances[0].start_time == pytest.approx(begun, abs=0.2)
    assert listener.utterances[0].duration == pytest.approx(len(speech) / RATE, abs=0.5)
    assert pipeline.status().losses.get('broken samples', 0) == told.get('broken samples', 0)
    assert signals[-1].offset == pytest.approx(told.get('offset', 0.0), abs=0.08)
    assert signals[-1].clipped >= told.get('clipped', 0.0)
    say_well(feed, listener, speech, 2)


def test_a_gap_of_half_a_second_ends_the_utterance_and_does_not_glue_it(hearing, speech):
    feed, listener, pipeline = hearing
    begun = feed.now
    feed.send(feed.packets(speech[: 7 * BLOCK]))
    feed.now += 0.5
    resumed = feed.now
    feed.send(feed.packets(np.concatenate([speech, feed.quiet(0.8)])))
    listener.wait_for(2)
    first, second = listener.utterances
    assert first.start_time == pytest.approx(begun, abs=0.15) and first.start_time + first.duration <= begun + 0.75
    assert second.start_time == pytest.approx(resumed, abs=0.15)
    assert pipeline.status().losses['gaps'] == 1
    say_well(feed, listener, speech, 3)


def test_what_comes_twice_is_heard_once(hearing, speech):
    feed, listener, pipeline = hearing
    begun = feed.now
    packets = feed.packets(np.concatenate([speech, feed.quiet(0.8)]))
    feed.send([packet for packet in packets for _ in range(2)])
    listener.wait_for(1)
    assert listener.utterances[0].start_time == pytest.approx(begun, abs=0.15)
    assert listener.utterances[0].duration == pytest.approx(len(speech) / RATE, abs=0.3)
    say_well(feed, listener, speech, 2)
    losses = pipeline.status().losses
    assert losses['duplicates'] == len(packets) and losses['gaps'] == 0


def test_what_was_overtaken_is_left_out_and_ends_the_utterance(hearing, speech):
    feed, listener, pipeline = hearing
    begun = feed.now
    packets = feed.packets(np.concatenate([speech, feed.quiet(0.8)]))
    packets[6], packets[7], packets[8] = packets[8], packets[6], packets[7]
    feed.send(packets)
    listener.wait_for(2)
    first, second = listener.utterances
    assert first.start_time == pytest.approx(begun, abs=0.15) and first.start_time + first.duration <= begun + 0.65
    assert second.start_time >= begun + 0.75
    say_well(feed, listener, speech, 3)
    losses = pipeline.status().losses
    assert losses['reordered'] == 2 and losses['gaps'] == 2


@pytest.mark.parametrize('other', [48000, 44100, 8000])
def test_another_rate_in_the_middle_ends_the_utterance(hearing, speech, other):
    feed, listener, pipeline = hearing
    begun = feed.now
    feed.send(feed.packets(speech[: 7 * BLOCK]))
    resumed = feed.now
    rest = np.concatenate([speech, feed.quiet(0.8)])
    feed.send(feed.packets(soxr.resample(rest, RATE, other).astype(np.float32), other))
    listener.wait_for(2)
    first, second = listener.utterances
    assert first.start_time == pytest.approx(begun, abs=0.15) and first.start_time + first.duration <= begun + 0.75
    assert second.start_time == pytest.approx(resumed, abs=0.15)
    assert second.duration == pytest.approx(len(speech) / RATE, abs=0.4)
    say_well(feed, listener, speech, 3)
    assert pipeline.status().losses['gaps'] == 2


@pytest.mark.parametrize('stamped', [True, False])
def test_a_message_of_a_minute_that_ends_in_speech_keeps_nobody_speaking(hearing, speech, stamped):
    feed, listener, pipeline = hearing
    beginning = speech[: len(speech) // 2]
    sound = np.concatenate([feed.quiet(60.0 - len(beginning) / RATE), beginning])
    feed.send([AudioPacket(sound[:, None], RATE, feed.now if stamped else None)])
    listener.wait_for(1)
    assert listener.speaking == [True, False]
    # As long as silence lasts after messages of usual length, it is silence after this one.
    assert pipeline.status().seconds_since_block < 5.0
    deadline = time.monotonic() + 10.0
    while not pipeline.status().is_silent:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    feed.now = time.time()
    say_well(feed, listener, speech, 2)


def test_a_network_that_stops_and_a_sender_that_goes_end_the_utterance(
    start_node, observe, make_talker, speech, capsys
):
    """Over real DDS, without stamps: half a second without messages, then a sender that ends and one that follows."""
    node = start_node(audio__source='topic')
    observer = observe()
    talker = make_talker(observer)
    observer.wait_until_listening()
    observer.wait_for_level('microphone', 'OK')

    talker.say(speech[: 7 * BLOCK])
    talker.pause(5)
    since = time.time()
    talker.say(speech)
    second = observer.wait_for_answer(2)
    assert seconds(observer.finals[0].duration) < 0.85
    assert since + 1.0 < seconds(second.header.stamp) < since + 1.8
    observer.wait_until(lambda: observer.count('gaps') > 0, 'the gap is told')
    assert observer.count('gaps') == 1

    talker.say(speech)
    observer.wait_until(lambda: observer.speaking[-1], 'somebody speaks')
    talker.close()
    gone = time.monotonic()
    observer.wait_for_level('microphone', 'ERROR', 'check the microphone node')
    told = time.monotonic() - gone
    assert told < 2.0
    observer.wait_for_answer(3, duration=0.6)

    other = make_talker(observer)
    observer.wait_for_level('microphone', 'WARN', 'sound was lost')
    other.say(speech)
    observer.wait_for_answer(4)
    assert [message.utterance for message in observer.finals] == [1, 2, 3, 4]
    assert node.end() == 0, node.output
    with capsys.disabled():
        print(f'\nsender gone: told after {told:.2f} s')


def test_sound_in_bursts_is_one_utterance(start_node, observe, make_talker, speech):
    """Over real DDS, without stamps: four messages at once every 0.4 s, and ten every second."""
    node = start_node(audio__source='topic')
    observer = observe()
    for number, burst in enumerate((4, 10), start=1):
        talker = make_talker(observer, burst=burst)
        observer.wait_until_listening()
        # The first whole burst tells that they are bursts.
        blocks = observer.count('blocks')
        observer.wait_until(lambda: observer.count('blocks') > blocks + 100, 'bursts are known')  # noqa: B023
        gaps = observer.count('gaps')
        talker.say(speech)
        observer.wait_for_answer(number)
        assert observer.count('gaps') == gaps
        talker.close()
        observer.wait_for_level('microphone', 'ERROR', 'no sound on the topic')
    assert node.end() == 0, node.output


def test_of_two_publishers_one_is_heard_and_both_are_named(start_node, observe, make_talker, speech):
    """Both say the same, as two capture nodes of one microphone do; then the one that is heard goes."""
    node = start_node(audio__source='topic')
    observer, other = observe(), observe(node_name='bag')
    first = make_talker(observer)
    observer.wait_until_listening()
    observer.wait_for_level('microphone', 'OK')
    second = make_talker(other)
    # Which of them is heard, a machine that stalls for a second may decide anew.
    observer.wait_for_level('microphone', 'WARN', '/bag')
    assert '/observer' in observer.status('microphone')[1]
    for talker in (first, second):
        talker.say(speech)
    observer.wait_for_answer(1)
    assert '/bag' in node.output and 'end all but one' in node.output
    first.close()
    blocks = observer.count('blocks')
    observer.node.destroy_publisher(first.publisher)
    observer.wait_until(lambda: observer.count('blocks') > blocks + 60, 'the other is heard')
    second.say(speech)
    observer.wait_for_answer(2)
    observer.wait_until(lambda: '/bag' not in observer.status('microphone')[1], 'nobody is left out')
    assert node.end() == 0, node.output
