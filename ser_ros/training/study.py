# SPDX-License-Identifier: Apache-2.0
"""Runs the folds of a protocol: trains, measures, and puts a finished model folder in its place at once."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from accelerate import PartialState

from ser_ros.errors import SerError
from ser_ros.training.bench import Bench, prepare
from ser_ros.training.data.splits import Split
from ser_ros.training.folds import sum_up
from ser_ros.training.learning.dataset import TrainingSet, ValidationSet
from ser_ros.training.learning.finetune import Finetuned, finetune
from ser_ros.training.learning.recipe import Recipe, decisive_values
from ser_ros.training.measurement import make_folder, tell
from ser_ros.training.plan import Study
from ser_ros.training.provenance.leakage import refuse_speech_that_was_heard, refuse_weights_that_heard
from ser_ros.training.reporting.run_report import RunReport, Trained, read_run_report
from ser_ros.training.storage.disk import is_taken, put_in_place, tells_of_a_full_disk
from ser_ros.training.storage.json_files import REPORT

_TRACKED = 'runs'
"""Folder in which transformers leaves TensorBoard's files."""


def run_study(study: Study, splits: Sequence[Split]) -> list[RunReport]:
    """Train and measure every split; return their reports. Raises SerError.

    Once every fold of the protocol is there, whichever command made it, `summary.json` and `summary.md` are written.
    """
    _check_scores(study)
    refuse_speech_that_was_heard(study.held_out_speech, study.teaching.speech, study.recipe.network.checkpoint)
    reports = {split.fold: report for split in splits if (report := _finished(study, split))}
    pending = [split for split in splits if split.fold not in reports]
    for split in pending:
        refuse_weights_that_heard(study.recipe.network.checkpoint, split, study.corpus)
    if pending:
        bench = prepare(study.recipe, study.corpus, study.teaching, study.held_out_speech)
    for split in pending:
        _say(
            f'{study.recipe_name}, {split.name}: {len(split.train)} clips train, {len(split.validation)} choose the '
            f'checkpoint, {len(split.test)} test'
        )
        if report := _run(study, split, bench):
            reports[split.fold] = report
    if PartialState().is_main_process:
        if splits[0].folds > 1 and (missing := sum_up(study.out, splits[0].folds)):
            _say(missing)
        if study.supplement and not pending:
            tell(study.out, reports[splits[0].fold], study.supplement)
    return [reports[split.fold] for split in splits if split.fold in reports]


def _run(study: Study, split: Split, bench: Bench) -> RunReport | None:
    """Return the report; None in a process that does not see the disk of the one that wrote it."""
    folder = _folder(study, split)
    work = folder.with_name(f'.{folder.name}.partial')
    state = PartialState()
    try:
        trained = _train(study, split, bench, work)
        if state.is_main_process:
            make_folder(study, split, bench, trained, work / 'model')
            if (work / _TRACKED).is_dir():
                (work / _TRACKED).rename(work / 'model' / _TRACKED)
            put_in_place(work / 'model', folder)
            shutil.rmtree(work)
    except Exception as error:
        if tells_of_a_full_disk(error):
            raise SerError(
                f'the disk of {work} is full; make room, or choose another --out, and go on with --resume'
            ) from None
        raise
    state.wait_for_everyone()
    return read_run_report(folder / REPORT)


def _train(study: Study, split: Split, bench: Bench, work: Path) -> Finetuned:
    recipe = study.recipe
    training = TrainingSet(
        bench.recordings_of(split.train),
        study.corpus.labels,
        bench.features,
        bench.masks,
        seed=recipe.seed,
        targets=study.teaching.targets(split, study.corpus, recipe, bench.features),
        other=bench.other,
    )
    validation = None
    if split.validation:
        validation = ValidationSet(
            bench.recordings_of(split.validation), study.corpus.labels, bench.frontend, recipe.augmentation
        )
    return finetune(recipe, bench.design, training, validation, work, resume=study.resume, report_to=study.report_to)


def _finished(study: Study, split: Split) -> RunReport | None:
    folder = _folder(study, split)
    if not is_taken(folder):
        return None
    report = read_run_report(folder / REPORT) if study.resume else None
    if report is None:
        kept = not study.resume and (folder / REPORT).is_file()
        raise SerError(
            f'{folder} is there already and is never overwritten; choose another --out or remove it'
            + (' (or keep it with --resume)' if kept else '')
        )
    teaching = study.teaching.names()
    if not _agree(report, study.recipe) or {name: getattr(report, name) for name in teaching} != teaching:
        raise SerError(f'{folder} was made with other settings or another teacher; choose another --out or remove it')
    return report


def _check_scores(study: Study) -> None:
    scores = study.supplement.scores
    if scores is not None and not _agree(scores, study.recipe):
        raise SerError('--scores belongs to other settings than this recipe; give the summary of the same recipe')


def _agree(report: Trained, recipe: Recipe) -> bool:
    """Return whether a report's figures belong to `recipe`."""
    decisive = decisive_values(recipe)
    return {key: report.settings.get(key) for key in decisive} == decisive


def _folder(study: Study, split: Split) -> Path:
    return study.out / f'fold-{split.fold}' if split.folds > 1 else study.out


def _say(line: str) -> None:
    if PartialState().is_main_process:
        print(line, flush=True)
