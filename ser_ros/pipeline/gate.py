# SPDX-License-Identifier: Apache-2.0
"""When the robot must not listen: while it speaks itself, and while it is muted; independent of ROS."""

import math
import threading
from collections import deque
from dataclasses import dataclass
from enum import Enum

from ser_ros.speech.segmenter import Utterance

_MEMORY = 1000
"""Number of closed periods that are remembered: hours at the longest hold-off of 10 s, and minutes for a robot that
stammers."""
_JITTER = 0.05
"""Seconds by which the capture times of two blocks may disagree: someone who is already speaking when the gate opens
must not seem to have begun before it did."""


class Closure(Enum):
    """Why the gate was closed; what was said meanwhile is not answered. The values are those in diagnostics."""

    ROBOT_SPEECH = 'robot speech'
    """The robot itself was speaking."""
    MUTED = 'muted by hand'
    """Listening had been switched off."""


@dataclass(frozen=True)
class GateConfig:
    """All durations in seconds."""

    hold_off: float = 0.5
    """How long the gate stays closed after the robot has spoken: its voice is still in the room."""
    lead: float = 0.3
    """How long the robot may have been audible before it reports that it speaks."""
    timeout: float = 30.0
    """How long after its last report that it speaks the robot is taken to be silent; 0 for never."""


class Gate:
    """Remembers when it was closed, and why. All times are seconds of `time.monotonic()`; any thread may call it."""

    def __init__(self, config: GateConfig | None = None):
        """Start open."""
        self._lock = threading.Lock()
        self._config = config or GateConfig()
        self._robot: deque[list[float]] = deque(maxlen=_MEMORY)
        self._by_hand: deque[list[float]] = deque(maxlen=_MEMORY)
        self._robot_speaks = False

    def configure(self, config: GateConfig) -> None:
        """Use `config` from now on."""
        with self._lock:
            self._config = config

    @property
    def robot_speaks(self) -> bool:
        """Whether the robot last reported that it speaks."""
        return self._robot_speaks

    def robot_speaking(self, speaking: bool, at: float) -> None:
        """Note that the robot started or stopped speaking at the time `at`; a repeated start prolongs it."""
        with self._lock:
            config = self._config
            if speaking:
                until = at + config.timeout if config.timeout else math.inf
                _close(self._robot, at - config.lead, until)
            elif self._robot_speaks:
                _open(self._robot, at + config.hold_off)
            self._robot_speaks = speaking

    def listen(self, listening: bool, at: float) -> None:
        """Open or close by hand at the time `at`."""
        with self._lock:
            if listening:
                _open(self._by_hand, at)
            else:
                _close(self._by_hand, at, math.inf)

    def closed(self, start: float, end: float) -> Closure | None:
        """Return why the gate was closed at any time from `start` to `end`, both included; None if it was open."""
        with self._lock:
            if _overlaps(self._by_hand, start, end):
                return Closure.MUTED
            if _overlaps(self._robot, start, end):
                return Closure.ROBOT_SPEECH
        return None

    def closed_during(self, utterance: Utterance) -> Closure | None:
        """Return why the gate was closed at any time while `utterance` was spoken; None if it was open."""
        return self.closed(utterance.end_arrival - utterance.duration + _JITTER, utterance.end_arrival)


def _overlaps(times: deque[list[float]], start: float, end: float) -> bool:
    for closed_from, closed_until in reversed(times):
        if closed_until <= start:
            return False
        if closed_from <= end:
            return True
    return False


def _close(times: deque[list[float]], start: float, end: float) -> None:
    """Add the period from `start` to `end`, or extend the last one if they touch."""
    if times and start <= times[-1][1]:
        times[-1][1] = max(times[-1][1], end) if math.isfinite(times[-1][1]) else end
    else:
        times.append([start, end])


def _open(times: deque[list[float]], at: float) -> None:
    """End the last period at `at` if it was to last longer."""
    if times and times[-1][1] > at:
        times[-1][1] = at
