# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C and SIGTERM end a command with the exit code of the shell, 128 + the signal, and with nothing left behind."""

import contextlib
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SAME_REQUEST = 1.0
"""Seconds within which another signal is the same request, sent to the process and to its group, as a terminal, `ros2
run` and torchrun do: what was begun to be cleared away is not interrupted by it."""

_Handler = Callable[[int, FrameType | None], None]


class Interrupted(KeyboardInterrupt):
    """A signal asks the command to end; a KeyboardInterrupt, because libraries let that pass and clear away."""

    def __init__(self, number: int):
        """Take the number of the signal."""
        super().__init__()
        self.number = number


def exit_code(error: KeyboardInterrupt) -> int:
    """Return the shell's exit code for what interrupted a command."""
    return 128 + (error.number if isinstance(error, Interrupted) else signal.SIGINT)


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """While modules are imported, end the process at once: there is nothing to clear away yet.

    An exception would show a traceback from the middle of an import, or be lost in code that expects import errors.
    """
    with _handled_by(lambda number, frame: os._exit(128 + number)):
        yield


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Let signals raise Interrupted; after one, whatever comes at the end of the process ends it at once."""
    before = -math.inf

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal before
        now = time.monotonic()
        before, since = now, now - before
        if since >= _SAME_REQUEST:
            raise Interrupted(number)

    with _handled_by(interrupt):
        try:
            yield
        except Interrupted:
            for number in _SIGNALS:
                if signal.getsignal(number) is interrupt:
                    signal.signal(number, signal.SIG_DFL)
            raise


@contextlib.contextmanager
def _handled_by(handler: _Handler) -> Iterator[None]:
    """Handle the signals by `handler`, except those that this process was started to ignore, as by `nohup`."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers, and only it is interrupted
        return
    found = {number: signal.getsignal(number) for number in _SIGNALS}
    taken = {number: old for number, old in found.items() if old not in (signal.SIG_IGN, None)}
    for number in taken:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in taken.items():
            if signal.getsignal(number) is handler:
                signal.signal(number, old)
