# SPDX-License-Identifier: Apache-2.0
"""Lets one thread end a recognition that another has under way."""

import threading
from collections.abc import Callable


class Cancelled(Exception):
    """The recognition was cancelled; there is no answer."""


class Cancellation:
    """A promise to look whether the answer is still wanted; for one recognition, used by any threads."""

    def __init__(self) -> None:
        """Begin with the answer being wanted."""
        self._lock = threading.Lock()
        self._cancelled = False
        self._on_cancel: Callable[[], None] | None = None

    def cancel(self) -> None:
        """Say that the answer is not wanted any more; may be called at any time and more than once."""
        with self._lock:
            self._cancelled = True
            if self._on_cancel is not None:
                self._on_cancel()

    def on_cancel(self, action: Callable[[], None]) -> None:
        """Have `action` called, by whoever cancels, or at once where that has happened."""
        with self._lock:
            self._on_cancel = action
            if self._cancelled:
                action()

    def check(self) -> None:
        """Raise Cancelled where the answer is not wanted any more."""
        if self._cancelled:
            raise Cancelled
