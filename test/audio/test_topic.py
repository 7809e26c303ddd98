# SPDX-License-Identifier: Apache-2.0
"""Made packets, pushed as a network would deliver them; nothing here waits for real time."""

import types

import numpy as np
import pytest

from ser_ros.audio import capture_times, topic
from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.audio.conversion import BROKEN_SAMPLES
from ser_ros.audio.packets import AudioPacket
from ser_ros.audio.source import LONGEST_PAUSE
from ser_ros.audio.topic import TopicSource

WALL = 1.7e9
"""Seconds; what the node's clock shows when `time.monotonic()` shows 1000."""
LENGTH = 512


class Clock:
    """`time.monotonic()` and the node's clock, moved by hand."""

    def __init__(self):
        self.now = 1000.0
        self.wall_offset = WALL - self.now

    def monotonic(self):
        return self.now

    def wall(self):
        return self.now + self.wall_offset


class Sender:
    """Sends the sound of `samples` piece by piece, as the clock goes on."""

    def __init__(self, source, clock, samples, *, rate=SAMPLE_RATE, length=LENGTH, stamped=True, transport=0.01):
        self.source, self.clock = source, clock
        self.frames = samples.reshape(len(samples), -1)
        self.rate, self.length, self.stamped, self.transport = rate, length, stamped, transport
        self.skew = 0.0

    def packet(self, number):
        frames = self.frames[number * self.length : (number + 1) * self.length]
        stamp = WALL + number * self.length / self.rate + self.skew if self.stamped else None
        return AudioPacket(frames, self.rate, stamp)

    def send(self, *numbers):
        """Send packets by their numbers, each when it could have arrived, or at once where that is past."""
        for number in numbers:
            due = 1000.0 + (number + 1) * self.length / self.rate + self.transport
            self.clock.now = max(self.clock.now, due)
            self.source.push(self.packet(number))


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    for module in (topic, capture_times):
        monkeypatch.setattr(module, 'time', types.SimpleNamespace(monotonic=made.monotonic, time=made.wall))
    return made


@pytest.fixture
def source(clock):
    made = TopicSource('topic /audio', clock=clock.wall)
    made.open()
    made.start()
    return made


@pytest.fixture
def send(source, clock, made_sound):
    """Return a sender of ten seconds of a chord."""

    def make(**options):
        rate = options.get('rate', SAMPLE_RATE)
        return Sender(source, clock, made_sound('chord', 10.0, rate=rate), **options)

    return make


def blocks_of(source):
    """Read all that is there."""
    found = []
    while not source._queue.empty() or len(source._rest):
        block = source.read(0.0)
        if block is not None:
            found.append(block)
    return found


def samples_of(blocks):
    return np.concatenate([block.samples for block in blocks])


def breaks_of(blocks):
    """Return the start times, from the first packet on, of the blocks that come after a gap."""
    return [pytest.approx(block.start_time - WALL, abs=1e-6) for block in blocks if block.after_gap]


def nothing_lost(source):
    return not any(source.losses.values())


def test_sound_passes_untouched_with_its_stamps(source, send):
    sender = send()
    sender.send(*range(20))
    blocks = blocks_of(source)
    assert np.array_equal(samples_of(blocks), sender.frames[: 20 * LENGTH, 0])
    assert [block.start_time - WALL for block in blocks] == pytest.approx([0.032 * n for n in range(20)], abs=1e-6)
    assert breaks_of(blocks) == [] and nothing_lost(source)
    assert source.problem == '' and source.live


def test_arrival_is_when_the_sound_was_captured(source, send, clock):
    send(transport=0.25).send(0)
    clock.now += 1.5  # waiting in the queue is not transport
    assert source.read(0.0).arrival == pytest.approx(1000.032, abs=1e-6)


@pytest.mark.parametrize('ahead', [-3600.0, 3600.0, 0.5])
def test_a_senders_clock_that_cannot_be_ours_tells_nothing_of_the_delay(source, send, clock, ahead):
    sender = send()
    sender.skew = ahead
    sender.send(0)
    block = source.read(0.0)
    assert block.start_time == pytest.approx(WALL + ahead, abs=1e-6)
    assert block.arrival == pytest.approx(clock.now, abs=1e-6)


def test_stamps_since_the_senders_machine_was_started_are_taken_to_our_clock(source, send):
    sender = send()
    sender.skew = 1000.0 - WALL
    sender.send(0)
    block = source.read(0.0)
    assert block.start_time == pytest.approx(WALL, abs=1e-6)
    assert block.arrival == pytest.approx(1000.032, abs=1e-6)


def test_half_a_second_that_lacks_is_a_gap(source, send):
    send().send(*range(10), *range(26, 36))
    blocks = blocks_of(source)
    assert breaks_of(blocks) == [26 * 0.032]
    assert source.losses['gaps'] == 1 and len(blocks) == 20


def test_stamps_that_jitter_are_no_gap(source, send):
    sender = send()
    for number, skew in enumerate([0.0, 0.06, 0.02, -0.02, -0.06, 0.03, 0.0]):
        sender.skew = skew
        sender.send(number)
    assert len(blocks_of(source)) == 7 and nothing_lost(source)


def test_drift_of_the_senders_clock_is_no_gap(source, send):
    sender = send()
    for number in range(300):
        sender.skew = 0.001 * number
        sender.send(number)
    assert len(blocks_of(source)) == 300 and nothing_lost(source)


def test_the_tolerance_grows_with_long_messages(source, send):
    sender = send(length=8000)
    sender.send(0)
    sender.skew = 0.2
    sender.send(1)
    sender.skew = 0.5
    sender.send(2)
    blocks = blocks_of(source)
    assert breaks_of(blocks) == [1.5]


def test_what_comes_twice_is_heard_once(source, send):
    sender = send()
    sender.send(0, 0, 1, 1, 1, 2, 3)
    blocks = blocks_of(source)
    assert np.array_equal(samples_of(blocks), sender.frames[: 4 * LENGTH, 0])
    assert source.losses['duplicates'] == 3 and breaks_of(blocks) == []


@pytest.mark.parametrize('length', [160, 512, 4096])
def test_what_was_overtaken_is_left_out_and_what_lacks_is_a_gap(source, send, length):
    sender = send(length=length)
    sender.send(0, 1, 3, 2, 4, 5)
    blocks = blocks_of(source)
    heard = [sender.packet(number).frames[:, 0] for number in (0, 1, 3, 4, 5)]
    assert np.array_equal(samples_of(blocks), np.concatenate(heard))
    assert source.losses['reordered'] == 1
    lacks = length / SAMPLE_RATE > 0.1
    assert len(breaks_of(blocks)) == source.losses['gaps'] == 1 + lacks
    assert breaks_of(blocks)[-1] == 4 * length / SAMPLE_RATE


@pytest.mark.parametrize('back', [0.05, 0.5, 3600.0, WALL - 10.0])
def test_a_clock_that_is_set_back_deafens_for_a_few_messages_only(source, send, back):
    sender = send()
    sender.send(*range(5))
    sender.skew = -back
    sender.send(*range(5, 30))
    blocks = blocks_of(source)
    assert len(blocks) >= 30 - 3 and source.losses['reordered'] <= 3
    assert sum(block.after_gap for block in blocks) == 1
    assert blocks[-1].start_time == pytest.approx(WALL + 29 * 0.032 - back, abs=1e-6)


def test_a_clock_that_is_set_forward_is_a_gap(source, send):
    sender = send()
    sender.send(*range(5))
    sender.skew = 3600.0
    sender.send(*range(5, 10))
    blocks = blocks_of(source)
    assert len(blocks) == 10 and [block.after_gap for block in blocks].index(True) == 5
    assert source.losses['gaps'] == 1


def test_a_stamp_that_stands_still_tells_nothing(source, send, clock):
    sender = send()
    for number in range(50):
        sender.skew = -0.032 * number
        sender.send(number)
    blocks = blocks_of(source)
    assert np.array_equal(samples_of(blocks), sender.frames[: 50 * LENGTH, 0])
    assert sum(block.after_gap for block in blocks) <= 1
    assert blocks[-1].start_time == pytest.approx(clock.wall() - 0.032, abs=1e-6)


def test_without_stamps_sound_is_placed_by_its_arrival(source, send, clock):
    sender = send(stamped=False)
    for number in range(10):
        sender.send(number)
        block = source.read(0.0)
        assert block.start_time == pytest.approx(clock.wall() - 0.032, abs=1e-6)
        assert block.arrival == pytest.approx(clock.now, abs=1e-6)
        assert not block.after_gap


def test_without_stamps_a_burst_is_no_gap_but_a_pause_is(source, send, clock):
    sender = send(stamped=False)
    sender.send(0, 1)
    clock.now += 0.29
    sender.send(2, 3, 4, 5)  # late, and all at once
    assert breaks_of(blocks_of(source)) == [] and nothing_lost(source)
    clock.now += 0.4
    sender.send(6, 7)
    assert [block.after_gap for block in blocks_of(source)] == [True, False]
    assert source.losses['gaps'] == 1


def in_bursts(sender, clock, *, burst, count=9.6, jitter=0.0, stamps='none', lost=()):
    """Send `count` seconds in bursts of so many messages, each when its last sound is captured; read them all.

    `stamps`: none, of the first sample (true), of the creation (created), one for each burst (shared) or 0 (zero).
    """
    rng = np.random.default_rng(0)
    blocks = []
    number_of = round(count * sender.rate / sender.length)
    for first in range(0, number_of // burst * burst, burst):
        if first // burst in lost:
            continue
        sent_at = (first + burst) * sender.length / sender.rate + 0.005 + rng.uniform(0.0, jitter)
        clock.now = max(clock.now, 1000.0 + sent_at)
        for number in range(first, first + burst):
            packet = sender.packet(number)
            created = WALL + sent_at + (number - first) * 2e-4
            shared = WALL + first * sender.length / sender.rate
            stamp = {'none': None, 'true': packet.stamp, 'created': created, 'shared': shared, 'zero': None}[stamps]
            sender.source.push(AudioPacket(packet.frames, packet.rate, stamp))
            assert sender.source.problem == ''
        blocks += blocks_of(sender.source)
    return blocks


@pytest.mark.parametrize('stamps', ['none', 'true', 'created', 'shared'])
@pytest.mark.parametrize(
    ('burst', 'length'),
    [(1, 512), (4, 1600), (12, 512), (10, 1600), (24, 512), (2, 8000), (31, 512), (60, 512), (3, 341)],
)
@pytest.mark.parametrize('jitter', [0.0, 0.05])
def test_sound_that_comes_in_bursts_is_one_stretch(source, send, clock, stamps, burst, length, jitter):
    sender = send(length=length)
    blocks = in_bursts(sender, clock, burst=burst, jitter=jitter, stamps=stamps)
    assert nothing_lost(source) and breaks_of(blocks) == []
    assert np.array_equal(samples_of(blocks), sender.frames[: len(samples_of(blocks)), 0])
    # Once the burst is known, each block is placed where its sound was captured, whatever tells the time.
    late = [block.start_time - WALL - at for block, at in zip(blocks, starts_of(blocks), strict=True)]
    half = len(late) // 2
    ends = length / SAMPLE_RATE if stamps == 'created' else 0.0  # such a stamp is that of the end
    assert min(late[half:]) >= -0.1 and max(late[half:]) <= ends + 0.1 * burst * length / SAMPLE_RATE + 0.12
    assert max(block.arrival for block in blocks) <= clock.now + 1e-6


def starts_of(blocks):
    """Return where each block begins in the sound, seconds, if nothing was lost."""
    lengths = [0, *np.cumsum([len(block.samples) for block in blocks])[:-1]]
    return [length / SAMPLE_RATE for length in lengths]


@pytest.mark.parametrize('stamps', ['none', 'true', 'created', 'shared'])
@pytest.mark.parametrize(('burst', 'length'), [(12, 512), (4, 1600), (31, 512)])
def test_a_burst_that_lacks_is_a_gap(source, send, clock, stamps, burst, length):
    blocks = in_bursts(send(length=length), clock, burst=burst, stamps=stamps, lost=[4])
    assert source.losses['gaps'] == 1 and sum(block.after_gap for block in blocks) == 1
    at = [block.after_gap for block in blocks].index(True)
    assert starts_of(blocks)[at] == pytest.approx(4 * burst * length / SAMPLE_RATE, abs=1e-6)


def test_the_pauses_of_bursts_are_no_silence_but_their_end_is(source, send, clock):
    in_bursts(send(), clock, burst=31, count=5.0)
    clock.now += 1.0
    assert source.problem == '' and source.longest_pause > 1.0
    clock.now += 0.8
    assert 'no sound on the topic /audio for 1.8 s' in source.problem


@pytest.mark.parametrize('before', [0, 20])
@pytest.mark.parametrize('duration', [6.0, 60.0, 600.0])
def test_a_message_of_absurd_length_hides_no_silence(source, clock, made_sound, before, duration):
    for number in range(before):
        clock.now = 1000.0 + 0.032 * (number + 1)
        source.push(AudioPacket(np.zeros((LENGTH, 1), np.float32), SAMPLE_RATE, None))
    clock.now += 0.032
    source.push(AudioPacket(np.zeros((round(duration * SAMPLE_RATE), 1), np.float32), SAMPLE_RATE, None))
    blocks_of(source)
    assert source.longest_pause <= LONGEST_PAUSE + 2.0
    clock.now += LONGEST_PAUSE + 2.1
    assert 'no sound on the topic' in source.problem
    # Nor does it hide a gap in what follows.
    for pause in (0.032, 0.032, 0.5, 0.032):
        clock.now += pause
        source.push(AudioPacket(np.full((LENGTH, 1), 0.1, np.float32), SAMPLE_RATE, None))
    assert [block.after_gap for block in blocks_of(source)][-2:] == [True, False]


def test_messages_of_three_seconds_are_waited_for(source, clock):
    for number in range(1, 5):
        clock.now = 1000.0 + 3.0 * number
        assert source.problem == '' or number <= 2
        source.push(AudioPacket(np.zeros((3 * SAMPLE_RATE, 1), np.float32), SAMPLE_RATE, None))
        blocks_of(source)
        clock.now += 0.5
        assert source.problem == ''
    assert source.longest_pause > 3.0 and source.losses['gaps'] == 0


@pytest.mark.parametrize('stamped', [True, False])
def test_messages_of_one_sample_do_not_keep_a_voice_alive(source, send, clock, stamped):
    send(stamped=stamped).send(*range(30))
    blocks_of(source)
    for _ in range(300):
        clock.now += 0.01
        stamp = WALL + clock.now - 1000.0 if stamped else None
        source.push(AudioPacket(np.zeros((1, 1), np.float32), SAMPLE_RATE, stamp), sent=clock.wall())
    # About once a second what was heard is over.
    assert 2 <= sum(block.after_gap for block in blocks_of(source)) <= 4


@pytest.mark.parametrize('times', [1.2, 2.0, 3.0])
def test_more_sound_than_time_passes_is_told_and_when_it_is_over_no_more(source, send, clock, times):
    sender = send(stamped=False)
    for number in range(1000):
        clock.now += 0.032 / times
        source.push(sender.packet(number % 300), sent=clock.wall())
        blocks_of(source)
    assert f'sound comes {times:.1f} times as fast as time passes on the topic /audio' in source.remark
    assert source.longest_pause < LONGEST_PAUSE + 0.1
    for number in range(2500):
        clock.now += 0.032
        source.push(sender.packet(number % 300), sent=clock.wall())
        blocks_of(source)
    assert source.remark == ''


@pytest.mark.parametrize('error', [-0.01, -0.001, 0.001, 0.01])
def test_clocks_that_differ_and_bursts_are_not_more_sound_than_time(source, send, clock, error):
    sender = send(stamped=False)
    for number in range(20_000):
        clock.now += 0.032 * (1.0 - error)
        if number % 1000 > 100 or number % 1000 == 0:
            source.push(sender.packet(number % 300), sent=clock.wall())
        elif number % 1000 == 100:  # held up for 3 s, and then all at once
            for other in range(100):
                source.push(sender.packet(other), sent=clock.wall())
        blocks_of(source)
        assert source.remark == ''


def test_a_bag_that_is_read_as_fast_as_it_goes_is_not_compared_with_time(source, send, clock):
    sender = send()
    for number in range(300):
        clock.now += 0.001 if number != 100 else 60.0
        source.push(sender.packet(number))
        blocks = blocks_of(source)
        assert source.remark == '' and breaks_of(blocks) == []


@pytest.mark.parametrize('stamp', [1e-9, 1.0, 2**31 - 0.5, 2**31 + 4.0])
def test_stamps_far_in_the_past_or_the_future_harm_nothing(source, send, clock, stamp):
    sender = send()
    sender.skew = stamp - WALL
    sender.send(*range(40))
    blocks = blocks_of(source)
    assert len(blocks) == 40 and breaks_of(blocks) == [] and source.problem == ''
    assert all(block.arrival <= clock.now for block in blocks)


@pytest.mark.parametrize(('rate', 'channels'), [(48_000, 1), (SAMPLE_RATE, 2), (44_100, 6)])
def test_another_rate_or_number_of_channels_is_a_gap(source, send, clock, made_sound, rate, channels):
    send().send(*range(10))
    frames = np.repeat(made_sound('tone', 1.0, rate=rate).reshape(-1, 1), channels, axis=1)
    for number in range(10):
        start = number * (rate // 50)
        source.push(AudioPacket(frames[start : start + rate // 50], rate, WALL + 0.32 + number / 50))
    blocks = blocks_of(source)
    assert sum(block.after_gap for block in blocks) == 1
    assert [block.after_gap for block in blocks].index(True) == 10
    assert f'{rate} Hz, {channels} channel' in source.description


def test_sound_at_another_rate_loses_nothing_at_a_gap(source, send):
    """What the resampler holds back at the end of a stretch comes before the gap."""
    sender = send(rate=48_000, length=4800)
    sender.send(*range(10), *range(20, 30))
    blocks = blocks_of(source)
    at = [block.after_gap for block in blocks].index(True)
    assert len(samples_of(blocks[:at])) == pytest.approx(SAMPLE_RATE, abs=1)
    assert blocks[at].start_time == pytest.approx(WALL + 2.0, abs=1e-3)
    assert blocks[at - 1].start_time + blocks[at - 1].duration == pytest.approx(WALL + 1.0, abs=1e-3)


def test_long_messages_are_cut_into_blocks(source, send):
    sender = send(length=10 * SAMPLE_RATE)
    sender.send(0)
    blocks = blocks_of(source)
    assert np.array_equal(samples_of(blocks), sender.frames[:, 0])
    assert max(block.duration for block in blocks) <= 0.032
    assert blocks[100].start_time == pytest.approx(WALL + 3.2, abs=1e-4)
    assert blocks[-1].arrival == pytest.approx(1010.0, abs=1e-6)
    assert blocks[0].arrival == pytest.approx(1000.032, abs=1e-6)


def test_the_channel_is_checked_in_every_message(clock, made_sound):
    source = TopicSource('topic /audio', channel=1, clock=clock.wall)
    source.start()
    tone = made_sound('tone', 0.1)
    source.push(AudioPacket(tone.reshape(-1, 1), SAMPLE_RATE, WALL))
    assert 'audio.channel 1 does not exist' in source.problem and source.losses['refused'] == 1
    assert source.read(0.0) is None
    source.push(AudioPacket(np.stack([0 * tone, tone], axis=1), SAMPLE_RATE, WALL))
    assert source.problem == ''
    assert np.array_equal(samples_of(blocks_of(source)), tone)


def test_broken_samples_become_silence_and_are_counted(source):
    frames = np.full((LENGTH, 1), 0.1, dtype=np.float32)
    frames[3:6, 0] = [np.nan, np.inf, 1e30]
    source.push(AudioPacket(frames, SAMPLE_RATE, WALL))
    assert np.abs(source.read(0.0).samples).max() == np.float32(0.1)
    assert source.losses[BROKEN_SAMPLES] == 3


@pytest.mark.parametrize('full_scale', [2**15, 2**23, 2**31])
def test_integers_sent_as_float_are_told(source, made_sound, full_scale):
    sound = made_sound('pink noise', 2.0)
    for at in range(0, len(sound), LENGTH):
        assert source.remark == '' or at
        source.push(AudioPacket(full_scale * sound[at : at + LENGTH, np.newaxis], SAMPLE_RATE, WALL + at / SAMPLE_RATE))
        blocks_of(source)
    assert 'of the samples on the topic' in source.remark and 'divided by their full scale' in source.remark


def test_a_click_is_not_taken_for_a_wrong_scale(source, made_sound):
    sound = made_sound('pink noise', 1.0)
    sound[5] = 1e6
    for at in range(0, len(sound), LENGTH):
        source.push(AudioPacket(sound[at : at + LENGTH, np.newaxis], SAMPLE_RATE, WALL + at / SAMPLE_RATE))
        blocks_of(source)
    assert source.remark == '' and source.losses[BROKEN_SAMPLES] == 1


def test_a_full_queue_loses_the_newest_and_says_so_in_the_right_place(source, send):
    sender = send(stamped=False)
    sender.send(*range(312))
    sender.source.push(sender.packet(0))  # 10 s wait already: this one is taken, the next is lost
    before = source.losses['overflows']
    sender.source.push(sender.packet(1))
    assert source.losses['overflows'] == before + 1
    first = blocks_of(source)
    assert breaks_of(first) == []
    sender.source.push(sender.packet(2))
    assert [block.after_gap for block in blocks_of(source)] == [True]


def test_what_cannot_be_read_is_a_problem_until_something_can(source, send):
    source.refuse('mp3 is not read here; set format:=wave')
    assert source.problem == 'mp3 is not read here; set format:=wave'
    assert source.losses['refused'] == 1
    send().send(0)
    assert source.problem == ''


def test_silence_is_a_problem_within_a_second(source, send, clock):
    clock.now += LONGEST_PAUSE - 0.01
    assert source.problem == ''
    clock.now += 0.05
    assert 'no sound comes on the topic /audio' in source.problem and 'audio.topic' in source.problem
    sender = send()
    sender.send(30)
    assert source.problem == ''
    clock.now += 0.032 + LONGEST_PAUSE + 0.01
    assert 'no sound on the topic /audio for 0.7 s' in source.problem


def test_a_second_at_a_time_is_no_silence(source, send, clock):
    sender = send(length=SAMPLE_RATE)
    sender.send(0)
    clock.now += 1.0
    assert source.problem == ''


def test_why_nothing_can_come_is_told_until_it_is_taken_back(source):
    source.complain('the type is not installed; install it')
    assert source.problem == 'the type is not installed; install it'
    source.complain('')
    assert source.problem == ''


def test_only_what_comes_after_the_start_is_heard(clock, send, source):
    source.close()
    sender = send()
    sender.send(0, 1)
    source.refuse('unreadable; change it')
    assert source.read(0.0) is None and nothing_lost(source) and source.problem == ''
    source.start()
    sender.send(20)
    block = source.read(0.0)
    assert block.start_time == pytest.approx(WALL + 20 * 0.032, abs=1e-6)
    assert not block.after_gap and nothing_lost(source)


def test_what_waited_at_the_end_is_gone_at_the_next_start(source, send):
    sender = send()
    sender.send(*range(10))
    source.read(0.0)
    source.close()
    source.start()
    assert source.read(0.0) is None
    sender.send(10)
    assert not source.read(0.0).after_gap


def test_read_waits_no_longer_than_it_may():
    source = TopicSource('topic /audio')
    source.start()
    assert source.read(0.01) is None


def test_messages_that_cannot_be_read_yet_are_no_silence(monkeypatch):
    now = 100.0
    monkeypatch.setattr(topic, 'time', types.SimpleNamespace(monotonic=lambda: now, time=lambda: 0.0))
    source = TopicSource('topic /audio')
    source.start()
    for _ in range(20):
        now += 0.1
        source.leave_out()
        assert source.problem == ''
    now += 1.0
    assert 'no sound on the topic /audio for 1.0 s' in source.problem
