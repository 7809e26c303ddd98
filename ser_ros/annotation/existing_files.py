# SPDX-License-Identifier: Apache-2.0
"""Existing files are never overwritten."""

from collections.abc import Iterable
from pathlib import Path

from ser_ros.errors import SerError
from ser_ros.places import exists


def has_tables(tables: tuple[Path, Path]) -> bool:
    """Return whether both tables of a file exist. Raises SerError if only one does: it may be someone's work."""
    if all(map(exists, tables)):
        return True
    refuse_existing(tables)
    return False


def refuse_existing(paths: Iterable[Path]) -> None:
    """Raise SerError if one of `paths` exists already: it may be someone's work."""
    for path in paths:
        if exists(path):
            raise SerError(f'{path} exists already; remove or rename it, or give another folder with --out')
