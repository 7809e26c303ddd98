# SPDX-License-Identifier: Apache-2.0
"""The command of a run as shown in reports."""

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path

from ser_ros.recognition.models import folder_name


def repeatable(
    args: Sequence[str], parser: argparse.ArgumentParser, *, folders: Sequence[str], models: Sequence[str] = ()
) -> str:
    """Return the command that repeats a run; its paths are cut to their last names.

    A report may be published, and where someone keeps data is private.

    Args:
        args: The words after the command's name.
        parser: The command's own; its `prog` is the name.
        folders: Options whose values are paths.
        models: Those whose values may also be something else, such as names on the Hugging Face Hub; '' stands for what
            comes before all options.
    """
    words, option = [], ''
    for word in args:
        name, equals, value = word.partition('=') if word.startswith('--') else ('', '', word)
        option = name or option
        is_path = option in folders or (option in models and (Path(value).exists() or Path(value).is_absolute()))
        words.append(name + equals + (_name_of(value) if is_path and value else value))
    return shlex.join(['ros2', 'run', 'ser_ros', parser.prog, *words])


def _name_of(value: str) -> str:
    """Return the last name of a path, and before it the key of its corpus: nemo:/data/of/ann is nemo:ann."""
    key, colon, rest = value.partition(':')
    return f'{key}:{folder_name(Path(rest))}' if colon and '/' not in key and rest else folder_name(Path(value))
