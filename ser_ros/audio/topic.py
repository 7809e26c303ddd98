# SPDX-License-Identifier: Apache-2.0
"""Sound that arrives in messages; independent of ROS."""

import queue
import time
from collections import Counter
from collections.abc import Callable

import numpy as np

from ser_ros.audio.block import BLOCK_DURATION, AudioBlock
from ser_ros.audio.capture_times import LONGEST_BELIEVED_DELAY, CaptureTimes
from ser_ros.audio.conversion import ABSURD, BlockConverter
from ser_ros.audio.packets import AudioPacket
from ser_ros.audio.pauses import Pauses
from ser_ros.audio.sound_rate import SoundRate
from ser_ros.audio.source import check_channel
from ser_ros.errors import SerError

_QUEUE_DURATION = 10.0
"""Seconds of sound that may wait for the reader: far more than it may stall, and little memory."""

_LATE_IN_A_ROW = 3
"""Messages in a row from before the last one that are left out; the next one starts afresh: they were not reordered,
but the sender's clock was set back."""

_BROKEN_SHARE = 0.001
"""Of all samples; more is no accident but a wrong scale or type. Even soft speech as integers of 16 bits has more."""


class TopicSource:
    """Takes packets from one thread and gives blocks to another.

    The stamp of a packet is the capture time of its first frame. What comes twice or too late is left out, missing
    sound is detected, everything is counted, and the block after a break says so. Without stamps the times of arrival
    are used, and where sound comes in bursts, its length says when it was captured.
    """

    def __init__(self, description: str, *, channel: int = 0, clock: Callable[[], float] = time.time):
        """Name the topic as `description`; `channel` is 0-based, -1 for the mean; `clock` (seconds) is the node's."""
        self._name = description
        self._channel = channel
        self._clock = clock
        self._losses = Counter(overflows=0, gaps=0, duplicates=0, reordered=0, refused=0)
        self._queue: queue.SimpleQueue[tuple[AudioPacket, float, bool]] = queue.SimpleQueue()
        self._complaint = self._refusal = ''
        self._listening = False
        self._started = 0.0
        self._last_arrival = 0.0
        self._pauses = Pauses()
        self._rate_of_sound = SoundRate()
        self._pushed = self._taken = 0.0
        self._broken = False
        # Of the sound that is read now: a packet brings them.
        self._converter: BlockConverter
        self._rate: int
        self._rest: np.ndarray
        self._rest_time: float
        self._rest_arrival: float
        self._after_gap: bool
        self._forget()

    @property
    def description(self) -> str:
        """Name of the topic and format of its sound."""
        return f'{self._name}, {self._format[0]} Hz, {self._format[1]} channel(s)' if self._format else self._name

    @property
    def live(self) -> bool:
        """Always true: a topic does not wait."""
        return True

    @property
    def losses(self) -> dict[str, int]:
        """Overflows, gaps, duplicates, reordered and refused messages, and broken samples."""
        return dict(self._losses)

    @property
    def problem(self) -> str:
        """Why no good sound comes; '' while it does."""
        if self._complaint or self._refusal:
            return self._complaint or self._refusal
        now = time.monotonic()
        if not self._listening or now - max(self._last_arrival, self._started) <= self.longest_pause:
            return ''
        if self._last_arrival < self._started:
            return f'no sound comes on the {self._name}; start the microphone node, or correct audio.topic'
        pause = now - self._last_arrival
        return f'no sound on the {self._name} for {pause:.1f} s; check the microphone node and the network'

    @property
    def remark(self) -> str:
        """One sentence if samples are at no scale of sound, or came faster than time passes; '' otherwise."""
        return self._scale_remark() or self._pace_remark()

    @property
    def longest_pause(self) -> float:
        """Longer if sound comes seldom and much at once: a sender of one second at a time is not silent in between."""
        return self._pauses.longest(self._times.burst)

    def push(self, packet: AudioPacket, *, sent: float | None = None) -> None:
        """Take the next message's sound; left out unless this source was started. By one thread at a time.

        `sent`: seconds of the wall clock at which the message was published; without stamps it is the better time,
        because messages may be held up and then come all at once. Without it, as from a bag that is read as fast as it
        goes, sound is not compared with time.
        """
        if not self._listening:
            return
        try:
            check_channel(self._channel, packet.frames.shape[1], f'the sound on the {self._name}')
        except SerError as error:
            self.refuse(str(error))
            return
        self._refusal = ''
        self._last_arrival = published = time.monotonic()
        self._pauses.note(packet.duration, published)
        if sent is not None:
            delay = time.time() - sent
            published -= delay if 0.0 <= delay <= LONGEST_BELIEVED_DELAY else 0.0
            self._broken |= self._rate_of_sound.note(packet.duration, published)
        if self._pushed - self._taken > _QUEUE_DURATION:
            self._losses['overflows'] += 1
            self._broken = True
            return
        self._pushed += packet.duration
        self._queue.put((packet, published, self._broken))
        self._broken = False

    def refuse(self, problem: str) -> None:
        """Note a message that cannot be read, and why, until one can; left out unless this source was started."""
        if self._listening:
            self._losses['refused'] += 1
            self._refusal = problem

    def leave_out(self) -> None:
        """Note a message that cannot be read yet, which is no fault: there is a sender."""
        self._last_arrival = time.monotonic()

    def complain(self, problem: str) -> None:
        """Note why no message can come; '' withdraws it."""
        self._complaint = problem

    def open(self) -> None:
        """Nothing to open."""

    def start(self) -> None:
        """Start with what is published from now on."""
        while self._take(timeout=0.0) is not None:
            pass
        self._forget()
        self._broken = False
        self._pauses = Pauses()
        self._rate_of_sound = SoundRate()
        self._started = time.monotonic()
        self._listening = True

    def read(self, timeout: float) -> AudioBlock | None:
        """Return the next block of at most 32 ms, or None if none came within `timeout` seconds."""
        if not len(self._rest):
            taken = self._take(timeout)
            if taken is None:
                return None
            tail = self._accept(*taken)
            if tail is not None or not len(self._rest):
                return tail
        count = max(round(self._rate * BLOCK_DURATION), 1)
        frames, self._rest = self._rest[:count], self._rest[count:]
        duration = len(frames) / self._rate
        start_time, self._rest_time = self._rest_time, self._rest_time + duration
        self._rest_arrival += duration
        after_gap, self._after_gap = self._after_gap, False
        return self._converter.convert(frames, start_time, self._rest_arrival, after_gap=after_gap)

    def close(self) -> None:
        """Leave out what comes from now on."""
        self._listening = False
        self._refusal = ''

    def _scale_remark(self) -> str:
        # A stream of integers sent as float cannot be scaled in hindsight.
        share = 0.0 if self._format is None else self._converter.broken_share
        if share < _BROKEN_SHARE:
            return ''
        return (
            f'{share:.1%} of the samples on the {self._name} are no numbers or over {ABSURD:.0f} times full scale, and '
            'become silence; send float within -1..1: integers, divided by their full scale'
        )

    def _pace_remark(self) -> str:
        times = self._rate_of_sound.surplus(time.monotonic())
        if not self._listening or not times:
            return ''
        return (
            f'sound comes {times:.1f} times as fast as time passes on the {self._name}: it is sent twice, or its rate '
            'is not the stated one, or a recording is played too fast; correct its sender'
        )

    def _forget(self) -> None:
        self._format: tuple[int, int] | None = None
        self._last: AudioPacket | None = None
        self._times = CaptureTimes(self._clock)
        self._shares_stamps = False
        self._late = 0
        self._after_gap = False
        self._rest = np.empty((0, 1), dtype=np.float32)

    def _take(self, timeout: float) -> tuple[AudioPacket, float, bool] | None:
        try:
            taken = self._queue.get(timeout=timeout) if timeout else self._queue.get_nowait()
        except queue.Empty:
            return None
        self._taken += taken[0].duration
        return taken

    def _accept(self, packet: AudioPacket, arrival: float, broken: bool) -> AudioBlock | None:
        """Make `packet` the one that is read now, unless it comes twice or too late.

        Returns what the resampler still held of the sound before, if `packet` does not continue it.
        """
        stamp, last = packet.stamp, self._last
        if stamp is not None and last is not None and last.stamp is not None:
            # Where messages share their stamps, two with the same sound are silence.
            if stamp == last.stamp and not self._shares_stamps and np.array_equal(packet.frames, last.frames):
                self._losses['duplicates'] += 1
                return None
            # Half a message later it may be one that was stamped in haste.
            if stamp < last.stamp - packet.duration / 2 and self._late < _LATE_IN_A_ROW:
                self._losses['reordered'] += 1
                self._late += 1
                return None
            self._shares_stamps |= stamp == last.stamp
        format_ = packet.rate, packet.frames.shape[1]
        broken = broken or self._late > 0 or format_ != self._format
        capture = self._times.follow(stamp, packet.duration, arrival, broken=broken)
        tail = None if capture.continues else self._begin(packet)
        self._last, self._late = packet, 0
        self._rest = packet.frames
        self._rest_time, self._rest_arrival = capture.start_time, capture.start_arrival
        return tail

    def _begin(self, packet: AudioPacket) -> AudioBlock | None:
        """Let the stream end and another begin with `packet`; return what was still held back."""
        tail = None
        if self._format is not None:
            nothing = np.empty((0, self._format[1]), dtype=np.float32)
            tail = self._converter.convert(nothing, self._rest_time, self._rest_arrival, last=True)
            self._losses['gaps'] += 1
            self._after_gap = True
        self._converter = BlockConverter(rate=packet.rate, channel=self._channel, losses=self._losses)
        self._rate = packet.rate
        self._format = (packet.rate, packet.frames.shape[1])
        return tail if tail is not None and len(tail.samples) else None
