# SPDX-License-Identifier: Apache-2.0
"""Runs the folds of a protocol: trains, measures, and moves a finished model folder into place at once."""

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from accelerate import PartialState

from ser_ros.errors import SerError
from ser_ros.places import check_can_be_made, is_taken, refuse_taken
from ser_ros.training.data.clip import Clip
from ser_ros.training.data.splits import Split
from ser_ros.training.finetuning.experiment import Experiment
from ser_ros.training.finetuning.finetune import Finetuned, finetune
from ser_ros.training.finetuning.finetuning_recipe import FinetuningRecipe, decisive_values
from ser_ros.training.finetuning.folds import sum_up
from ser_ros.training.finetuning.frozen import train_head
from ser_ros.training.finetuning.model_folder import make_folder, tell
from ser_ros.training.finetuning.probe_teacher import ProbeTeacher
from ser_ros.training.finetuning.shared_inputs import SharedInputs, load_shared_inputs
from ser_ros.training.learning.dataset import TrainingSet, ValidationSet
from ser_ros.training.learning.targets import Targets
from ser_ros.training.provenance.leakage import refuse_speech_that_was_heard, refuse_weights_that_heard
from ser_ros.training.reporting.run_report import RunReport, Trained, read_run_report
from ser_ros.training.storage.disk import full_disk_told, put_in_place, work_folder
from ser_ros.training.storage.json_files import REPORT
from ser_ros.training.storage.lock import held

_TRACKED = 'runs'
"""Folder into which transformers writes TensorBoard's files."""


def run_experiment(experiment: Experiment, splits: Sequence[Split]) -> list[RunReport]:
    """Train and measure every split; return their reports. Raises SerError.

    Once every fold of the protocol exists, made by any command, `summary.json` and `summary.md` are written.
    """
    _check_scores(experiment)
    refuse_speech_that_was_heard(
        experiment.held_out_speech, experiment.teaching.speech, experiment.recipe.network.checkpoint
    )
    reports = {split.fold: report for split in splits if (report := _finished(experiment, split))}
    pending = [split for split in splits if split.fold not in reports]
    for split in pending:
        for checkpoint in _weights(experiment):
            refuse_weights_that_heard(checkpoint, split, experiment.corpus)
    if pending:
        with _held(experiment, pending):
            reports |= _run_all(experiment, pending)
    if PartialState().is_main_process:
        if splits[0].folds > 1 and (missing := sum_up(experiment.out, splits[0].folds)):
            _say(missing)
        if experiment.supplement and not pending:
            tell(experiment.out, reports[splits[0].fold], experiment.supplement)
    return [reports[split.fold] for split in splits if split.fold in reports]


def check_outputs(experiment: Experiment, splits: Sequence[Split]) -> None:
    """Raise SerError unless the folder of each split can be made, or was made by the same experiment."""
    if PartialState().is_main_process:  # the others write nothing
        for split in splits:
            folder = _folder(experiment, split)
            if _finished(experiment, split) is None:
                check_can_be_made(folder, name=work_folder(folder).name)


@contextlib.contextmanager
def _held(experiment: Experiment, pending: Sequence[Split]) -> Iterator[None]:
    """Keep other runs from the folders of all `pending` splits, from the first to the last."""
    with contextlib.ExitStack() as holding:
        if PartialState().is_main_process:
            for split in pending:
                holding.enter_context(held(work_folder(_folder(experiment, split))))
                refuse_taken(_folder(experiment, split))  # by a run that has ended in the meantime
        yield


def _run_all(experiment: Experiment, pending: Sequence[Split]) -> dict[int, RunReport]:
    inputs = load_shared_inputs(experiment.recipe, experiment.corpus, experiment.teaching, experiment.held_out_speech)
    trainings = _Trainings(experiment, inputs)
    reports = {}
    for split in pending:
        _say(
            f'{experiment.recipe_name}, {split.name}: {len(split.train)} clips train, {len(split.validation)} choose '
            f'the checkpoint, {len(split.test)} test'
        )
        if report := _run(experiment, split, inputs, trainings):
            reports[split.fold] = report
    return reports


def _weights(experiment: Experiment) -> list[str]:
    """Return the checkpoints that all folds have in common."""
    recipe, teacher = experiment.recipe, experiment.teaching.teacher
    probed = [str(teacher)] if teacher and recipe.distillation.probe.layers else []
    return [recipe.network.checkpoint, *probed]


class _Trainings:
    """Trains the folds in turn; those that train on the same clips, as where corpora only test, share one training."""

    def __init__(self, experiment: Experiment, inputs: SharedInputs):
        self._experiment = experiment
        self._inputs = inputs
        self._clips: tuple[tuple[Clip, ...], ...] = ()
        self._trained: Finetuned | None = None

    def train(self, split: Split, work: Path) -> Finetuned:
        clips = (split.train, split.validation)
        if self._trained is None or clips != self._clips:
            self._trained, self._clips = _train(self._experiment, split, self._inputs, work), clips
        return self._trained


def _run(experiment: Experiment, split: Split, inputs: SharedInputs, trainings: _Trainings) -> RunReport | None:
    """Return the report; None in a process that does not see the disk of the one that wrote it."""
    folder = _folder(experiment, split)
    work = work_folder(folder)
    state = PartialState()
    with full_disk_told(work, 'make room, or choose another --out, and continue with --resume'):
        trained = trainings.train(split, work)
        if state.is_main_process:
            make_folder(experiment, split, inputs, trained, work / 'model')
            if (work / _TRACKED).is_dir():
                (work / _TRACKED).rename(work / 'model' / _TRACKED)
            put_in_place(work / 'model', folder)
            shutil.rmtree(work)
    state.wait_for_everyone()
    return read_run_report(folder / REPORT)


def _train(experiment: Experiment, split: Split, inputs: SharedInputs, work: Path) -> Finetuned:
    recipe = experiment.recipe
    if recipe.frozen_encoder.layers:
        recordings, corpus = inputs.recordings_of(split.train), experiment.corpus
        states, ordinary = inputs.frozen_states, inputs.other.ordinary
        return train_head(recipe, inputs.design, recordings, corpus.labels, corpus.known_labels, states, ordinary)
    training = TrainingSet(
        inputs.recordings_of(split.train),
        experiment.corpus.labels,
        inputs.features,
        inputs.masks,
        seed=recipe.seed,
        targets=_targets(experiment, split, inputs),
        other=inputs.other,
        known_labels=experiment.corpus.known_labels,
        balanced=recipe.balanced,
    )
    validation = None
    if split.validation:
        validation = ValidationSet(
            inputs.recordings_of(split.validation),
            experiment.corpus.labels,
            inputs.frontend,
            recipe.augmentation,
            known_labels=experiment.corpus.known_labels,
        )
    return finetune(
        recipe, inputs.design, training, validation, work, resume=experiment.resume, report_to=experiment.report_to
    )


def _targets(experiment: Experiment, split: Split, inputs: SharedInputs) -> Targets:
    recipe, corpus = experiment.recipe, experiment.corpus
    if inputs.teacher_states is None:
        return experiment.teaching.targets(split, corpus, recipe, inputs.features)
    teacher = ProbeTeacher(
        inputs.teacher_states,
        inputs.recordings_of(split.train),
        corpus.labels,
        corpus.known_labels,
        temperature=recipe.distillation.temperature,
    )
    return Targets(corpus.labels, teacher, recipe.distillation.weight)


def _finished(experiment: Experiment, split: Split) -> RunReport | None:
    folder = _folder(experiment, split)
    if not is_taken(folder):
        return None
    report = read_run_report(folder / REPORT) if experiment.resume else None
    if report is None:
        kept = not experiment.resume and (folder / REPORT).is_file()
        raise SerError(
            f'{folder} exists already and is never overwritten; choose another --out or remove it'
            + (' (or keep it with --resume)' if kept else '')
        )
    teaching = experiment.teaching.names()
    if not _agree(report, experiment.recipe) or {name: getattr(report, name) for name in teaching} != teaching:
        raise SerError(f'{folder} was made with other settings or another teacher; choose another --out or remove it')
    return report


def _check_scores(experiment: Experiment) -> None:
    scores = experiment.supplement.scores
    if scores is not None and not _agree(scores, experiment.recipe):
        raise SerError('--scores belongs to other settings than this recipe; give the summary of the same recipe')


def _agree(report: Trained, recipe: FinetuningRecipe) -> bool:
    """Return whether a report's figures belong to `recipe`."""
    decisive = decisive_values(recipe)
    return {key: report.settings.get(key) for key in decisive} == decisive


def _folder(experiment: Experiment, split: Split) -> Path:
    return experiment.out / f'fold-{split.fold}' if split.folds > 1 else experiment.out


def _say(line: str) -> None:
    if PartialState().is_main_process:
        print(line, flush=True)
