# SPDX-License-Identifier: Apache-2.0
"""What is there already is never overwritten."""

from collections.abc import Iterable
from pathlib import Path

from ser_ros.errors import SerError


def refuse_existing(paths: Iterable[Path]) -> None:
    """Raise SerError where one of `paths` is there already: it may be somebody's work."""
    for path in paths:
        if path.exists():
            raise SerError(f'{path} is there already; remove or rename it, or give another folder with --out')
