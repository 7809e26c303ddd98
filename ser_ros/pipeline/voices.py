# SPDX-License-Identifier: Apache-2.0
"""Whose voice is heard when, as far as the robot knows; independent of ROS."""

import math
import threading
from collections import deque

from ser_ros.speech.segmenter import Utterance

_MEMORY = 1000
"""Number of changes that are remembered: enough for all utterances that can wait for an answer."""


class Voices:
    """Remembers the ids that were noted, and when. All times are seconds of `time.monotonic()`; any thread may call it.

    An utterance belongs to the id that was in force when it ended: a robot may need the first words to know a voice,
    and what it notes later, even while the utterance waits for its answer, is about somebody else.
    """

    def __init__(self) -> None:
        """Start without knowing any voice."""
        self._lock = threading.Lock()
        self._noted: deque[tuple[float, str]] = deque([(-math.inf, '')], maxlen=_MEMORY)

    def note(self, voice: str, at: float) -> None:
        """Note that the voice with the id `voice` speaks from the time `at` on; '' for a voice that is not known.

        It replaces what was noted for that time and for later.
        """
        with self._lock:
            while self._noted and self._noted[-1][0] >= at:
                self._noted.pop()
            self._noted.append((at, voice))

    def at(self, time: float) -> str:
        """Return the id that was in force at `time`; '' if none was known, or it is no longer remembered."""
        with self._lock:
            return next((voice for noted, voice in reversed(self._noted) if noted <= time), '')

    def of(self, utterance: Utterance) -> str:
        """Return the id of whoever said `utterance`; '' if it is not known."""
        return self.at(utterance.end_arrival)
