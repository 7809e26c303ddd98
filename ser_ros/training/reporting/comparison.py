# SPDX-License-Identifier: Apache-2.0
"""Table III of Gavali and Verma beside the figures of our own runs."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ser_ros.errors import SerError
from ser_ros.places import files_below
from ser_ros.training.data.corpora.acted import RAVDESS
from ser_ros.training.data.protocols import fold_name
from ser_ros.training.reporting.markdown import megabytes, percent, table
from ser_ros.training.reporting.run_markdown import SELECTIONS
from ser_ros.training.reporting.run_report import RunReport, read_run_report
from ser_ros.training.reporting.summary import FoldFigures, Summary, read_summary
from ser_ros.training.storage.json_files import REPORT, SUMMARY


@dataclass(frozen=True)
class StudyFigures:
    """One row of Gavali and Verma's Table III, as it is printed there.

    They split 80:20 by emotion, with the same actors on both sides, and choose the checkpoint on the test clips.
    """

    steps: str
    accuracy: str
    run_time: str
    size: str


STUDY = {
    'wav2vec2-base': StudyFigures('1300', '84 %', '39 min', '380 MB'),
    'xls-r-300m': StudyFigures('800', '85 %', '21:40', '1.27 GB'),
    'xls-r-1b': StudyFigures('500', '82 %', '25:40', '3.86 GB'),
    'hubert-large': StudyFigures('600', '88 %', '16:34', '1.27 GB'),
}
"""Recipe -> row of Table III."""

STUDY_RECIPES = tuple(STUDY)

_NONE = '-'
_NOT_IN_STUDY = StudyFigures(_NONE, _NONE, _NONE, _NONE)
_FAST = '-fast'

_HEADER = (
    'model',
    'steps (study)',
    'steps (ours)',
    'accuracy (study)',
    'accuracy (ours)',
    'run time (study)',
    'run time (ours)',
    'size (study)',
    'size (ours)',
    'protocol and choice of the checkpoint (ours)',
)

_NOTES = (
    (
        'Study: Gavali and Verma, "Automatic Recognition of Emotions in Speech With Large Self-Supervised Learning '
        'Transformer Models", Table III; protocol paper (the same actors train and test), checkpoints chosen on the '
        'test clips, on another machine.'
    ),
    (
        "Ours: whole clips, one at a time; steps are the one taken and all; run time is the training's (min:s), with "
        'several folds the mean of a fold.'
    ),
)


def compare(folders: Iterable[Path]) -> list[str]:
    """Return a Markdown table of Gavali and Verma's figures and of all runs of `train` below `folders`, with notes.

    Folds are one row once their summary exists.

    Raises:
        SerError: A folder is missing, or a report is damaged.
    """
    found = [_read(path) for folder in folders for path in _report_paths(folder)]
    reports = [report for report in found if report is not None]
    ours = sorted(reports, key=lambda report: (_architecture(report), report.recipe, report.protocol, _fold(report)))
    rows = []
    for name in STUDY:
        rows += [_row(report) for report in ours if _architecture(report) == name] or [_study_row(name)]
    rows += [_row(report) for report in ours if _architecture(report) not in STUDY]
    return [*table(_HEADER, rows), '', *_NOTES]


def _report_paths(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise SerError(f'{folder} is not a folder; give one below which `train` left its reports')
    files = files_below(folder)
    summaries = [path for path in files if path.name == SUMMARY]
    summed_up = {path.parent for path in summaries}
    runs = [path for path in files if path.name == REPORT and path.parent.parent not in summed_up]
    return [path for path in summaries + runs if not _is_unfinished(path.relative_to(folder))]


def _is_unfinished(path: Path) -> bool:
    return any(part.startswith('.') for part in path.parts)


def _read(path: Path) -> RunReport | Summary | None:
    return read_summary(path) if path.name == SUMMARY else read_run_report(path)


def _architecture(report: RunReport | Summary) -> str:
    return report.recipe.removesuffix(_FAST)


def _fold(report: RunReport | Summary) -> int:
    return 0 if isinstance(report, Summary) else report.fold


def _study_row(name: str) -> list[str]:
    study = STUDY[name]
    return [name, study.steps, _NONE, study.accuracy, _NONE, study.run_time, _NONE, study.size, _NONE, 'not trained']


def _row(report: RunReport | Summary) -> list[str]:
    study = STUDY.get(_architecture(report), _NOT_IN_STUDY)
    return [
        report.recipe + (' (random initial weights)' if report.is_random else ''),
        study.steps,
        _steps(report),
        study.accuracy,
        _accuracy(report),
        study.run_time,
        _run_time(report),
        study.size,
        megabytes(report.model_megabytes),
        _protocol(report),
    ]


def _folds(report: RunReport | Summary) -> Sequence[RunReport | FoldFigures]:
    return report.per_fold if isinstance(report, Summary) else [report]


def _steps(report: RunReport | Summary) -> str:
    folds = _folds(report)
    taken = round(statistics.mean(fold.chosen_step for fold in folds))
    return f'{taken} of {round(statistics.mean(fold.steps for fold in folds))}'


def _accuracy(report: RunReport | Summary) -> str:
    if isinstance(report, Summary):
        mean, deviation = (percent(over.whole_clip.accuracy) for over in (report.mean, report.deviation))
        return f'{mean} ± {deviation}'
    return percent(report.evaluation.whole_clip.accuracy) if report.evaluation else 'not measured'


def _run_time(report: RunReport | Summary) -> str:
    seconds = round(statistics.mean(fold.training_minutes for fold in _folds(report)) * 60)
    return f'{seconds // 60}:{seconds % 60:02d}'


def _protocol(report: RunReport | Summary) -> str:
    if isinstance(report, Summary):
        protocol = f'{report.protocol}, mean of {report.folds} folds'
    else:
        protocol = fold_name(report.protocol, report.fold, report.folds)
    if report.corpus != RAVDESS.name:
        protocol = f'{report.corpus}, {protocol}'
    weights = '' if report.is_random else f', from {report.initial_weights}'
    return f'{protocol}; {SELECTIONS[report.selection].brief}{weights}'
