# SPDX-License-Identifier: Apache-2.0
"""Reopens a device that fails while it is in use."""

import time
from dataclasses import replace

from ser_ros.audio.block import AudioBlock
from ser_ros.audio.source import LONGEST_PAUSE, AudioSource, SourceUnavailable
from ser_ros.errors import SerError

_FIRST_PAUSE = 0.25
_LONGEST_WAIT = 4.0
"""Seconds before a failed device is tried again, at first and at most; each failure doubles them."""

_FIRST_SOUND = 3.0
"""Seconds that a device just opened may take until sound comes; an idle PulseAudio sink takes two."""


class SupervisedSource:
    """A live source that outlives its device: unplugged, taken by another program, or stuck.

    A source that fails while it is read is closed and reopened, with growing pauses, until sound comes again; its first
    block then says that sound was lost before it. Only `open` raises, and if the source `waits`, only for faults that
    waiting does not cure: at a robot's start its sound server may start later than its nodes.
    """

    def __init__(self, source: AudioSource, *, waits: bool = True):
        """Take the source to watch; `waits`: whether `open` accepts one that is not available yet."""
        self._source = source
        self._waits = waits
        self._problem = ''
        self._reopened = 0
        self._was_open = False
        self._settle()

    @property
    def description(self) -> str:
        """That of the source."""
        return self._source.description

    @property
    def live(self) -> bool:
        """Always true."""
        return True

    @property
    def losses(self) -> dict[str, int]:
        """Those of the source, and how often it was reopened."""
        return self._source.losses | {'reopened': self._reopened}

    @property
    def problem(self) -> str:
        """Why no sound comes, until it comes again."""
        return self._problem

    @property
    def remark(self) -> str:
        """That of the source."""
        return self._source.remark

    @property
    def longest_pause(self) -> float:
        """That of the source."""
        return self._source.longest_pause

    def open(self) -> None:
        """Open the source, or begin to wait for it. Raises SerError."""
        try:
            self._source.open()
        except SourceUnavailable as error:
            if not self._waits:
                raise
            self._settle()
            self._fail(_sentence(error))
            return
        self._settle()
        self._was_open = True
        self._patience = _FIRST_SOUND

    def start(self) -> None:
        """Start capturing; a source that does not start is tried again."""
        if self._next_try is not None:
            return
        try:
            self._source.start()
        except SerError as error:
            self._fail(str(error))

    def read(self, timeout: float) -> AudioBlock | None:
        """Return the next block, or None if none came within `timeout` seconds."""
        if self._next_try is not None and not self._bring_back(self._next_try, timeout):
            return None
        began = time.monotonic()
        try:
            block = self._source.read(timeout)
        except SerError as error:
            self._fail(str(error))
            return None
        if block is None:
            # If a read took longer, this machine stalled and not the device.
            self._silence += min(time.monotonic() - began, timeout)
            if self._silence > self._patience:
                self._fail(
                    f'{self.description} has given no sound for {self._silence:.1f} s; plug it in again or end the '
                    'program that holds it; it is reopened as soon as it can be'
                )
            return None
        if self._was_lost:
            block = replace(block, after_gap=True)
        self._settle()
        return block

    def close(self) -> None:
        """Release the source."""
        self._source.close()
        self._settle()

    def _settle(self) -> None:
        self._silence = 0.0
        self._problem = ''
        self._was_lost = False
        self._patience = LONGEST_PAUSE
        self._pause = _FIRST_PAUSE
        self._next_try: float | None = None

    def _fail(self, problem: str) -> None:
        self._problem = problem
        self._was_lost = True
        self._source.close()
        self._next_try = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, _LONGEST_WAIT)

    def _bring_back(self, due: float, timeout: float) -> bool:
        """Open the source again once it is `due`, after at most `timeout` seconds; return whether it is open."""
        wait = due - time.monotonic()
        time.sleep(min(max(wait, 0.0), timeout))
        if wait > timeout:
            return False
        try:
            self._source.open()
            self._source.start()
        except SerError as error:
            self._fail(_sentence(error))
            return False
        self._next_try = None
        self._patience = _FIRST_SOUND
        self._reopened += self._was_open
        self._was_open = True
        self._silence = 0.0
        return True


def _sentence(error: SerError) -> str:
    return f'{error}; it is waited for' if isinstance(error, SourceUnavailable) else str(error)
