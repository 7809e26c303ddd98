# SPDX-License-Identifier: Apache-2.0
"""Steady capture times for sound whose own times tremble, because whoever took them was busy just then."""

_LONGEST_BURST = 0.3
"""Seconds by which blocks without a break may come late, and then all at once, before sound is taken to be missing."""

_FOLLOW = 0.05
"""Seconds by which a block may move towards its own time: half of what counts as a gap. No more than half a block
either, so that none seems to have been overtaken."""


class Pace:
    """Lets each block begin where the one before ended, and lean to its own time, so that drift does not add up."""

    def __init__(self) -> None:
        """Begin with nothing to follow."""
        self._next: float | None = None

    def follow(self, measured: float, duration: float, *, after_gap: bool = False) -> float:
        """Return when the next block, of `duration` seconds, began; `measured` is its own time.

        Where sound was lost before it, or its own time is far from what was expected, as after a clock was set, that
        counts alone.
        """
        start = measured
        if self._next is not None and not after_gap and abs(measured - self._next) < _LONGEST_BURST:
            most = min(_FOLLOW, duration / 2)
            start = self._next + min(max(measured - self._next, -most), most)
        self._next = start + duration
        return start
