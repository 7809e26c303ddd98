# SPDX-License-Identifier: Apache-2.0
"""The sound in a bag as a source, read as fast as possible."""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ser_ros.annotation.bag import Bag
from ser_ros.annotation.bag_topics import AudioTopics
from ser_ros.audio.block import BLOCK_DURATION, AudioBlock
from ser_ros.audio.capture_times import LONGEST_DELAY
from ser_ros.audio.pace import Pace
from ser_ros.audio.packets import AudioPacket, PacketDecoder, StreamFormat
from ser_ros.audio.source import LONGEST_PAUSE, EndOfAudio, check_channel
from ser_ros.audio.timeline import Timeline
from ser_ros.audio.topic import TopicSource
from ser_ros.errors import SerError, reason

DEFAULT_FRAME_ID = 'microphone'
"""Used if no message names one; the node's own default."""

_NANOSECONDS = 1e9

_WALL_CLOCK = 1e9
"""Seconds; later times are from a wall clock, earlier ones count from the start of a machine or a simulation."""


class BagSource:
    """Returns the blocks that a node would have read while the bag was recorded; gaps and repetitions are found alike.

    Capture times are the stamps of the messages. If they have none, smoothed times of reception are used; if they count
    from the start of a machine (as GStreamer's do), they are shifted so that the first message was received as soon as
    it ended. A block's `arrival` is not a time of this machine: it is when its last sample reached the bag, in the
    bag's seconds.
    """

    def __init__(self, bag: Bag, topics: AudioTopics, *, assumed: StreamFormat, channel: int):
        """`bag` is open; `assumed`: the format of messages that state none; `channel`: 0-based, -1 for the mean."""
        self._bag = bag
        self._topics = topics
        self._assumed = assumed
        self._channel = channel
        self.frame_id = ''
        """Of the microphone; set once the source is open."""
        self._received = 0.0

    @property
    def description(self) -> str:
        """Names of the topic and the bag."""
        return f'topic {self._topics.name} of {self._bag.path}'

    @property
    def live(self) -> bool:
        """Always false: a bag waits."""
        return False

    @property
    def losses(self) -> dict[str, int]:
        """What was missing, came twice or too late, or could not be read, as a node counts it."""
        return self._topic.losses

    @property
    def problem(self) -> str:
        """Always '': a truncated bag raises."""
        return ''

    @property
    def remark(self) -> str:
        """That samples had to be replaced, as a node would say it."""
        return self._topic.remark

    @property
    def longest_pause(self) -> float:
        """That of all sources."""
        return LONGEST_PAUSE

    @property
    def block_count(self) -> int:
        """Approximate number of blocks, for a progress display; known once the source is open."""
        return self._block_count

    def open(self) -> None:
        """Read the first sound, to check that it can be read. Raises SerError."""
        self.start()
        first = next(self._packets, None)
        if first is None:
            raise SerError(self._silence())
        packet, _ = first
        self._accept(*first)
        messages = sum(connection.msgcount for connection in self._topics.audio)
        self._block_count = messages * math.ceil(packet.duration / BLOCK_DURATION)

    def start(self) -> None:
        """Start at the first message."""
        self._topic = TopicSource(self.description, channel=self._channel, clock=lambda: self._received + self._hidden)
        self._topic.start()
        self._packets = self._decoded()
        self._blocks: deque[AudioBlock] = deque()
        self._receptions, self._pace = Timeline(LONGEST_DELAY), Pace()
        self._offset: float | None = None
        self._hidden = 0.0

    def read(self, timeout: float) -> AudioBlock:
        """Return the next block. Raises EndOfAudio after the last, SerError if the bag cannot be read."""
        while not self._blocks:
            item = next(self._packets, None)
            if item is None:
                raise EndOfAudio
            self._accept(*item)
        return self._blocks.popleft()

    def close(self) -> None:
        """Nothing to release: the bag belongs to its opener."""

    def _decoded(self) -> Iterator[tuple[AudioPacket, float]]:
        """Yield (packet, seconds when it was received) of all messages that can be read."""
        topics = self._topics
        decoder = PacketDecoder(topics.kind, self._assumed)
        if not topics.info:
            decoder.do_without_info()
        else:
            # An AudioInfo that was received later also applies to what came before it: there is no other.
            for _, _, data in self._bag.messages(topics.info):
                decoder.note_info(self._message(data, topics.info[0].msgtype))
                break
        for connection, received, data in self._bag.messages((*topics.audio, *topics.info)):
            message = self._message(data, connection.msgtype)
            if connection.msgtype != topics.audio[0].msgtype:
                decoder.note_info(message)
                continue
            self.frame_id = self.frame_id or getattr(getattr(message, 'header', None), 'frame_id', DEFAULT_FRAME_ID)
            try:
                packet = decoder.decode(message)
            except SerError as error:
                self._topic.refuse(str(error))
                continue
            if packet is not None:
                yield packet, received / _NANOSECONDS

    def _message(self, data: bytes, kind: str) -> Any:
        try:
            return self._topics.store.deserialize_cdr(data, kind)
        except Exception as error:
            # Any exception: the bytes may be anything.
            raise SerError(
                f'a message in the bag {self._bag.path} is not a {kind} ({reason(error)}); record it again'
            ) from None

    def _accept(self, packet: AudioPacket, received: float) -> None:
        self._received = received
        stamp = self._capture_time(packet, received)
        transport = received - stamp - packet.duration
        check_channel(self._channel, packet.frames.shape[1], f'the sound on the {self.description}')
        self._topic.push(replace(packet, stamp=stamp + self._hidden))
        while (block := self._topic.read(timeout=0.0)) is not None:
            start_time = block.start_time - self._hidden
            self._blocks.append(replace(block, start_time=start_time, arrival=start_time + block.duration + transport))

    def _capture_time(self, packet: AudioPacket, received: float) -> float:
        """Return when the first frame of `packet` was captured, on the bag's clock or the sender's."""
        earliest = received - packet.duration
        if packet.stamp is None:
            has_gap = not self._receptions.follow(earliest, packet.duration)
            stamp = self._pace.follow(earliest + self._receptions.shift, packet.duration, after_gap=has_gap)
        else:
            if self._offset is None:
                since_start = packet.stamp < _WALL_CLOCK <= received
                self._offset = earliest - packet.stamp if since_start else 0.0
            stamp = packet.stamp + self._offset
        if stamp < _WALL_CLOCK:
            # TopicSource would take a stamp near this machine's own uptime for an uptime.
            self._hidden = _WALL_CLOCK
        return stamp

    def _silence(self) -> str:
        if self._topic.problem and self._topic.losses['refused']:
            return self._topic.problem
        return f'the topic {self._topics.name} of {self._bag.path} has no messages; record it again'
