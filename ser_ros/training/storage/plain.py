# SPDX-License-Identifier: Apache-2.0
"""Frozen dataclasses from the content of a JSON file; `dataclasses.asdict` is the reverse."""

import dataclasses
import types
import typing
from typing import Any


def from_plain(kind: Any, value: Any) -> Any:
    """Return `value`, which came from JSON, as a `kind`: a dataclass, a tuple or dictionary of them, or unchanged.

    Raises ValueError if a field of a dataclass is missing or unknown, or if what should be a list is none.
    """
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _dataclass(kind, value)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ValueError(f'{value!r:.40} is no list')
        return tuple(from_plain(inner[0], item) for item in value)
    if origin is dict:
        return {key: from_plain(inner[1], item) for key, item in value.items()}
    if origin is types.UnionType and value is not None and inner[1:] == (types.NoneType,):
        return from_plain(inner[0], value)
    return value


def _dataclass(kind: type, values: Any) -> Any:
    if not isinstance(values, dict):
        raise ValueError(f'{values!r:.40} is no {kind.__name__}')
    fields = {field.name for field in dataclasses.fields(kind)}
    if different := sorted(fields ^ values.keys()):
        what = 'is missing' if different[0] in fields else 'is not known'
        raise ValueError(f"'{different[0]}' of {kind.__name__} {what}")
    kinds = typing.get_type_hints(kind)
    return kind(**{name: from_plain(kinds[name], value) for name, value in values.items()})
