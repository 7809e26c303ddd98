# SPDX-License-Identifier: Apache-2.0
"""Reads a corpus: RAVDESS as a folder or a zip, or a CSV table of the user's own recordings."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ser_ros.emotions import LABELS
from ser_ros.errors import SerError
from ser_ros.training.data.archive import unpack_clips
from ser_ros.training.data.clip import Clip
from ser_ros.training.data.dataset_card import read_dataset_card
from ser_ros.training.data.ravdess import find_clips
from ser_ros.training.data.table import read_table

RAVDESS = 'RAVDESS'
"""Name of the corpus in a folder or a zip of RAVDESS clips."""

_ACCEPTED = 'give the folder of the RAVDESS speech clips, their zip, or a CSV table of recordings'


@dataclass(frozen=True)
class Corpus:
    """Clips that belong together.

    Attributes:
        name: For reports: 'RAVDESS', or the stem of the table.
        clips: At least one; their names are unique.
        labels: Every emotion that they have, in the order in which a model answers.
        licence: From the dataset card beside a table; '' if it is not stated.
    """

    name: str
    clips: tuple[Clip, ...]
    labels: tuple[str, ...]
    licence: str = ''


def read_corpus(path: Path, labels: Sequence[str] = (), *, for_training: bool = True) -> Corpus:
    """Return the corpus at `path`.

    Args:
        path: A folder of RAVDESS clips; a `.zip` of them, which is unpacked into the cache once; or a `.csv` (see
            read_table).
        labels: The emotions that may occur, and their order. If none are given any may; their order is that of
            RAVDESS's codes if RAVDESS has all of them, otherwise that of their first occurrence.
        for_training: Whether there must be at least two emotions, each at least twice in a table without `labels`.

    Raises:
        SerError: There is no such corpus, or something in it is wrong.
    """
    path = path.expanduser()
    licence = ''
    if path.is_dir():
        name, clips = RAVDESS, find_clips(path)
    elif not path.exists():
        raise SerError(f'the data {path} does not exist; {_ACCEPTED}')
    elif path.suffix.lower() == '.zip':
        name, clips = RAVDESS, find_clips(unpack_clips(path))
    elif path.suffix.lower() == '.csv':
        name, clips = path.stem, read_table(path, labels, for_training=for_training)
        licence = read_dataset_card(path.parent).licence
    else:
        raise SerError(f'{path} is neither a folder nor a .zip or .csv file; {_ACCEPTED}')
    counts = Counter(clip.emotion for clip in clips)
    unwanted = [emotion for emotion in counts if labels and emotion not in labels]
    if unwanted:
        raise SerError(
            f"{path} has {counts[unwanted[0]]} clips of the emotion '{unwanted[0]}', which is not one of "
            f'{", ".join(labels)}; add it to the labels, or give a CSV table of the clips that are wanted'
        )
    if for_training and len(counts) < 2:
        raise SerError(f"{path} has only the emotion '{next(iter(counts))}'; give clips of at least two emotions")
    return Corpus(name, clips, _ordered(tuple(counts), labels), licence)


def _ordered(present: tuple[str, ...], labels: Sequence[str]) -> tuple[str, ...]:
    order = labels or (LABELS if set(present) <= set(LABELS) else present)
    return tuple(label for label in order if label in present)
