# SPDX-License-Identifier: Apache-2.0
"""Finds model folders by name."""

import os
from pathlib import Path

from ser_ros.errors import SerError
from ser_ros.places import expanded, home_folder
from ser_ros.resources import share_folder
from ser_ros.system_errors import refusal

DEFAULT_MODEL = 'default'
"""Name of the embedded default model."""

_CONFIG = 'config.json'
_VARIABLE = 'SER_ROS_MODELS'


def models_folder() -> Path:
    """Return where `train` puts models and the node finds them: $SER_ROS_MODELS or ~/.local/share/ser_ros/models."""
    chosen = os.environ.get(_VARIABLE)
    return Path(chosen) if chosen else home_folder(_VARIABLE) / '.local' / 'share' / 'ser_ros' / 'models'


def find_checkpoint(name_or_path: str) -> str:
    """Return where initial weights are: a folder as from find_model, otherwise the name as one on the Hugging Face Hub.

    Raises SerError for a folder that holds no model.
    """
    try:
        return str(find_model(name_or_path))
    except SerError:
        if Path(name_or_path).exists():
            raise
        return name_or_path


def find_model(name_or_path: str = '') -> Path:
    """Return a model's folder: '' or 'default' for the embedded one, otherwise a path or the name of a trained model.

    Raises SerError that lists the known names.
    """
    if name_or_path in ('', DEFAULT_MODEL):
        return share_folder() / 'models' / DEFAULT_MODEL
    try:
        return _find(name_or_path)
    except OSError as error:
        raise refusal(error) from None


def _find(name_or_path: str) -> Path:
    given = expanded(name_or_path)
    if (given / _CONFIG).is_file():
        return given
    known = models_folder()
    if (known / name_or_path / _CONFIG).is_file():
        return known / name_or_path
    if given.is_dir():
        raise SerError(f'the folder {name_or_path} holds no config.json; give a Hugging Face model folder')
    names = ', '.join(sorted(folder.parent.name for folder in known.glob(f'*/{_CONFIG}')))
    raise SerError(
        f"there is no model '{name_or_path}': neither a folder nor a name in {known} "
        f'(there: {names or "none"}); leave it empty for the embedded default'
    )


def folder_name(folder: Path) -> str:
    """Return what reports call a folder: its name, preceded for a fold's model by that of the folder of folds."""
    folder = folder.resolve()
    return f'{folder.parent.name}/{folder.name}' if folder.name.startswith('fold-') else folder.name
