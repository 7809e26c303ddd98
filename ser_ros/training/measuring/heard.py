# SPDX-License-Identifier: Apache-2.0
"""Which clips a model has heard already: a figure on those says nothing about new ones."""

import csv
from collections.abc import Sequence
from pathlib import Path

from ser_ros.errors import SerError
from ser_ros.training.data.clip import Clip
from ser_ros.training.data.corpus import RAVDESS, Corpus
from ser_ros.training.data.ravdess import is_clip_name
from ser_ros.training.measuring.run_report import read_run_report
from ser_ros.training.storage.json_files import REPORT

_MADE_IT = ('train.csv', 'validation.csv')
"""In a model folder: the clips that trained it and that chose its checkpoint."""

_TESTED_IT = 'test.csv'


def choose_clips(models: Sequence[Path], corpus: Corpus, *, all_clips: bool) -> tuple[tuple[Clip, ...], list[str]]:
    """Return the clips on which the models are to be tested, and what a reader of the figures must know of them.

    Left out are those that any of the model folders `models` has heard; none with `all_clips`.
    Raises SerError where no clip is left, and where a table of a model folder is damaged.
    """
    heard, choosing, notes = set(), set(), []
    for model in models:
        known = heard_clips(model, corpus)
        if known is None:
            notes.append(f'which clips trained {model.name} is not known: a test figure only if none of these did')
        heard |= known or set()
        choosing |= _choosing_test_clips(model, corpus)
    clips = tuple(clip for clip in corpus.clips if all_clips or clip.name not in heard)
    counted = f'{len(heard)} of {len(corpus.clips)} clips'
    if not clips:
        raise SerError(
            f'all {len(corpus.clips)} clips of {corpus.name} trained the model or chose its checkpoint, so none is '
            'left for a test; give other clips, or --all-clips for figures that tell nothing of new ones'
        )
    if heard and all_clips:
        notes.append(f'{counted} trained the model or chose its checkpoint: not a test figure')
    elif heard:
        notes.append(f'{counted} trained the model or chose its checkpoint: left out')
    chose = sum(clip.name in choosing for clip in clips)
    if chose:
        notes.append(f'{chose} of the clips chose the checkpoint as test clips, as in the study: optimistic')
    return clips, notes


def heard_clips(model: Path, corpus: Corpus) -> set[str] | None:
    """Return the names of those clips of `corpus` that trained the model in the folder `model` or chose its checkpoint.

    A clip is known again by its path, or, should the data have moved, by file name, emotion and speaker; in
    doubt it counts as heard. None where the folder does not tell. Raises SerError where a table is damaged.
    """
    tables = [model / name for name in _MADE_IT if (model / name).is_file()]
    if tables:
        return set().union(*(_listed(table, corpus) for table in tables))
    report = read_run_report(model / REPORT)
    if report and report.protocol == 'full' and report.corpus == RAVDESS:
        return {clip.name for clip in corpus.clips if is_clip_name(clip.path.stem)}  # the embedded default has no table
    return None


def _choosing_test_clips(model: Path, corpus: Corpus) -> set[str]:
    table = model / _TESTED_IT
    report = read_run_report(model / REPORT)
    return _listed(table, corpus) if table.is_file() and report and report.selection == 'test' else set()


def _listed(table: Path, corpus: Corpus) -> set[str]:
    rows = _read_rows(table)
    paths, marks = {path for path, _ in rows}, {mark for _, mark in rows}
    return {
        clip.name
        for clip in corpus.clips
        if clip.path.resolve() in paths or _mark(clip.path, clip.emotion, clip.speaker) in marks
    }


def _read_rows(table: Path) -> list[tuple[Path, tuple[str, ...]]]:
    """Return path and mark of each clip in a table that write_table left."""
    rows = []
    try:
        with table.open(encoding='utf-8', newline='') as file:
            for row in csv.DictReader(file):
                path = Path(row['path'])
                if None in row.values():
                    raise ValueError(f'the row of {path} is too short')
                rows.append(((table.parent / path).resolve(), _mark(path, row['emotion'], row['speaker'])))
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise SerError(f'{table} is damaged ({error}), so the clips that it lists are not known; train again') from None
    return rows


def _mark(path: Path, emotion: str, speaker: int | str | None) -> tuple[str, ...]:
    """Return what tells a clip wherever its file lies; a name of RAVDESS's is enough."""
    if is_clip_name(path.stem):
        return (path.stem,)
    return path.stem, emotion, '' if speaker is None else str(speaker)
