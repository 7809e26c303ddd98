# SPDX-License-Identifier: Apache-2.0
"""Reads recipes from YAML files in `train/`; any value can be set from the command line."""

import dataclasses
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from ser_ros.errors import SerError, did_you_mean
from ser_ros.resources import share_folder

Kind = typing.TypeVar('Kind')

_EXTENDS = 'extends'


def recipes_folder() -> Path:
    """Return the folder of the recipes that come with the package; its `base/` holds what several have in common."""
    return share_folder() / 'train'


def recipe_names(folder: Path) -> list[str]:
    """Return the names of all recipes in `folder`."""
    return sorted(path.stem for path in folder.glob('*.yaml'))


def read_recipe(kind: type[Kind], name: str, folder: Path, settings: Sequence[str]) -> Kind:
    """Return the recipe `folder`/NAME.yaml as the frozen dataclass `kind`, changed by `settings`.

    Args:
        kind: Class of the recipe.
        name: Of the file, without its suffix.
        folder: Holds the recipes.
        settings: Such as 'optimisation.epochs=3'.

    Raises:
        SerError: The recipe or a key is unknown (the nearest one is named), or a value has another type.
    """
    names = recipe_names(folder)
    if name not in names:
        raise SerError(
            f"there is no recipe '{name}'; the recipes are {', '.join(names) or 'gone'}{did_you_mean(name, names)}"
        )
    source = f'{name}.yaml'
    return parse_recipe(kind, (folder / source).read_text('utf-8'), settings, source=source)


def parse_recipe(kind: type[Kind], text: str, settings: Sequence[str], *, source: str) -> Kind:
    """Return the recipe in the YAML `text` as the frozen dataclass `kind`; see read_recipe.

    `extends: NAME` at its top takes every value that it does not name from `train/NAME.yaml` or
    `train/base/NAME.yaml`; `extends: [A, B]` from both, where B takes precedence.

    Args:
        kind: Class of the recipe.
        text: YAML.
        settings: Such as 'optimisation.epochs=3'.
        source: What messages call the text.
    """
    values = _with_what_it_extends(_read_yaml(text, source), source)
    for setting in settings:
        _apply(values, setting)
    return _build(kind, values, prefix='', source=source)


def _read_yaml(text: str, source: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SerError(f'{source} is not valid YAML ({" ".join(str(error).split())}); correct it') from None


def _with_what_it_extends(values: Any, source: str) -> Any:
    if not isinstance(values, dict) or _EXTENDS not in values:
        return values
    names = values.pop(_EXTENDS)
    merged: dict = {}
    for name in [names] if isinstance(names, str) else names:
        paths = [recipes_folder() / f'{name}.yaml', recipes_folder() / 'base' / f'{name}.yaml']
        found = next((path for path in paths if path.is_file()), None)
        if found is None:
            raise SerError(f"{source} extends '{name}', which is neither in train/ nor in train/base/; correct it")
        merged = _merge(merged, _with_what_it_extends(_read_yaml(found.read_text('utf-8'), found.name), found.name))
    return _merge(merged, values)


def _merge(below: dict, above: dict) -> dict:
    """Return both, group by group; if both have a value, that of `above`."""
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def _apply(values: dict, setting: str) -> None:
    key, equals, value = setting.partition('=')
    if not equals:
        raise SerError(f"--set {setting} has no value; write it as key=value, such as 'optimisation.epochs=3'")
    *parents, last = key.strip().split('.')
    for parent in parents:
        values = values.setdefault(parent, {})
        if not isinstance(values, dict):
            raise SerError(f"--set {setting}: '{parent}' is a value, not a group; leave out what follows it")
    values[last] = _read_yaml(value, f'--set {setting}')


def _build(kind: type, values: Any, *, prefix: str, source: str) -> Any:
    """Make the dataclass `kind` from nested dictionaries, and refuse anything that does not fit it."""
    if not isinstance(values, dict):
        raise SerError(f"{source}: '{prefix.rstrip('.') or 'the recipe'}' must be a group of key: value lines")
    fields = {item.name: item for item in dataclasses.fields(kind)}
    types = typing.get_type_hints(kind)
    for key in values:
        if key not in fields:
            raise SerError(
                f"{source}: the key '{prefix}{key}' is not known; "
                f'known there: {", ".join(fields)}{did_you_mean(str(key), fields)}'
            )
    for name, item in fields.items():
        required = item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
        if required and name not in values:
            raise SerError(f"{source}: the key '{prefix}{name}' is missing; add it")
    return kind(
        **{
            key: _build(types[key], value, prefix=f'{prefix}{key}.', source=source)
            if dataclasses.is_dataclass(types[key])
            else _convert(types[key], value, f'{source}: {prefix}{key}')
            for key, value in values.items()
        }
    )


def _convert(kind: Any, value: Any, what: str) -> Any:
    if typing.get_origin(kind) is tuple:
        ends = typing.get_args(kind)
        are_numbers = isinstance(value, list) and len(value) == len(ends) and all(map(_is_number, value))
        if are_numbers and value[0] <= value[1]:
            return tuple(float(item) for item in value)
        raise SerError(f'{what} is {value!r}; write two numbers in rising order, such as [0.9, 1.1]')
    if typing.get_origin(kind) is typing.Literal:
        if value in typing.get_args(kind):
            return value
        raise SerError(f'{what} is {value!r}; give {" or ".join(typing.get_args(kind))}')
    if kind is float and _is_number(value):
        return float(value)
    kind = typing.get_origin(kind) or kind
    if type(value) is kind:
        return value
    if kind is float:  # YAML 1.1 reads 1e-3, without a point, as text
        try:
            return float(value)
        except (TypeError, ValueError):
            pass
    descriptions = {
        int: 'a whole number',
        float: 'a number',
        bool: 'true or false',
        str: 'text',
        dict: 'a group',
        list: 'a list',
    }
    raise SerError(f'{what} is {value!r}; give {descriptions[kind]}')


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
