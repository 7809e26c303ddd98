# SPDX-License-Identifier: Apache-2.0
"""Sound that arrives in messages; independent of ROS."""

import queue
import time
from collections import Counter
from collections.abc import Callable

import numpy as np

from ser_ros.audio.block import BLOCK_DURATION, AudioBlock
from ser_ros.audio.conversion import ABSURD, BlockConverter
from ser_ros.audio.packets import AudioPacket
from ser_ros.audio.source import LONGEST_PAUSE, check_channel
from ser_ros.errors import SerError

_QUEUE_DURATION = 10.0
"""Seconds of sound that may wait for the reader: far more than it may stall, and little memory."""

_TOLERANCE = 0.1
"""Seconds by which stamps may disagree with the length of the sound between them: senders stamp when they get round to
it. Less missing sound than that goes unnoticed."""

_PAUSE = 0.3
"""Seconds by which messages without stamps may come late before sound is missed: networks send in bursts."""

_LATE_IN_A_ROW = 3
"""Messages in a row from before the last one that are left out; the next one starts afresh: they were not reordered,
but the sender's clock was set back."""

_LONGEST_BELIEVED_DELAY = 10.0
"""Seconds that sound may have been in transit; a larger difference means that two machines' clocks disagree."""

_BROKEN_SHARE = 0.001
"""Of all samples; more is no accident but a wrong scale or type. Even soft speech as integers of 16 bits has more."""


class TopicSource:
    """Takes packets from one thread and gives blocks to another.

    The stamp of a packet is the capture time of its first frame. What comes twice or too late is left out, missing
    sound is detected, everything is counted, and the block after a break says so. Without stamps the times of arrival
    are used.
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
        self._last_duration = 0.0
        self._pushed = self._taken = 0.0
        self._overflowed = False
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
        """That samples are at no scale of sound: a stream of integers sent as float cannot be scaled in hindsight."""
        share = 0.0 if self._format is None else self._converter.broken_share
        if share < _BROKEN_SHARE:
            return ''
        return (
            f'{share:.1%} of the samples on the {self._name} are no numbers or over {ABSURD:.0f} times full scale, and '
            'become silence; send float within -1..1: integers, divided by their full scale'
        )

    @property
    def longest_pause(self) -> float:
        """Longer if messages are long: a sender of one second at a time is not silent in between."""
        return LONGEST_PAUSE + self._last_duration

    def push(self, packet: AudioPacket, *, sent: float | None = None) -> None:
        """Take the next message's sound; left out unless this source was started. By one thread at a time.

        `sent`: seconds of the wall clock at which the message was published; without stamps it is the better time,
        because messages may be held up and then come all at once.
        """
        if not self._listening:
            return
        try:
            check_channel(self._channel, packet.frames.shape[1], f'the sound on the {self._name}')
        except SerError as error:
            self.refuse(str(error))
            return
        self._refusal = ''
        self._last_arrival = time.monotonic()
        self._last_duration = packet.duration
        delay = 0.0 if sent is None else time.time() - sent
        published = self._last_arrival - (delay if 0.0 <= delay <= _LONGEST_BELIEVED_DELAY else 0.0)
        if self._pushed - self._taken > _QUEUE_DURATION:
            self._losses['overflows'] += 1
            self._overflowed = True
            return
        self._pushed += packet.duration
        self._queue.put((packet, published, self._overflowed))
        self._overflowed = False

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
        self._overflowed = False
        self._last_duration = 0.0
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

    def _forget(self) -> None:
        self._format: tuple[int, int] | None = None
        self._last: AudioPacket | None = None
        self._next_time = 0.0
        self._has_stamps = False
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

    def _accept(self, packet: AudioPacket, arrival: float, overflowed: bool) -> AudioBlock | None:
        """Make `packet` the one that is read now, unless it comes twice or too late.

        Returns what the resampler still held of the sound before, if `packet` does not continue it.
        """
        stamp, last = packet.stamp, self._last
        if stamp is not None and last is not None and last.stamp is not None:
            if stamp == last.stamp and np.array_equal(packet.frames, last.frames):
                self._losses['duplicates'] += 1
                return None
            # Half a message later it may be one that was stamped in haste.
            if stamp < last.stamp - packet.duration / 2 and self._late < _LATE_IN_A_ROW:
                self._losses['reordered'] += 1
                self._late += 1
                return None
            if stamp == last.stamp:
                stamp = None  # of a clock that stands still
        start = arrival - packet.duration if stamp is None else stamp
        longest = _PAUSE if stamp is None else max(_TOLERANCE, packet.duration / 2)
        joins = (
            (packet.rate, packet.frames.shape[1]) == self._format
            and (stamp is not None) == self._has_stamps
            and start - self._next_time <= longest
            and not self._late
            and not overflowed
        )
        tail = None if joins else self._begin(packet)
        self._last, self._late, self._has_stamps = packet, 0, stamp is not None
        self._next_time = start + packet.duration
        self._rest = packet.frames
        self._rest_time, self._rest_arrival = self._place(stamp, packet.duration, arrival)
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

    def _place(self, stamp: float | None, duration: float, arrival: float) -> tuple[float, float]:
        """Return when the first frame was captured: on the clock that stamps messages, and on `time.monotonic()`."""
        now, clock = time.monotonic(), self._clock()
        if stamp is None:
            return clock - (now - arrival) - duration, arrival - duration
        if abs(now - stamp) < _LONGEST_BELIEVED_DELAY:
            # GStreamer's clock, which ros-drivers' capture node stamps with, is this machine's time since its start.
            return clock - (now - stamp), stamp
        delay = clock - stamp - duration
        if 0.0 <= delay <= _LONGEST_BELIEVED_DELAY:
            return stamp, now - delay - duration
        return stamp, arrival - duration
