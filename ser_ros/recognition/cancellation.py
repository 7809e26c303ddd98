# SPDX-License-Identifier: Apache-2.0
"""Lets one thread cancel a recognition that another runs."""

import threading
from collections.abc import Callable


class Cancelled(Exception):
    """The recognition was cancelled; there is no answer."""


class Cancellation:
    """Cancels one recognition; any thread may use it."""

    def __init__(self) -> None:
        """Start uncancelled."""
        self._lock = threading.Lock()
        self._cancelled = False
        self._on_cancel: Callable[[], None] | None = None

    def cancel(self) -> None:
        """Cancel the recognition; may be called at any time and more than once."""
        with self._lock:
            self._cancelled = True
            if self._on_cancel is not None:
                self._on_cancel()

    def on_cancel(self, action: Callable[[], None]) -> None:
        """Have `action` called by the thread that cancels, or at once if that has happened."""
        with self._lock:
            self._on_cancel = action
            if self._cancelled:
                action()

    def check(self) -> None:
        """Raise Cancelled if the recognition was cancelled."""
        if self._cancelled:
            raise Cancelled
