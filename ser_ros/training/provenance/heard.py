# SPDX-License-Identifier: Apache-2.0
"""Which clips of a corpus a model has heard, according to its folder."""

import csv
from pathlib import Path

from ser_ros.errors import SerError
from ser_ros.training.data.clip import Clip
from ser_ros.training.data.corpora.acted import RAVDESS
from ser_ros.training.data.corpus import Corpus
from ser_ros.training.data.ravdess import is_clip_name
from ser_ros.training.provenance.origins import read_origins

_MADE_IT = ('train.csv', 'validation.csv')
"""In a model folder: the clips that trained it and that chose its checkpoint."""

_TESTED_IT = 'test.csv'
"""In a model folder: the clips that its figures are for."""


def heard_clips(model: Path, corpus: Corpus) -> set[str] | None:
    """Return the names of those clips of `corpus` that trained the model in the folder `model` or chose its checkpoint.

    A clip is recognised by its path, or, if the data has moved, by file name, emotion and speaker; in doubt it counts
    as heard. None if the folder does not say. Raises SerError if a table is damaged.
    """
    tables = [model / name for name in _MADE_IT if (model / name).is_file()]
    if tables:
        return set().union(*(_listed(table, corpus) for table in tables))
    origins = read_origins(model)
    if origins and origins.protocol == 'full':  # the embedded default has no table
        corpora = {part.corpus for part in origins.trained_on}
        return {clip.name for clip in corpus.clips if clip.corpus in corpora or _is_ravdess(clip, corpora)}
    return None


def clips_of_earlier_speakers(model: Path, corpus: Corpus) -> set[str]:
    """Return the names of those clips of `corpus` whose speakers trained the weights that the model started from.

    Of earlier trainings the single clips are not known. Where the speakers are not either, the whole corpus counts.
    """
    origins = read_origins(model)
    trainings = origins.trained_before if origins else ()
    people = frozenset[tuple[str, str]]().union(*(training.train_speakers for training in trainings))
    parts = [part for training in trainings for part in training.trained_on]
    corpora, nameless = ({part.corpus for part in some} for some in (parts, [it for it in parts if not it.speakers]))
    return {
        clip.name
        for clip in corpus.clips
        if clip.person in people or clip.corpus in nameless or (clip.person is None and clip.corpus in corpora)
    }


def _is_ravdess(clip: Clip, corpora: set[str]) -> bool:
    return RAVDESS.name in corpora and is_clip_name(clip.path.stem)


def choosing_test_clips(model: Path, corpus: Corpus) -> set[str]:
    """Return the names of those clips of `corpus` that chose the checkpoint of `model` and also test it."""
    table = model / _TESTED_IT
    origins = read_origins(model)
    return _listed(table, corpus) if table.is_file() and origins and origins.selection == 'test' else set()


def _listed(table: Path, corpus: Corpus) -> set[str]:
    rows = _read_rows(table)
    paths, marks = {path for path, _ in rows}, {mark for _, mark in rows}
    return {clip.name for clip in corpus.clips if clip.path.resolve() in paths or _mark(clip) in marks}


def _read_rows(table: Path) -> list[tuple[Path, tuple[str, ...]]]:
    """Return path and mark of each clip in a table by write_table."""
    rows = []
    try:
        with table.open(encoding='utf-8', newline='') as file:
            for row in csv.DictReader(file):
                path = Path(row['path'])
                if None in row.values():
                    raise ValueError(f'the row of {path} is too short')
                clip = Clip(path, '', row['emotion'], row['speaker'] or None, corpus=row['corpus'])
                rows.append(((table.parent / path).resolve(), _mark(clip)))
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise SerError(f'{table} is damaged ({error}), so the clips that it lists are not known; train again') from None
    return rows


def _mark(clip: Clip) -> tuple[str, ...]:
    """Return what identifies a clip wherever its file is; a name of RAVDESS's is enough."""
    if is_clip_name(clip.path.stem):
        return (clip.path.stem,)
    return clip.path.stem, clip.emotion, clip.person[1] if clip.person else ''
