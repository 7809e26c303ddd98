# SPDX-License-Identifier: Apache-2.0
"""The JSON files that runs write into their folders."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ser_ros.errors import SerError
from ser_ros.files import read_plain, write_text
from ser_ros.system_errors import refusal
from ser_ros.training.storage.plain import from_plain

Kind = TypeVar('Kind')

REPORT = 'report.json'
SUMMARY = 'summary.json'

_MOST_BYTES = 256 << 20
"""Far more than any report."""


def read_as(kind: type[Kind], path: Path, mark: str) -> Kind | None:
    """Return the content of `path` as the dataclass `kind`, whose field `mark` no other kind of file has.

    None if there is no such file, or one of another kind.

    Raises:
        SerError: It is damaged or may not be read, or was written by another version.
    """
    return _read(kind, path, mark, lambda values: values)


def read_part(kind: type[Kind], path: Path, mark: str) -> Kind | None:
    """Return the part of the file `path` for which the dataclass `kind` has fields; see read_as."""
    names = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]  # a dataclass
    return _read(kind, path, mark, lambda values: {name: values[name] for name in names & values.keys()})


def _read(kind: type[Kind], path: Path, mark: str, chosen: Callable[[dict[str, Any]], dict[str, Any]]) -> Kind | None:
    try:
        values = json.loads(read_plain(path, _MOST_BYTES))
        return from_plain(kind, chosen(values)) if isinstance(values, dict) and mark in values else None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise refusal(error) from None
    except (ValueError, RecursionError) as error:
        raise SerError(f'{path} cannot be read as a report ({error}); remove it or make it again') from None


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Write `values` so that a reader sees the old file or the whole new one."""
    write_text(path, json.dumps(values, indent=1) + '\n')
