# SPDX-License-Identifier: Apache-2.0
"""Steady capture times for sound whose own times jitter because the machine that took them was busy."""

_LONGEST_BURST = 0.3
"""Seconds by which blocks without a break may come late, and then all at once, before sound is taken to be missing."""

_FOLLOW = 0.05
"""Seconds by which a block may move towards its own time: half of what counts as a gap. At most half a block too, so
that none seems to be out of order."""


class Pace:
    """Starts each block where the previous one ended, moved towards its own time, so that drift does not add up."""

    def __init__(self) -> None:
        """Start with nothing to follow."""
        self._next: float | None = None

    def follow(self, measured: float, duration: float, *, after_gap: bool = False) -> float:
        """Return when the next block, of `duration` seconds, began; `measured` is its own time.

        If sound was lost before it, or its own time is far from the expected one, as after a clock was set, only its
        own time counts.
        """
        start = measured
        if self._next is not None and not after_gap and abs(measured - self._next) < _LONGEST_BURST:
            most = min(_FOLLOW, duration / 2)
            start = self._next + min(max(measured - self._next, -most), most)
        self._next = start + duration
        return start
