# SPDX-License-Identifier: Apache-2.0
"""Several files are answered one by one: one that fails is told, and the others are answered all the same."""

import contextlib
import sys
from collections.abc import Iterator

from ser_ros.cli.sentences import OPTIONS
from ser_ros.errors import SerError, named
from ser_ros.system_errors import refusal


class SeveralFiles:
    """Tells what a command has to say of its files, on stderr, and how many failed."""

    def __init__(self, command: str):
        """`command` begins each line."""
        self._command = command
        self._failed = 0

    @property
    def exit_code(self) -> int:
        """1 if a file failed, 0 otherwise."""
        return int(self._failed > 0)

    def tell(self, remark: str) -> None:
        """Print a remark on a file that is answered, or need not be."""
        print(f'{self._command}: {remark}', file=sys.stderr, flush=True)

    @contextlib.contextmanager
    def attempt(self) -> Iterator[None]:
        """Go on after a SerError or an OSError in the body, which is told in a sentence and counts as a failed file."""
        try:
            yield
        except (SerError, OSError) as error:
            self._failed += 1
            self.tell(named(refusal(error) if isinstance(error, OSError) else error, OPTIONS))
