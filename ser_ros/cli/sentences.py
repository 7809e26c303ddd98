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
from ser_ros.errors import SerError, named
from ser_ros.system_errors import as_sentence

OPTIONS = {'audio.channel': '--channel', 'model.backend': '--backend', 'model.device': '--device'}
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
            _can_print()
            return 1
        except Exception as error:
            sentence = as_sentence(error)
            if sentence is None:
                raise
            _say(f'{script}: {sentence if _can_print() else f"its output cannot be written: {sentence}"}')
            return 1

    return wrapped


def make_printable() -> None:
    """Let both streams print every text, and take what a process without them prints.

    Labels and file names may be of any script, and the bytes of a file name no text at all.
    """
    for name in ('stdout', 'stderr'):
        stream = getattr(sys, name)
        if stream is None:
            # Closed by whoever started the process.
            setattr(sys, name, Path(os.devnull).open('w', encoding='utf-8'))  # noqa: SIM115 - open to its end
        elif hasattr(stream, 'reconfigure'):
            stream.reconfigure(errors='backslashreplace')


def _say(sentence: str) -> None:
    with contextlib.suppress(OSError):
        print(sentence, file=sys.stderr, flush=True)


def _can_print() -> bool:
    """Return whether what was printed gets out; if not it is discarded, or Python would fail with it at its exit."""
    try:
        sys.stdout.flush()
    except OSError:
        with contextlib.suppress(OSError):  # as for a stream that is no file
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True
