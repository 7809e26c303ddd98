# SPDX-License-Identifier: Apache-2.0
"""The bounded queue between the listener and the recogniser."""

import threading
import time
from collections import deque

from ser_ros.speech.segmenter import Utterance


class UtteranceMailbox:
    """Holds the utterances that wait for the recogniser.

    Of a live source an interim one gives way to whatever is newer: it is old news by then. When the box is full of
    final ones, a new interim one is refused, and a new final one takes the place of the oldest. Every loss is counted.
    """

    def __init__(self, capacity: int):
        """`capacity`: number of utterances."""
        self._capacity = capacity
        self._waiting: deque[tuple[Utterance, float]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self.dropped_interim = 0
        self.dropped_final = 0

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @property
    def longest_wait(self) -> float:
        """Seconds for which the oldest one has been waiting; 0 where none is."""
        with self._changed:
            return time.monotonic() - self._waiting[0][1] if self._waiting else 0.0

    def put(self, utterance: Utterance, *, wait: bool) -> None:
        """Add `utterance`; where there is no room, `wait` for it or drop one. Does nothing once closed."""
        with self._changed:
            if wait:
                self._changed.wait_for(lambda: len(self._waiting) < self._capacity or self._closed)
            if not self._closed and (wait or self._make_room_for(utterance)):
                self._waiting.append((utterance, time.monotonic()))
                self._changed.notify_all()

    def get(self) -> Utterance | None:
        """Return the oldest utterance, waiting for one; None when closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            utterance = self._waiting.popleft()[0] if self._waiting else None
            self._changed.notify_all()
            return utterance

    def close(self, *, discard: bool = False) -> None:
        """Take nothing more; `discard` also throws away, uncounted, what is still waiting."""
        with self._changed:
            self._closed = True
            if discard:
                self._waiting.clear()
            self._changed.notify_all()

    def _make_room_for(self, utterance: Utterance) -> bool:
        finals = deque(item for item in self._waiting if item[0].is_final)
        self.dropped_interim += len(self._waiting) - len(finals)
        self._waiting = finals
        if len(finals) < self._capacity:
            return True
        if not utterance.is_final:
            self.dropped_interim += 1
            return False
        finals.popleft()
        self.dropped_final += 1
        return True
