# SPDX-License-Identifier: Apache-2.0
"""What `train` does once its command line is read and its packages are there."""

import argparse
import dataclasses
import importlib.util
import json
import sys

import transformers
from accelerate import PartialState

from ser_ros.cli.train_options import ALL
from ser_ros.errors import SerError
from ser_ros.recognition.models import find_checkpoint, find_model, models_folder
from ser_ros.training.data.corpus import Corpus, read_corpus
from ser_ros.training.data.download import download_ravdess
from ser_ros.training.data.ravdess import incomplete_speakers
from ser_ros.training.data.splits import (
    Split,
    choose_on_test_clips,
    make_splits,
    measure_on_validation_clips,
)
from ser_ros.training.evaluation.measures import HEARINGS
from ser_ros.training.finetuning.experiment import Experiment
from ser_ros.training.finetuning.finetuning_recipe import (
    FinetuningRecipe,
    finetuning_recipe_names,
    load_finetuning_recipe,
    parse_finetuning_recipe,
)
from ser_ros.training.finetuning.run import run_experiment
from ser_ros.training.finetuning.teaching import Teaching
from ser_ros.training.reporting.comparison import STUDY_RECIPES, compare
from ser_ros.training.reporting.markdown import percent
from ser_ros.training.reporting.run_report import RunReport, read_run_report
from ser_ros.training.reporting.supplement import read_supplement
from ser_ros.training.storage.json_files import REPORT
from ser_ros.training.storage.upload import check_account, push


def run(options: argparse.Namespace, command: str) -> int:
    """Train and measure what `options` ask for; print the figures. `command` is what reports show."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()  # the Trainer's own bar stays
    if options.compare is not None:
        print('\n'.join(compare(options.compare or [models_folder()])))
        return 0
    _check(options)
    recipes = _recipes(options)
    with PartialState().main_process_first():  # the others find in the cache what the first has fetched and unpacked
        corpus = read_corpus(download_ravdess() if options.download else options.data, options.labels)
    for recipe in recipes.values():
        _check_what_it_needs(recipe, options)
    studies = [_study(options, name, recipe, corpus, command) for name, recipe in recipes.items()]
    plans = [(study, _splits(options, study)) for study in studies]  # all are checked before the first is trained
    for study, splits in plans:
        _train(study, splits, options)
    if len(plans) > 1 and PartialState().is_main_process:
        print('\n'.join(compare([study.out for study in studies])))
    return 0


def _train(study: Experiment, splits: list[Split], options: argparse.Namespace) -> None:
    reports = run_experiment(study, splits)
    if not PartialState().is_main_process:
        return
    for split, report in zip(splits, reports, strict=True):
        print(_result_line(split, report))
    print(f'in {study.out}')
    if study.out.parent == models_folder():
        print(f'ros2 launch ser_ros ser.launch.py model:={study.out.name}' + ('/fold-1' if splits[0].folds > 1 else ''))
    if options.push_to_hub:
        print(f'pushed to {push(study.out, options.push_to_hub)}')


def _check(options: argparse.Namespace) -> None:
    if (options.data is None) != options.download:
        raise SerError('give either --data (the folder or zip of RAVDESS, or a CSV table of your own) or --download')
    if not options.recipe and not options.model:
        raise SerError(f'--recipe is missing; give one of {", ".join(finetuning_recipe_names())}, or {ALL}')
    if (options.scores or options.also or options.notes) and options.protocol != 'full':
        name = '--scores' if options.scores else '--also' if options.also else '--notes'
        raise SerError(f'{name} is for --protocol full, whose model has no figures of its own; leave it out')
    for tracker in options.report_to:
        if importlib.util.find_spec(tracker) is None:
            raise SerError(f'--report-to {tracker} needs its package; `pip install {tracker}`, or leave it out')
    if options.push_to_hub:
        if options.protocol not in ('paper', 'full'):
            raise SerError(f'--push-to-hub uploads one model, and {options.protocol} makes one for each fold; use full')
        check_account()
    if options.validation and options.select_on_test:
        raise SerError('--validation leaves the test clips unheard and --select-on-test uses them; choose one')


def _check_what_it_needs(recipe: FinetuningRecipe, options: argparse.Namespace) -> None:
    """Refuse a recipe that lacks something, and something that the recipe has no use for."""
    other = recipe.other_speech
    for option, given, wanted, key in (
        (
            '--teacher',
            options.teacher,
            other.taught or recipe.distillation.weight,
            'distillation.weight and other_speech.taught',
        ),
        ('--taught-speech', options.taught_speech, other.taught, 'other_speech.taught'),
        ('--ordinary-speech', options.ordinary_speech, other.ordinary, 'other_speech.ordinary'),
    ):
        if wanted and not given:
            raise SerError(f'the recipe wants {option}; give it, or set the values of {key} to 0')
        if given and not wanted:
            raise SerError(f'the recipe has no use for {option}; leave it out, or give the values of {key} with --set')


def _recipes(options: argparse.Namespace) -> dict[str, FinetuningRecipe]:
    """Return the recipes that are asked for, by name, with what the command line changes."""
    if not options.recipe:
        name, recipe = _recipe_of(options.model, options.set)
        return {name: recipe}
    names = [name for asked in options.recipe for name in (STUDY_RECIPES if asked == ALL else (asked,))]
    if len(set(names)) < len(names):
        raise SerError('--recipe names a recipe twice; give each once')
    if len(names) > 1 and options.model:
        raise SerError('--model is for one recipe; give one, or set the checkpoints in the recipes')
    if len(names) > 1 and options.push_to_hub:
        raise SerError('--push-to-hub is for one recipe; give one')
    recipes = {name: load_finetuning_recipe(name, options.set) for name in names}
    if not options.model:
        return recipes
    return {name: _begin_with(recipe, options.model) for name, recipe in recipes.items()}


def _recipe_of(model: str, settings: list[str]) -> tuple[str, FinetuningRecipe]:
    """Return the recipe that a trained model was made with, to go on from its weights."""
    folder = find_model(model)
    report = read_run_report(folder / REPORT)
    if report is None:
        raise SerError(f'{folder} was not made by train, so its recipe is not known; give one with --recipe')
    recipe = parse_finetuning_recipe(json.dumps(report.settings), settings, source=f'{folder / REPORT}')
    return folder.name, _begin_with(recipe, model)


def _begin_with(recipe: FinetuningRecipe, model: str) -> FinetuningRecipe:
    """Return `recipe` with the weights of `model`; a network that it would have made itself is taken as it is."""
    config = recipe.network.config if recipe.network.checkpoint else {}
    network = dataclasses.replace(recipe.network, checkpoint=find_checkpoint(model), model_type='', config=config)
    return dataclasses.replace(recipe, network=network)


def _study(
    options: argparse.Namespace, name: str, recipe: FinetuningRecipe, corpus: Corpus, command: str
) -> Experiment:
    # Resolved, for its neighbour holds what is not done yet, and `.` has none.
    out = options.out.resolve() if options.out else models_folder() / f'{name}-{options.protocol}'
    several = len(options.recipe) > 1 or options.recipe == [ALL]
    return Experiment(
        recipe_name=name,
        recipe=recipe,
        corpus=corpus,
        out=out / name if options.out and several else out,
        command=command,
        supplement=read_supplement(options.scores, options.also, options.notes),
        resume=options.resume,
        selects_on_test=options.select_on_test,
        report_to=tuple(options.report_to),
        teaching=Teaching(options.teacher, tuple(options.taught_speech), tuple(options.ordinary_speech)),
        conditions=options.conditions,
        held_out_speech=tuple(options.held_out_speech),
    )


def _splits(options: argparse.Namespace, study: Experiment) -> list[Split]:
    for line in incomplete_speakers(study.corpus.clips):
        print(line, file=sys.stderr)
    share = study.recipe.validation.share
    splits = make_splits(study.corpus.clips, options.protocol, validation_share=share, seed=study.recipe.seed)
    splits = _choose(splits, options.fold)
    if options.validation:
        return [measure_on_validation_clips(split) for split in splits]
    if options.select_on_test:
        return [choose_on_test_clips(split) for split in splits]
    return splits


def _choose(splits: list[Split], folds: list[int] | None) -> list[Split]:
    for fold in folds or []:
        if not 1 <= fold <= len(splits):
            raise SerError(f'--fold {fold} is not there; {splits[0].protocol} has the folds 1 to {len(splits)}')
    return [split for split in splits if not folds or split.fold in folds]


def _result_line(split: Split, report: RunReport) -> str:
    if not report.evaluation:
        return f'{split.name}: trained in {report.training_minutes:.1f} minutes, not measured'
    figures = ', '.join(
        f'{heading} {percent(getattr(report.evaluation, hearing).accuracy)}' for hearing, heading in HEARINGS.items()
    )
    return f'{split.name}: accuracy on {figures}'
