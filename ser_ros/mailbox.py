# SPDX-License-Identifier: Apache-2.0
"""The bounded queue between the listener and the recogniser."""

import threading
from collections import deque

from ser_ros.speech.segmenter import Utterance


class UtteranceMailbox:
    """Holds the utterances that wait for the recogniser.

    When it is full, the oldest interim one gives way; where there is none, a new interim one is refused, and a new
    final one takes the place of the oldest final one. Every loss is counted.
    """

    def __init__(self, capacity: int):
        """`capacity`: number of utterances."""
        self._capacity = capacity
        self._waiting: deque[Utterance] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self.dropped_interim = 0
        self.dropped_final = 0

    def put(self, utterance: Utterance, *, wait: bool) -> None:
        """Add `utterance`; where there is no room, `wait` for it or drop one. Does nothing once closed."""
        with self._changed:
            while wait and len(self._waiting) >= self._capacity and not self._closed:
                self._changed.wait()
            if self._closed:
                return
            if len(self._waiting) < self._capacity or self._make_room_for(utterance):
                self._waiting.append(utterance)
                self._changed.notify_all()

    def get(self) -> Utterance | None:
        """Return the oldest utterance, waiting for one; None when closed and empty."""
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            utterance = self._waiting.popleft() if self._waiting else None
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
        oldest_interim = next((waiting for waiting in self._waiting if not waiting.is_final), None)
        if oldest_interim is not None:
            self._waiting.remove(oldest_interim)
            self.dropped_interim += 1
        elif utterance.is_final:
            self._waiting.popleft()
            self.dropped_final += 1
        else:
            self.dropped_interim += 1
            return False
        return True
