# SPDX-License-Identifier: Apache-2.0
"""What a folder of speech says about itself, in a dataset card as defined by the Hugging Face Hub."""

from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import metadata_load
from yaml import YAMLError


@dataclass(frozen=True)
class DatasetCard:
    """What is known of a data set.

    Attributes:
        name: What its card calls it, otherwise the folder's name.
        licence: Such as 'cc-by-4.0'; '' if it is not stated.
    """

    name: str
    licence: str = ''

    def __str__(self) -> str:
        return f'{self.name} ({self.licence or "licence not known"})'


def read_dataset_card(folder: Path) -> DatasetCard:
    """Return `pretty_name` and `license` of the front matter of the README.md in `folder`.

    Without a name the folder's name is used. A README.md that is not a dataset card is no error.
    """
    try:
        metadata = metadata_load(folder / 'README.md') or {}
    except (OSError, ValueError, YAMLError):
        metadata = {}
    return DatasetCard(str(metadata.get('pretty_name') or folder.resolve().name), str(metadata.get('license') or ''))
