# SPDX-License-Identifier: Apache-2.0
"""Turns the request of one `train` command into experiments, which are checked before the first is trained."""

import dataclasses
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from accelerate import PartialState

from ser_ros.errors import SerError
from ser_ros.places import check_can_be_made
from ser_ros.recognition.models import find_checkpoint, find_model, models_folder
from ser_ros.training.data.corpus import Corpus, read_corpora, without_people
from ser_ros.training.data.download import download_ravdess
from ser_ros.training.data.splits import Split, choose_on_test_clips, make_splits, measure_on_validation_clips
from ser_ros.training.finetuning.experiment import Experiment
from ser_ros.training.finetuning.finetuning_recipe import (
    FinetuningRecipe,
    load_finetuning_recipe,
    parse_finetuning_recipe,
)
from ser_ros.training.finetuning.needs import check_choice, check_labels, check_network, check_teaching
from ser_ros.training.finetuning.teaching import Teaching
from ser_ros.training.reporting.run_report import read_run_report
from ser_ros.training.reporting.supplement import Supplement
from ser_ros.training.storage.json_files import REPORT


@dataclass(frozen=True)
class TrainingRequest:
    """The request of one command; see Experiment for fields that are not described here.

    Attributes:
        recipes: Names; if empty, the recipe of `model`.
        model: The initial weights: a folder, the name of a trained model, or one on the Hugging Face Hub; None for
            those of the recipes.
        settings: Values of the recipes to change, such as 'optimisation.epochs=3'.
        data: See read_corpora; empty to download RAVDESS.
        train_only: The same, of corpora that never test.
        test_only: The same, of corpora that never train.
        without: Speakers who are left out; see without_people.
        labels: See read_corpora.
        protocol: One of PROTOCOLS.
        folds: Counted from 1; all if empty.
        tests_on_validation: Whether to measure on the validation clips and leave the test clips unused.
        out: Folder of the model or, with several recipes, of their folders; None for where the node finds models.
    """

    recipes: tuple[str, ...]
    model: str | None
    settings: tuple[str, ...]
    data: tuple[str, ...]
    train_only: tuple[str, ...]
    test_only: tuple[str, ...]
    without: tuple[str, ...]
    labels: tuple[str, ...]
    protocol: str
    folds: tuple[int, ...]
    tests_on_validation: bool
    selects_on_test: bool
    out: Path | None
    command: str
    supplement: Supplement
    teaching: Teaching
    resume: bool
    report_to: tuple[str, ...]
    conditions: bool
    held_out_speech: tuple[Path, ...]


@dataclass(frozen=True)
class Plan:
    """An experiment, and the splits of its corpus that are its folds."""

    experiment: Experiment
    splits: tuple[Split, ...]


def plan(request: TrainingRequest) -> list[Plan]:
    """Return a plan for each recipe. Prints the remarks on the corpora on stderr. Raises SerError."""
    recipes = _recipes(request)
    for recipe in recipes.values():
        check_teaching(recipe, request.teaching)
        check_choice(recipe, selects_on_test=request.selects_on_test)
        check_network(recipe)
    folders = _folders(request, tuple(recipes))
    if PartialState().is_main_process:  # the others write nothing
        for folder in folders.values():
            check_can_be_made(folder)
    with PartialState().main_process_first():  # the others find downloads and unpacked zips in the cache
        corpus = read_corpora(
            request.data or (str(download_ravdess()),),
            request.labels,
            train_only=request.train_only,
            test_only=request.test_only,
        )
    corpus = without_people(corpus, request.without)
    for recipe in recipes.values():
        check_labels(recipe, corpus)
    if PartialState().is_main_process:
        for remark in corpus.remarks:
            print(remark, file=sys.stderr)
    return [
        Plan(_experiment(request, name, recipe, corpus, folders[name]), _splits(request, recipe, corpus))
        for name, recipe in recipes.items()
    ]


def _recipes(request: TrainingRequest) -> dict[str, FinetuningRecipe]:
    """Return the recipes by name, with the changes of the command."""
    names, model, settings = request.recipes, request.model, request.settings
    if names:
        recipes = {name: load_finetuning_recipe(name, settings) for name in names}
        return {name: _begin_with(recipe, model) for name, recipe in recipes.items()} if model else recipes
    if not model:
        raise SerError('neither a recipe nor a model is given, so there is nothing to train; give one')
    name, recipe = _recipe_of(model, settings)
    return {name: recipe}


def _folders(request: TrainingRequest, names: Sequence[str]) -> dict[str, Path]:
    """Return the folder for the model of each recipe, or for its folds."""
    if request.out is None:
        return {name: models_folder() / f'{name}-{request.protocol}' for name in names}
    # Resolved, because unfinished work is kept beside it, and `.` has no neighbour.
    out = request.out.resolve()
    return {name: out / name if len(names) > 1 else out for name in names}


def _experiment(request: TrainingRequest, name: str, recipe: FinetuningRecipe, corpus: Corpus, out: Path) -> Experiment:
    return Experiment(
        recipe_name=name,
        recipe=recipe,
        corpus=corpus,
        out=out,
        command=request.command,
        supplement=request.supplement,
        resume=request.resume,
        selects_on_test=request.selects_on_test,
        report_to=request.report_to,
        teaching=request.teaching,
        conditions=request.conditions,
        held_out_speech=request.held_out_speech,
    )


def _splits(request: TrainingRequest, recipe: FinetuningRecipe, corpus: Corpus) -> tuple[Split, ...]:
    splits = make_splits(
        corpus.clips,
        request.protocol,
        validation_share=recipe.validation.share,
        seed=recipe.seed,
        train_only=corpus.train_only,
        test_only=corpus.test_only,
    )
    for fold in request.folds:
        if not 1 <= fold <= len(splits):
            raise SerError(f'--fold {fold} does not exist; {request.protocol} has the folds 1 to {len(splits)}')
    chosen = [split for split in splits if not request.folds or split.fold in request.folds]
    if request.tests_on_validation:
        chosen = [measure_on_validation_clips(split) for split in chosen]
    elif request.selects_on_test:
        chosen = [choose_on_test_clips(split) for split in chosen]
    return tuple(chosen)


def _recipe_of(model: str, settings: Sequence[str]) -> tuple[str, FinetuningRecipe]:
    """Return the recipe that a trained model was made with, to continue from its weights."""
    folder = find_model(model)
    report = read_run_report(folder / REPORT)
    if report is None:
        raise SerError(f'{folder} was not made by train, so its recipe is not known; give one with --recipe')
    recipe = parse_finetuning_recipe(json.dumps(report.settings), settings, source=f'{folder / REPORT}')
    return folder.name, _begin_with(recipe, model)


def _begin_with(recipe: FinetuningRecipe, model: str) -> FinetuningRecipe:
    """Return `recipe` with the weights of `model`; without a checkpoint before, its network.config is dropped."""
    config = recipe.network.config if recipe.network.checkpoint else {}
    network = dataclasses.replace(recipe.network, checkpoint=find_checkpoint(model), model_type='', config=config)
    return dataclasses.replace(recipe, network=network)
