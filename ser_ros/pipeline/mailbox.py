# SPDX-License-Identifier: Apache-2.0
"""The bounded queue between the listener and the recogniser."""

import threading
import time
from collections import deque

from ser_ros.pipeline.request import Purpose, Request


class Mailbox:
    """Holds the requests that wait for the recogniser, and knows the one in progress.

    With a live source, a newer request replaces those that are not final, waiting or in progress: their answers would
    be out of date. When the box is full of final ones, an interim or early one is refused, and a new final one replaces
    the oldest that is not being answered already. Every loss except that of an early one is counted.
    """

    def __init__(self, capacity: int):
        """`capacity`: number of requests."""
        self._capacity = capacity
        self._waiting: deque[tuple[Request, float]] = deque()
        self._under_way: Request | None = None
        self._changed = threading.Condition()
        self._closed = False
        self.dropped_interim = 0
        self.dropped_final = 0

    def __len__(self) -> int:
        """Number of waiting requests, without early ones."""
        with self._changed:
            return sum(request.purpose is not Purpose.EARLY for request, _ in self._waiting)

    @property
    def longest_wait(self) -> float:
        """Seconds for which the oldest one has been waiting; 0 if there is none."""
        with self._changed:
            return time.monotonic() - self._waiting[0][1] if self._waiting else 0.0

    def put(self, request: Request, *, wait: bool) -> None:
        """Add `request`; if there is no space, `wait` for it or drop one. Does nothing once closed."""
        with self._changed:
            if wait:
                self._changed.wait_for(lambda: len(self._waiting) < self._capacity or self._closed)
            if not self._closed and (wait or self._make_space_for(request)):
                self._waiting.append((request, time.monotonic()))
                self._changed.notify_all()

    def get(self) -> Request | None:
        """Return the oldest request, waiting for one; None when closed and empty. The previous one is then done."""
        with self._changed:
            self._under_way = None
            self._changed.wait_for(lambda: self._waiting or self._closed)
            self._under_way = self._waiting.popleft()[0] if self._waiting else None
            self._changed.notify_all()
            return self._under_way

    def close(self, *, discard: bool = False) -> None:
        """Accept nothing more; `discard` also drops, uncounted, what is still waiting or in progress."""
        with self._changed:
            self._closed = True
            if discard:
                self._waiting.clear()
                if self._under_way is not None:
                    self._under_way.cancellation.cancel()
            self._changed.notify_all()

    def _make_space_for(self, newer: Request) -> bool:
        finals = deque(item for item in self._waiting if item[0].purpose is Purpose.FINAL)
        self.dropped_interim += sum(request.purpose is Purpose.INTERIM for request, _ in self._waiting)
        self._waiting = finals
        idle = [item for item in finals if not self._is_being_answered(item[0])]
        if len(idle) == len(finals) and self._under_way is not None and self._under_way.gives_way_to(newer):
            self._under_way.cancellation.cancel()
        if len(finals) < self._capacity:
            return True
        if newer.purpose is Purpose.FINAL:
            finals.remove(idle[0])
            self.dropped_final += 1
            return True
        self.dropped_interim += newer.purpose is Purpose.INTERIM
        return False

    def _is_being_answered(self, request: Request) -> bool:
        return request.early is not None and request.early is self._under_way
