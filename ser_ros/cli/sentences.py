# SPDX-License-Identifier: Apache-2.0
"""How a console script ends: with one sentence instead of a traceback if the user can cure the fault."""

import contextlib
import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ser_ros.cli.signals import exit_code, interruptible
from ser_ros.cli.surroundings import make_printable, name_the_user
from ser_ros.errors import SerError, named
from ser_ros.system_errors import as_sentence

OPTIONS = {
    'audio.channel': '--channel',
    'emotion.labels': '--answer-with',
    'model.backend': '--backend',
    'model.device': '--device',
}
"""Key of a setting -> the option of every command that has it."""


def ends_in_a_sentence(main: Callable[..., int]) -> Callable[..., int]:
    """Make `main` print a SerError, or what the system refused, as one sentence and return 1.

    For Ctrl-C and SIGTERM it returns 130 and 143, and 1 for a reader that went away. Whatever is printed can be: what
    the terminal's encoding lacks is escaped.
    """
    # Not __module__: that is __main__ under `python -m`.
    script = Path(main.__code__.co_filename).stem

    @functools.wraps(main)
    def wrapped(*args: Any) -> int:
        make_printable()
        name_the_user()
        try:
            try:
                with interruptible():
                    return main(*args)
            finally:
                # Here, and not at Python's exit, a full disk or a closed pipe becomes an exit code.
                sys.stdout.flush()
        except SerError as error:
            _say(f'{script}: {named(error, OPTIONS)}')
            return 1
        except KeyboardInterrupt as error:
            return exit_code(error)
        except BrokenPipeError:
            _discard_output()
            return 1
        except Exception as error:
            sentence = as_sentence(error)
            if sentence is None:
                raise
            if isinstance(error, OSError) and not error.filename:
                _discard_output()
            _say(f'{script}: {sentence}')
            return 1

    return wrapped


def _say(sentence: str) -> None:
    with contextlib.suppress(OSError):
        print(sentence, file=sys.stderr, flush=True)


def _discard_output() -> None:
    """Discard what could not be printed: Python would fail with it again at its exit."""
    with contextlib.suppress(OSError):  # as for a stream that is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
