# SPDX-License-Identifier: Apache-2.0
"""Whether messages of sound continue each other, by one clock: that of their stamps, or that of their arrival."""

_SLACK, _SHARE = 0.1, 0.1
"""Seconds by which a message may be later than the latest one before it, or this share of a burst if that is more."""
_FADE = 0.05
"""Share of the passing sound by which the latest and the earliest message are forgotten: bursts repeat themselves."""
LONGEST_BURST = 3.0
"""Seconds of sound that a sender may collect before it sends them; what is further ahead is no burst, but a
recording."""


class Timeline:
    """Compares the time of each message with the one that the length of the sound before it leads one to expect.

    A message that is later than it should be follows lost sound, unless those before it were as late for a while, and
    not for good: then their sender collects sound and sends it in bursts. The first burst already shows that, because
    its last message is earlier than its sound can have been captured if its first was on time.
    """

    def __init__(self, tolerance: float):
        """`tolerance`: seconds by which a message may be later than the one before it."""
        self._tolerance = tolerance
        self.restart()

    def restart(self) -> None:
        """Begin with the next message."""
        self._due: float | None = None
        self._late = self._latest = self._earliest = 0.0
        self._in_bursts = False

    @property
    def burst(self) -> float:
        """Seconds of sound that have lately come at once, in more than one message."""
        return self._latest - self._earliest

    @property
    def shift(self) -> float:
        """Seconds, not positive, from the time of the last message to when it would have come if not in bursts."""
        return min(self._earliest - self._late, 0.0) if self._in_bursts else 0.0

    @property
    def next_time(self) -> float | None:
        """When, on this clock, the sound after that of the last message begins; None before the first one."""
        return self._due + self._late + self.shift if self._due is not None else None

    def follow(self, time: float, duration: float) -> bool:
        """Take the next message, whose sound of `duration` seconds began at `time`; return whether it continues.

        If it does not, the timeline begins again with it.
        """
        if self._due is None:
            self._due = time
        late = time - self._due
        jumps = late - self._late > max(self._tolerance, duration / 2)
        if jumps and late > self._latest + max(_SLACK, _SHARE * self.burst):
            self.restart()
            self._due = time + duration
            return False
        self._in_bursts = self._in_bursts or jumps
        self._late = late
        self._latest = max(late, self._latest - _FADE * duration)
        self._earliest = min(late, self._earliest + _FADE * duration)
        if self.burst > LONGEST_BURST:
            self._latest = self._earliest = late
        self._due += duration
        return True

    def skip(self, duration: float) -> None:
        """Take a message whose time is not known on this clock."""
        if self._due is not None:
            self._due += duration
