# SPDX-License-Identifier: Apache-2.0
"""How a console script ends: with one sentence instead of a traceback if the user can cure the fault."""

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ser_ros.errors import SerError, named

OPTIONS = {'audio.channel': '--channel', 'model.backend': '--backend', 'model.device': '--device'}
"""Key of a setting -> the option of every command that has it."""

_INTERRUPTED = 130
"""128 + SIGINT, the shell's exit code for Ctrl-C."""


def ends_in_a_sentence(main: Callable[..., int]) -> Callable[..., int]:
    """Make `main` print a SerError as one sentence and return 1; return 130 for Ctrl-C, and 1 for a broken pipe."""
    # Not __module__: that is __main__ under `python -m`.
    script = Path(main.__code__.co_filename).stem

    @functools.wraps(main)
    def wrapped(*args: Any) -> int:
        try:
            return main(*args)
        except SerError as error:
            print(f'{script}: {named(error, OPTIONS)}', file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return _INTERRUPTED
        except BrokenPipeError:
            # Python would hit the broken pipe again when it flushes the rest at its exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1

    return wrapped
