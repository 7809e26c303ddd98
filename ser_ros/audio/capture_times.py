# SPDX-License-Identifier: Apache-2.0
"""When the sound of each message was captured, and whether it continues that of the message before."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from ser_ros.audio.timeline import Timeline

_TOLERANCE = 0.1
"""Seconds by which stamps may disagree with the length of the sound between them: senders stamp when they get round to
it. Less missing sound than that goes unnoticed."""

LONGEST_DELAY = 0.3
"""Seconds by which messages without stamps may come late before sound is missed: networks hold them up."""

_STANDS_STILL = 1.5
"""Seconds of sound with one and the same stamp after which it is that of a clock that stands still; the messages of one
burst may share a stamp too."""

LONGEST_BELIEVED_DELAY = 10.0
"""Seconds that sound may have been in transit; a larger difference means that two machines' clocks disagree."""


@dataclass(frozen=True)
class Capture:
    """Of the sound of one message.

    Attributes:
        continues: Whether it continues the sound before; true for the first.
        start_time: Seconds, capture time of the first frame on the clock that stamps messages.
        start_arrival: The same in seconds of `time.monotonic()`.
    """

    continues: bool
    start_time: float
    start_arrival: float


class CaptureTimes:
    """Follows the messages of one sender by their stamps, and where those tell nothing, by their arrival.

    A stamp that is also that of the message before tells nothing: for as long as a burst may be, the length of the
    sound continues it, and then it is that of a clock that stands still.
    """

    def __init__(self, clock: Callable[[], float]):
        """`clock`: the node's, in seconds."""
        self._clock = clock
        self._stamps, self._arrivals = Timeline(_TOLERANCE), Timeline(LONGEST_DELAY)
        self._stamp: float | None = None
        self._without_news = 0.0

    @property
    def burst(self) -> float:
        """Seconds of sound that have lately come at once, in more than one message."""
        return self._arrivals.burst

    def follow(self, stamp: float | None, duration: float, arrival: float, *, broken: bool = False) -> Capture:
        """Take the next message.

        Args:
            stamp: Seconds on the sender's clock, capture time of the first frame; None if it has none.
            duration: Seconds of sound.
            arrival: Seconds of `time.monotonic()` at which it was sent, as far as that is known.
            broken: Its sound cannot continue the sound before.
        """
        news = stamp if stamp != self._stamp else None
        self._stamp = stamp
        self._without_news = self._without_news + duration if news is None else 0.0
        continues = not broken and self._continues(news, duration, arrival)
        expected = self._stamps.next_time
        if not continues:
            expected = None
            self._stamps.restart()
            self._arrivals.restart()
            self._continues(news, duration, arrival)
        if news is not None:
            return self._place(continues, news + self._stamps.shift, duration, arrival)
        if stamp is not None and expected is not None and self._without_news <= _STANDS_STILL:
            return self._place(continues, expected - duration, duration, arrival)
        return self._place(continues, None, duration, arrival)

    def _continues(self, news: float | None, duration: float, arrival: float) -> bool:
        in_time = self._arrivals.follow(arrival - duration, duration)
        if news is None:
            self._stamps.skip(duration)
            return in_time
        knows = self._stamps.next_time is not None
        by_stamps = self._stamps.follow(news, duration)
        return by_stamps if knows else in_time

    def _place(self, continues: bool, stamp: float | None, duration: float, arrival: float) -> Capture:
        now, clock = time.monotonic(), self._clock()
        arrival += self._arrivals.shift
        if stamp is None:
            return Capture(continues, clock - (now - arrival) - duration, arrival - duration)
        if abs(now - stamp) < LONGEST_BELIEVED_DELAY:
            # GStreamer's clock, which ros-drivers' capture node stamps with, is this machine's time since its start.
            return Capture(continues, clock - (now - stamp), min(stamp, now - duration))
        delay = clock - stamp - duration
        if 0.0 <= delay <= LONGEST_BELIEVED_DELAY:
            return Capture(continues, stamp, now - delay - duration)
        return Capture(continues, stamp, arrival - duration)
