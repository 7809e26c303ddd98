# SPDX-License-Identifier: Apache-2.0
"""Recipes of pretraining are read from YAML files in `train/pretraining/`, as those of `train` are."""

from collections.abc import Sequence
from pathlib import Path

from ser_ros.training.learning.recipe_file import read_recipe, recipes_folder
from ser_ros.training.pretraining.recipe import PretrainingRecipe


def pretraining_recipe_names() -> list[str]:
    """Return the names of all recipes of pretraining that come with the package."""
    return sorted(path.stem for path in _folder().glob('*.yaml'))


def load_pretraining_recipe(name: str, settings: Sequence[str] = ()) -> PretrainingRecipe:
    """Return the recipe `train/pretraining/NAME.yaml`, changed by `settings` such as 'optimisation.epochs=3'.

    Raises SerError for an unknown recipe or key (and names the nearest one) and for a value of another type.
    """
    return read_recipe(PretrainingRecipe, name, _folder(), settings)


def _folder() -> Path:
    return recipes_folder() / 'pretraining'
