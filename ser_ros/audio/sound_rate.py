# SPDX-License-Identifier: Apache-2.0
"""Whether as much sound comes as time passes: more is sent twice or at a wrong rate, much less is no sound."""

_LEAK = 0.02
"""Seconds in each second by which a surplus or a deficit is forgotten: more than any two clocks differ."""
_SURPLUS = 2.0
"""Seconds of sound beyond the passing time that are told."""
_DEFICIT = 10.0
"""Seconds of sound, at most, that may have been held up and may still come."""
_MEMORY = 60.0
"""Seconds for which a surplus is told."""
_STARVED = 0.25
"""Share of the time below which messages hold no sound that one could follow: bags are replayed at half the pace."""
_STARVED_AFTER = 1.0
"""Seconds over which that share is taken."""


class SoundRate:
    """Compares the sound of the messages with the time between them; all times are seconds of `time.monotonic()`."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self._last: float | None = None
        self._surplus = 0.0
        self._since = self._sound = 0.0
        self._told_at: float | None = None
        self._times = 0.0
        self._window = self._window_sound = 0.0

    def note(self, duration: float, sent: float) -> bool:
        """Take a message with `duration` seconds of sound that was sent at `sent`; return whether sound is too sparse.

        The sound before such a message does not continue in it, however close the two are.
        """
        if self._last is None:
            # Its sound was captured before.
            self._last = self._since = self._window = sent
            return False
        passed = max(sent - self._last, 0.0)
        self._last = max(sent, self._last)
        self._surplus += duration - passed
        self._surplus -= min(max(self._surplus, -_LEAK * passed), _LEAK * passed)
        self._surplus = max(self._surplus, -_DEFICIT)
        self._sound += duration
        if self._surplus > _SURPLUS + duration:
            self._times = self._sound / max(self._last - self._since, 0.1)
            self._told_at = self._last
        if self._surplus <= 0.0 or self._told_at == self._last:
            self._surplus = min(self._surplus, 0.0)
            self._since, self._sound = self._last, 0.0
        return self._is_starved(duration)

    def surplus(self, now: float) -> float:
        """Return how many times as fast as time passes sound came when it was last too fast; 0 if not lately."""
        if self._told_at is None or now - self._told_at > _MEMORY:
            return 0.0
        return self._times

    def _is_starved(self, duration: float) -> bool:
        assert self._last is not None
        passed = self._last - self._window
        self._window_sound += duration
        if passed < _STARVED_AFTER:
            return False
        starved = self._window_sound < _STARVED * passed
        self._window, self._window_sound = self._last, 0.0
        return starved
