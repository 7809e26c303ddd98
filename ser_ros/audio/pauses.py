# SPDX-License-Identifier: Apache-2.0
"""How long the next message may take before there is silence."""

from ser_ros.audio.source import LONGEST_PAUSE
from ser_ros.audio.timeline import LONGEST_BURST

_AFTER_THE_FIRST, _LONGEST = 2.0, 5.0
"""Seconds for which the next message is waited for, at most, after the first one and after later ones, however much
sound they hold: longer messages come from recordings, and nothing need follow them."""
_FADE = 0.05
"""Share of the passing time by which the longest wait is forgotten."""


class Pauses:
    """Remembers how long messages took to come; all times are seconds of `time.monotonic()`."""

    def __init__(self) -> None:
        """Start with no message known."""
        self._first: float | None = None
        self._last = 0.0
        self._of_one_message = 0.0
        self._longest_wait = 0.0

    def note(self, duration: float, now: float) -> None:
        """Take a message with `duration` seconds of sound that came now."""
        if self._first is None:
            self._first = self._last = now
            self._of_one_message = min(duration, _AFTER_THE_FIRST)
            return
        waited = now - self._last
        self._last = now
        self._of_one_message = min(duration, waited, _LONGEST)
        self._longest_wait = max(waited, self._longest_wait - _FADE * waited)

    def longest(self, burst: float) -> float:
        """Return for how many seconds nothing may come: longer for a sender that sends seldom and much at once.

        `burst`: seconds of sound that have lately come at once. A sender that is only too fast does not wait.
        """
        if self._first is None:
            return LONGEST_PAUSE
        if self._last - self._first > LONGEST_BURST:
            burst = min(burst, self._longest_wait)
        return LONGEST_PAUSE + max(self._of_one_message, burst)
