# SPDX-License-Identifier: Apache-2.0
"""Sound that arrives in messages; knows no ROS."""

import queue
import time
from collections import Counter
from collections.abc import Callable

import numpy as np

from ser_ros.audio.block import BLOCK_DURATION, AudioBlock
from ser_ros.audio.packets import AudioPacket
from ser_ros.audio.source import LONGEST_PAUSE, CaptureLine, check_channel
from ser_ros.errors import SerError

_QUEUE_DURATION = 10.0
"""Seconds of sound that may wait for the reader: far more than it may stall, and little memory."""

_TOLERANCE = 0.1
"""Seconds by which stamps may disagree with the length of the sound between them: senders stamp when they get round to
it. Less sound than that is not missed where it lacks."""

_PAUSE = 0.3
"""Seconds by which messages without stamps may come late before sound is taken to be missing: networks send in bursts."""

_CLOCK_JUMP = 1.0
"""Seconds by which a stamp may lie behind the last one and be a message that was overtaken; more is another clock."""

_LATE_IN_A_ROW = 5
"""Messages in a row from before the last one that make a new beginning: the sender's clock was set back."""

_LONGEST_BELIEVED_DELAY = 10.0
"""Seconds that sound may have been under way; a greater difference is one of two machines' clocks."""


class TopicSource:
    """Takes packets from one thread and gives blocks to another.

    The stamp of a packet is the capture time of its first frame. What comes twice or too late is left out, what lacks is
    noticed, both are counted, and the block after it says so. Where there are no stamps, the times of arrival serve.
    """

    def __init__(self, description: str, *, channel: int = 0, clock: Callable[[], float] = time.time):
        """`description` names the topic; `channel` is 0-based, -1 for the mean; `clock` (seconds) is the node's."""
        self._name = description
        self._channel = channel
        self._clock = clock
        self._losses = Counter(overflows=0, gaps=0, duplicates=0, reordered=0, refused=0)
        self._queue: queue.SimpleQueue[tuple[AudioPacket, float]] = queue.SimpleQueue()
        self._problem = ''
        self._listening = False
        self._started = 0.0
        self._last_arrival = 0.0
        self._pushed = self._taken = 0.0
        self._overflowed = False
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
        if self._problem:
            return self._problem
        now = time.monotonic()
        if not self._listening or now - max(self._last_arrival, self._started) <= LONGEST_PAUSE:
            return ''
        if self._last_arrival < self._started:
            return f'no sound comes on the {self._name}; start the microphone node, or correct audio.topic'
        pause = now - self._last_arrival
        return f'no sound on the {self._name} for {pause:.1f} s; look after the microphone node and the network'

    def push(self, packet: AudioPacket) -> None:
        """Take the next message's sound; left out unless this source was started. By one thread at a time."""
        if not self._listening:
            return
        duration = len(packet.frames) / packet.rate
        try:
            check_channel(self._channel, packet.frames.shape[1], f'the sound on the {self._name}')
        except SerError as error:
            self.refuse(str(error))
            return
        self._problem = ''
        self._last_arrival = time.monotonic()
        if self._pushed - self._taken > _QUEUE_DURATION:
            self._losses['overflows'] += 1
            self._overflowed = True
            return
        self._pushed += duration
        self._queue.put((packet, self._last_arrival))

    def refuse(self, problem: str) -> None:
        """Note a message that cannot be read, and why."""
        self._losses['refused'] += 1
        self._problem = problem

    def complain(self, problem: str) -> None:
        """Note why no message can come; '' takes it back."""
        self._problem = problem

    def open(self) -> None:
        """Nothing to take hold of."""

    def start(self) -> None:
        """Begin with what is published from now on."""
        while not self._queue.empty():
            self._take(timeout=0.0)
        self._forget()
        self._started = time.monotonic()
        self._listening = True

    def read(self, timeout: float) -> AudioBlock | None:
        """Return the next block of at most 32 ms, or None where none came within `timeout` seconds."""
        if not len(self._rest):
            packet = self._take(timeout)
            if packet is None or not self._accept(*packet):
                return None
        count = max(round(self._format[0] * BLOCK_DURATION), 1)
        frames, self._rest = self._rest[:count], self._rest[count:]
        duration = len(frames) / self._format[0]
        start_time, self._rest_time = self._rest_time, self._rest_time + duration
        self._rest_arrival += duration
        after_gap, self._after_gap = self._after_gap, False
        return self._line.push(frames, start_time, self._rest_arrival, after_gap=after_gap)

    def close(self) -> None:
        """Leave out what comes from now on."""
        self._listening = False

    def _forget(self) -> None:
        self._format: tuple[int, int] | None = None
        self._next_time: float | None = None
        self._late = 0
        self._after_gap = False
        self._rest = np.empty((0, 1), dtype=np.float32)

    def _take(self, timeout: float) -> tuple[AudioPacket, float] | None:
        try:
            packet, arrival = self._queue.get(timeout=timeout) if timeout else self._queue.get_nowait()
        except queue.Empty:
            return None
        self._taken += len(packet.frames) / packet.rate
        return packet, arrival

    def _accept(self, packet: AudioPacket, arrival: float) -> bool:
        """Make `packet` the one that is read now, unless it comes twice or too late."""
        duration = len(packet.frames) / packet.rate
        start = packet.stamp if packet.stamp is not None else arrival - duration
        missing = 0.0 if self._next_time is None else start - self._next_time
        if packet.stamp is not None and -_CLOCK_JUMP < missing < -_tolerance(duration) and self._late < _LATE_IN_A_ROW:
            self._late += 1
            self._losses['duplicates' if start == self._last_start else 'reordered'] += 1
            return False
        longest = _PAUSE if packet.stamp is None else _tolerance(duration)
        jumped = packet.stamp is not None and missing < -_tolerance(duration)
        format_ = (packet.rate, packet.frames.shape[1])
        is_first = self._format is None
        if is_first or format_ != self._format or missing > longest or jumped or self._overflowed:
            self._line = CaptureLine(rate=packet.rate, channel=self._channel, losses=self._losses)
            self._after_gap = not is_first
            self._losses['gaps'] += not is_first
            self._format = format_
            self._overflowed = False
        self._late = 0
        self._last_start, self._next_time = start, start + duration
        self._rest = packet.frames
        self._rest_time, self._rest_arrival = self._place(packet.stamp, duration, arrival)
        return True

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


def _tolerance(duration: float) -> float:
    return max(_TOLERANCE, duration / 2)
