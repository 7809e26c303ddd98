# SPDX-License-Identifier: Apache-2.0
"""Reads recipes from YAML files in `train/`; any value can be set from the command line."""

import re
import typing
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from ser_ros.errors import SerError, did_you_mean, reason
from ser_ros.resources import share_folder
from ser_ros.training.learning.recipe_values import make_recipe

Kind = typing.TypeVar('Kind')

_EXTENDS = 'extends'

_INT, _FLOAT, _TIME = (f'tag:yaml.org,2002:{name}' for name in ('int', 'float', 'timestamp'))


class _Loader(yaml.SafeLoader):
    """YAML whose numbers are decimal, as in YAML 1.2 and JSON.

    PyYAML follows YAML 1.1: it takes 1e-3 for text, 010 for 8, 1:30 for 90 and 2026-01-01 for a day. Of a key that is
    there twice it takes the last.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the group; PyYAML calls this."""
        keys = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        for key, count in keys.items():
            if count > 1:
                raise yaml.MarkedYAMLError(problem=f"the key '{key}' is there twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in (_INT, _FLOAT, _TIME)]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_INT, re.compile(r'[-+]?[0-9]+$'), list('-+0123456789'))
_Loader.add_implicit_resolver(
    _FLOAT,
    re.compile(r'[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.inf)$|\.nan$', re.I),
    list('-+.0123456789'),
)
_Loader.add_constructor(_INT, lambda _, node: int(node.value))


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
        SerError: The recipe is unknown (the nearest one is named), is not valid YAML, or has values that it cannot
            have; see make_recipe.
    """
    names = recipe_names(folder)
    if name not in names:
        raise SerError(
            f"there is no recipe '{name}'; the recipes are {', '.join(names) or 'gone'}{did_you_mean(name, names)}"
        )
    path = folder / f'{name}.yaml'
    return parse_recipe(kind, _read_text(path), settings, source=path.name)


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
    values = _with_what_it_extends(_read_yaml(text, source), source, ())
    for setting in settings:
        _apply(values, setting)
    return make_recipe(kind, values, source=source)


def _read_text(path: Path) -> str:
    try:
        return path.read_text('utf-8')
    except (OSError, ValueError) as error:
        raise SerError(f'the recipe {path} cannot be read ({reason(error)}); give a YAML file in UTF-8') from None


def _read_yaml(text: str, source: str) -> Any:
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise SerError(f'{source} is not valid YAML ({" ".join(str(error).split())}); correct it') from None
    except (ValueError, RecursionError) as error:  # of a number with thousands of digits, or thousands of brackets
        raise SerError(f'{source} is not valid YAML ({reason(error)}); correct it') from None


def _with_what_it_extends(values: Any, source: str, above: Sequence[str]) -> dict[Any, Any]:
    """Return the values below which are those of what they extend; `above` names what extends `source`."""
    if not isinstance(values, dict):
        raise SerError(f"{source}: 'the recipe' must be a group of key: value lines")
    if _EXTENDS not in values:
        return values
    given = values.pop(_EXTENDS)
    names = given if isinstance(given, list) else [given]
    if not all(isinstance(name, str) for name in names):
        raise SerError(f'{source}: extends is {given!r:.100}; give the name of a recipe, or a list of names')
    merged: dict[Any, Any] = {}
    for name in names:
        paths = [recipes_folder() / f'{name}.yaml', recipes_folder() / 'base' / f'{name}.yaml']
        found = next((path for path in paths if path.is_file()), None)
        if found is None:
            raise SerError(f"{source} extends '{name}', which is neither in train/ nor in train/base/; correct it")
        if name in above:
            raise SerError(f"{source} extends '{name}', which extends it in turn; take one of the two out")
        below = _read_yaml(_read_text(found), found.name)
        merged = _merge(merged, _with_what_it_extends(below, found.name, (*above, name)))
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
    values[last] = _read_yaml(value, f'--set {setting:.60}')
