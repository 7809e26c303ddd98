# SPDX-License-Identifier: Apache-2.0
"""Where voices came from, as a microphone array reports it; independent of ROS."""

import math
import threading
from collections import deque

import numpy as np

from ser_ros.speech.segmenter import Utterance

_MEMORY = 5000
"""Number of reports that are remembered: the longest utterance, 30 s, at 100 a second, and what waits for an answer."""
_DELAY = 0.2
"""Seconds after the end of an utterance in which reports are still about it: drivers ask the array ten times a second,
and the array itself smooths."""
_LEAST_AGREEMENT = 1e-3
"""Length of the mean of unit vectors below which they cancel each other out, as 0 and 180 degrees do: no direction."""
_LEAST = float(np.nextafter(np.float32(-math.pi), np.float32(0.0)))
"""The smallest float32 that is not below -pi."""


class Directions:
    """Remembers the reported directions, and when. All times are seconds of `time.monotonic()`; any thread may call it.

    Attributes:
        hold: Seconds for which a report holds if no other comes.
    """

    def __init__(self, hold: float):
        """Start without any report."""
        self.hold = hold
        self._lock = threading.Lock()
        self._reports: deque[tuple[float, float]] = deque(maxlen=_MEMORY)

    def note(self, direction: float, at: float) -> None:
        """Note a report of the time `at`: radians counter-clockwise, any number of turns; NaN if it says nothing."""
        with self._lock:
            self._reports.append((at, direction if math.isfinite(direction) else math.nan))

    def of(self, utterance: Utterance) -> float:
        """Return where `utterance` came from: radians in [-pi, pi), also as float32; NaN if it is not known.

        It is the circular mean of what was reported while it was spoken. Drivers that report only changes report
        nothing of a voice that stays where the last sound came from: then it is the last report before, if not older
        than `hold`.
        """
        start, end = utterance.end_arrival - utterance.duration, utterance.end_arrival + _DELAY
        with self._lock:
            reports = [report for report in self._reports if start - self.hold <= report[0] <= end]
        during = [direction for at, direction in reports if at >= start]
        if during:
            return circular_mean([direction for direction in during if not math.isnan(direction)])
        return circular_mean([reports[-1][1]]) if reports else math.nan


def circular_mean(directions: list[float]) -> float:
    """Return the mean direction, radians in [-pi, pi); NaN if there is none, or if they cancel each other out."""
    if not directions:
        return math.nan
    east = math.fsum(map(math.cos, directions)) / len(directions)
    north = math.fsum(map(math.sin, directions)) / len(directions)
    if not math.hypot(east, north) >= _LEAST_AGREEMENT:
        return math.nan
    mean = math.atan2(north, east)
    return max(mean, _LEAST) if float(np.float32(mean)) < math.pi else _LEAST
