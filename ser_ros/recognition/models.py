# SPDX-License-Identifier: Apache-2.0
"""Finds model folders by name."""

import os
from pathlib import Path

from ser_ros.errors import SerError
from ser_ros.resources import share_folder

DEFAULT_MODEL = 'default'
"""Name of the embedded default model."""


def models_folder() -> Path:
    """Return where `train` puts models and the node finds them: $SER_ROS_MODELS or ~/.local/share/ser_ros/models."""
    return Path(os.environ.get('SER_ROS_MODELS') or Path.home() / '.local' / 'share' / 'ser_ros' / 'models')


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
    for folder in (Path(name_or_path).expanduser(), models_folder() / name_or_path):
        if (folder / 'config.json').is_file():
            return folder
    if Path(name_or_path).expanduser().is_dir():
        raise SerError(f'the folder {name_or_path} holds no config.json; give a Hugging Face model folder')
    names = ', '.join(sorted(folder.parent.name for folder in models_folder().glob('*/config.json')))
    raise SerError(
        f"there is no model '{name_or_path}': neither a folder nor a name in {models_folder()} "
        f'(there: {names or "none"}); leave it empty for the embedded default'
    )


def folder_name(folder: Path) -> str:
    """Return what reports call a folder: its name, preceded for a fold's model by that of the folder of folds."""
    folder = folder.resolve()
    return f'{folder.parent.name}/{folder.name}' if folder.name.startswith('fold-') else folder.name
