# SPDX-License-Identifier: Apache-2.0
"""Makes a recipe of plain values, or tells all of them that it cannot have."""

import dataclasses
import json
import math
import typing
from collections.abc import Iterator
from typing import Any

from ser_ros.errors import did_you_mean
from ser_ros.training.data.problems import refuse_together
from ser_ros.training.learning.ranges import Range

Kind = typing.TypeVar('Kind')

_LONGEST_VALUE = 60
"""Characters of a value that a sentence quotes."""


_NO_LIMITS = Range(-math.inf, math.inf)


class _UnfitError(Exception):
    """A value does not fit a field; the text says what does."""


def make_recipe(kind: type[Kind], values: Any, *, source: str) -> Kind:
    """Return the frozen dataclass `kind`, with groups that are dataclasses too, of nested dictionaries.

    Args:
        kind: Class of the recipe. Its fields declare in their types what they take; see ranges. A group may have a
            method `contradictions`, which yields sentences on values that do not fit to each other.
        values: As they are in YAML or JSON.
        source: What messages call them.

    Raises:
        SerError: Keys are unknown or missing, values have another type or are out of their range, or they contradict
            each other. All of them are told.
    """
    headline = f'{source} cannot be used, correct what is listed'
    problems: list[str] = []
    recipe = _group(kind, values, '', problems)
    refuse_together(headline, problems)
    refuse_together(headline, list(_contradictions(recipe, '')))
    return recipe


def _group(kind: type, values: Any, prefix: str, problems: list[str]) -> Any:
    """Return the group of `values`, or None after another entry in `problems`."""
    if not isinstance(values, dict):
        problems.append(f"'{prefix.rstrip('.') or 'the recipe'}' must be a group of key: value lines")
        return None
    before = len(problems)
    fields = {item.name: item for item in dataclasses.fields(kind)}
    problems += [
        f"the key '{_quoted(prefix + str(key))}' is not known; "
        f'known there: {", ".join(fields)}{did_you_mean(str(key), fields)}'
        for key in values
        if key not in fields
    ]
    for name, item in fields.items():
        required = item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
        if required and name not in values:
            problems.append(f"the key '{prefix}{name}' is missing; add it")
    types = typing.get_type_hints(kind, include_extras=True)
    made = {}
    for key, value in values.items():
        if key not in fields:
            continue
        if dataclasses.is_dataclass(types[key]):
            made[key] = _group(types[key], value, f'{prefix}{key}.', problems)
            continue
        try:
            made[key] = _converted(types[key], value)
        except _UnfitError as unfit:
            problems.append(f'{prefix}{key} is {_shown(value)}; {unfit}')
    return kind(**made) if len(problems) == before else None


def _contradictions(group: Any, prefix: str) -> Iterator[str]:
    if hasattr(group, 'contradictions'):
        yield from (f'{prefix}{sentence}' for sentence in group.contradictions())
    for item in dataclasses.fields(group):
        value = getattr(group, item.name)
        if dataclasses.is_dataclass(value):
            yield from _contradictions(value, f'{prefix}{item.name}.')


def _converted(declared: Any, value: Any) -> Any:
    """Return `value` as a field takes it that is `declared` so. Raises _UnfitError."""
    kind, limits = declared, _NO_LIMITS
    if typing.get_origin(declared) is typing.Annotated:
        kind, limits = typing.get_args(declared)
    origin = typing.get_origin(kind) or kind
    if origin is typing.Literal:
        return _checked(value in typing.get_args(kind), value, ' or '.join(map(str, typing.get_args(kind))))
    if origin is bool:
        return _checked(isinstance(value, bool), value, 'true or false')
    if origin is str:
        return _checked(isinstance(value, str) and _is_plain(value), value, 'text')
    if origin is dict:
        return _checked(isinstance(value, dict) and _is_plain(value), value, 'a group of texts, numbers and lists')
    if origin is int:
        return _checked(_is_whole(value) and value in limits, value, f'a whole number, {limits}')
    if origin is float:
        return float(_checked(_is_number(value) and value in limits, value, f'{limits}'))
    if origin is tuple:
        wanted = f'a pair [lowest, highest], two numbers in rising order, each {limits}'
        both = isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))
        _checked(both and all(end in limits for end in value) and value[0] <= value[1], value, wanted)
        return tuple(float(end) + 0.0 for end in value)  # numpy takes no pair of 0.0 and -0.0
    wanted = f'a list of whole numbers, each {limits} and none twice, such as [1, 2]'
    whole = isinstance(value, list) and all(_is_whole(item) and item in limits for item in value)
    return _checked(whole and len(set(value)) == len(value), value, wanted)


def _checked(fits: bool, value: Any, wanted: str) -> Any:
    if not fits:
        raise _UnfitError(f'give {wanted}')
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_plain(value: Any) -> bool:
    """Return whether a value comes back from JSON, in UTF-8, as it is."""
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
        return bool(json.loads(text) == value)
    except (TypeError, ValueError, RecursionError):
        return False


def _shown(value: Any) -> str:
    return 'empty' if value is None else _quoted(repr(value))


def _quoted(text: str) -> str:
    text = ' '.join(text.encode(errors='replace').decode().split())
    return text if len(text) <= _LONGEST_VALUE else f'{text[:_LONGEST_VALUE]}...'
