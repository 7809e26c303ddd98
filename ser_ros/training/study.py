# SPDX-License-Identifier: Apache-2.0
"""Runs the folds of a protocol: trains, measures, and puts a finished model folder in its place at once."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from accelerate import PartialState

from ser_ros.errors import SerError
from ser_ros.training.bench import Bench, prepare
from ser_ros.training.data.clip import Clip
from ser_ros.training.data.corpus import Corpus
from ser_ros.training.data.recordings import Recording
from ser_ros.training.data.splits import Split
from ser_ros.training.data.table import write_table
from ser_ros.training.folds import ALL_FOLDS, keep_answers, sum_up
from ser_ros.training.learning.dataset import TrainingSet, ValidationSet
from ser_ros.training.learning.disk import is_taken, put_in_place, tells_of_a_full_disk
from ser_ros.training.learning.finetune import Finetuned, finetune, save_model
from ser_ros.training.learning.recipe import Recipe, decisive_values, plain_values
from ser_ros.training.measuring.calibration import fit_temperature, store_temperature
from ser_ros.training.measuring.card_file import TRAINED, put_part
from ser_ros.training.measuring.evaluation import evaluate
from ser_ros.training.measuring.files import REPORT, read_json, write_json
from ser_ros.training.measuring.held_out_speech import answers_to_speech
from ser_ros.training.measuring.model_card import model_card
from ser_ros.training.measuring.pictures import confusion_picture, curves_picture
from ser_ros.training.measuring.provenance import pretraining_of, trainings_of
from ser_ros.training.measuring.report import environment, run_markdown
from ser_ros.training.measuring.supplement import Supplement
from ser_ros.training.teaching import Teaching, refuse_heard, refuse_weights_that_heard

_TRACKED = 'runs'
"""Folder in which transformers leaves TensorBoard's files."""


@dataclass(frozen=True)
class Study:
    """What all folds of one command share.

    out: folder of the model, or, where the protocol has several folds, of a folder `fold-N` for each.
    command: how to repeat it, for the reports.
    supplement: what the card tells besides the run's own report.
    resume: keep finished folds, and go on with the one that was interrupted.
    selects_on_test: the test clips choose the checkpoint, as in the paper.
    report_to: trackers that transformers knows.
    teaching: what teaches besides the labels.
    conditions: measure the test clips in noise, in a room, over a telephone and softer too.
    held_out_speech: folders of people who act no emotion; what the model calls them is reported.
    """

    recipe_name: str
    recipe: Recipe
    corpus: Corpus
    out: Path
    command: str
    supplement: Supplement = Supplement()
    resume: bool = False
    selects_on_test: bool = False
    report_to: tuple[str, ...] = ()
    teaching: Teaching = Teaching()
    conditions: bool = False
    held_out_speech: tuple[Path, ...] = ()


def run_study(study: Study, splits: Sequence[Split]) -> list[dict]:
    """Train and measure every split; return their reports. Raises SerError.

    Once every fold of the protocol is there, whichever command made it, `summary.json` and `summary.md` are written.
    """
    _check_scores(study)
    refuse_heard(study.held_out_speech, study.teaching, study.recipe.network.checkpoint)
    reports = {split.fold: _finished(study, split) for split in splits}
    pending = [split for split in splits if reports[split.fold] is None]
    for split in pending:
        refuse_weights_that_heard(study.recipe.network.checkpoint, split, study.corpus)
    if pending:
        bench = prepare(study.recipe, study.corpus, study.teaching, study.held_out_speech)
    for split in pending:
        _say(
            f'{study.recipe_name}, {split.name}: {len(split.train)} clips train, {len(split.validation)} choose the '
            f'checkpoint, {len(split.test)} test'
        )
        reports[split.fold] = _run(study, split, bench)
    if PartialState().is_main_process:
        if splits[0].folds > 1:
            title = f'{study.recipe_name}, {splits[0].protocol}, all {splits[0].folds} folds'
            if missing := sum_up(study.out, splits[0].folds, title):
                _say(missing)
        if study.supplement:
            _take_over(study.supplement, study.out)
    return [reports[split.fold] for split in splits]


def _run(study: Study, split: Split, bench: Bench) -> dict:
    folder = _folder(study, split)
    work = folder.with_name(f'.{folder.name}.partial')
    state = PartialState()
    try:
        trained = _train(study, split, bench, work)
        if state.is_main_process:
            _measure(study, split, bench, trained, work / 'model')
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
    return read_json(folder / REPORT)


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


def _measure(study: Study, split: Split, bench: Bench, trained: Finetuned, model: Path) -> None:
    """Write everything that belongs into the model folder."""
    recipe = study.recipe
    save_model(trained.model, bench.design.feature_extractor, model, half_precision=recipe.half_precision_weights)
    parameters = trained.model.num_parameters()
    selection = 'test' if study.selects_on_test else 'validation' if split.validation else 'last'
    temperature = 1.0
    if selection == 'validation':
        temperature = _calibrate(model, bench.recordings_of(split.validation))
    evaluation = None
    if split.test:
        measured = evaluate(model, bench.recordings_of(split.test), conditions=study.conditions)
        evaluation = measured.as_dict()
        if selection == 'last':
            keep_answers(measured, model)
    minutes = trained.seconds / 60
    report = {
        'recipe': study.recipe_name,
        'corpus': study.corpus.name,
        'licence': study.corpus.licence,
        'protocol': split.protocol,
        'fold': split.fold,
        'folds': split.folds,
        'selection': selection,
        'train_clips': len(split.train),
        'validation_clips': 0 if study.selects_on_test else len(split.validation),
        'test_clips': len(split.test),
        'train_speakers': _speakers(split.train),
        'validation_speakers': [] if study.selects_on_test else _speakers(split.validation),
        'test_speakers': _speakers(split.test),
        'labels': list(study.corpus.labels),
        'initial_weights': bench.design.initial_weights,
        'pretraining': pretraining_of(recipe.network.checkpoint),
        'trained_before': trainings_of(recipe.network.checkpoint),
        **study.teaching.names(),
        'evaluation': evaluation,
        'held_out_speech': _held_out_speech(study, bench, model),
        'validation_accuracy': trained.validation_accuracy,
        'chosen_step': trained.chosen_step,
        'steps': trained.steps,
        'steps_per_second': round(trained.steps / trained.seconds, 3) if trained.seconds else None,
        'training_minutes': round(minutes, 2),
        'peak_gpu_memory_gib': trained.peak_gpu_memory_gib,
        'processes': PartialState().num_processes,
        'parameters': parameters,
        'model_megabytes': round(sum(path.stat().st_size for path in model.glob('*.safetensors')) / 1e6, 1),
        'temperature': temperature,
        'seed': recipe.seed,
        'settings': plain_values(recipe),
        'command': study.command,
        **environment(),
        'training_log': trained.log,
    }
    write_json(model / REPORT, report)
    (model / 'report.md').write_text(run_markdown(report), encoding='utf-8')
    title = f'{study.recipe_name}, {split.name}'
    curves_picture(trained.log, model / 'curves.png', title, chosen_step=trained.chosen_step)
    if evaluation:
        confusion_picture(study.corpus.labels, evaluation['whole_clip']['confusion'], model / 'confusion.png', title)
    tables = {'manifest': study.corpus.clips, 'train': split.train, 'test': split.test}
    if not study.selects_on_test:
        tables['validation'] = split.validation
    for name, clips in tables.items():
        if clips:
            write_table(model / f'{name}.csv', clips)
    _write_card(study.supplement, model)


def _held_out_speech(study: Study, bench: Bench, model: Path) -> dict | None:
    if not study.held_out_speech:
        return None
    return answers_to_speech(model, study.held_out_speech, bench.held_out_speech)


def _calibrate(model: Path, recordings: Sequence[Recording]) -> float:
    answers = evaluate(model, recordings).utterance_answers
    temperature = fit_temperature(answers.log_probabilities, answers.truth)
    store_temperature(model, temperature)
    return temperature


def _speakers(clips: Sequence[Clip]) -> list[int | str]:
    named = {clip.speaker for clip in clips if clip.speaker is not None}
    return sorted(named, key=lambda speaker: (isinstance(speaker, str), speaker))


def _finished(study: Study, split: Split) -> dict | None:
    folder = _folder(study, split)
    if not is_taken(folder):
        return None
    if not study.resume or not (folder / REPORT).is_file():
        raise SerError(
            f'{folder} is there already and is never overwritten; choose another --out or remove it'
            + (' (or keep it with --resume)' if (folder / REPORT).is_file() else '')
        )
    report = read_json(folder / REPORT)
    taught_by = {**Teaching().names(), **{key: report[key] for key in Teaching().names() if key in report}}
    if not _agree(report, study.recipe) or taught_by != study.teaching.names():
        raise SerError(f'{folder} was made with other settings or another teacher; choose another --out or remove it')
    return report


def _take_over(supplement: Supplement, model: Path) -> None:
    """Give the `model`, which has no test clips of its own, the figures of the folds, and their temperature."""
    report, scores = read_json(model / REPORT), supplement.scores
    if scores and report['selection'] == 'last' and 'temperature' in scores:
        report |= {'temperature': scores['temperature'], 'calibrated_on': ALL_FOLDS}
        store_temperature(model, report['temperature'])
        write_json(model / REPORT, report)
        (model / 'report.md').write_text(run_markdown(report), encoding='utf-8')
    _write_card(supplement, model)


def _write_card(supplement: Supplement, model: Path) -> None:
    put_part(model, TRAINED, model_card(read_json(model / REPORT), supplement))


def _check_scores(study: Study) -> None:
    scores = study.supplement.scores
    if scores is not None and not _agree(scores, study.recipe):
        raise SerError('--scores belongs to other settings than this recipe; give the summary of the same recipe')


def _agree(report: dict, recipe: Recipe) -> bool:
    """Return whether a report's figures belong to `recipe`."""
    decisive = decisive_values(recipe)
    return {key: report['settings'].get(key) for key in decisive} == decisive


def _folder(study: Study, split: Split) -> Path:
    return study.out / f'fold-{split.fold}' if split.folds > 1 else study.out


def _say(line: str) -> None:
    if PartialState().is_main_process:
        print(line, flush=True)
