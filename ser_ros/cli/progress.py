# SPDX-License-Identifier: Apache-2.0
"""Shows the progress of long-running commands on stderr, with only the run-time packages."""

import sys
import time
from pathlib import Path

_SILENT_FOR = 2.0
"""Seconds after which the progress is shown."""


def say(stage: str) -> None:
    """Print what is being done now."""
    print(f'{stage} ...', file=sys.stderr, flush=True)


class ProgressLine:
    """Shows the progress on one line of a terminal, and at the end how fast it was."""

    def __init__(self, name: str, total: float):
        """Start; `name` is what is processed, `total` how much of it there is."""
        self._name = name
        self._total = total
        self._started = time.monotonic()
        self._shown = False

    def __call__(self, done: int, utterances: int) -> None:
        """Show how much of the total is done, on a terminal."""
        if sys.stderr.isatty() and time.monotonic() - self._started > _SILENT_FOR:
            self._shown = True
            share = min(done / self._total, 1.0) if self._total else 1.0
            print(f'\r{self._name}: {share:4.0%}, {utterances} utterances ', end='', file=sys.stderr, flush=True)

    def end(self, utterances: int, seconds: float, written: Path) -> None:
        """Print on stdout what was `written` from `seconds` of sound."""
        if self._shown:
            print('\r\033[K', end='', file=sys.stderr)
        took = time.monotonic() - self._started
        print(
            f'{written}: {utterances} utterance{"s" * (utterances != 1)} in {seconds:.0f} s of {self._name}, '
            f'{seconds / took:.0f} times as fast as real time'
        )
