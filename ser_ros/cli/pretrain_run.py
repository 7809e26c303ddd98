# SPDX-License-Identifier: Apache-2.0
"""What `pretrain` does once its command line is read and its packages are there."""

import argparse
import dataclasses

import transformers

from ser_ros.errors import SerError
from ser_ros.recognition.models import find_checkpoint, models_folder
from ser_ros.training.learning.recipe import Network
from ser_ros.training.pretraining.encoder_folder import Pretraining, make_encoder
from ser_ros.training.pretraining.pretraining_recipe import load_pretraining_recipe
from ser_ros.training.pretraining.speech import find_pieces, hours
from ser_ros.training.pretraining.teacher_encoder import TeacherEncoder


def run(options: argparse.Namespace, command: str) -> int:
    """Make the encoder that `options` ask for and tell where it is. `command` is what its report shows."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()  # the Trainer's own bar stays
    recipe = load_pretraining_recipe(options.recipe, options.set)
    if options.model:
        recipe = dataclasses.replace(recipe, network=Network(checkpoint=find_checkpoint(options.model)))
    if not recipe.distillation.weight and not recipe.masked_prediction.weight:
        raise SerError('the recipe learns nothing; give distillation.weight or masked_prediction.weight a value')
    if recipe.distillation.weight and not options.teacher:
        raise SerError('the recipe wants --teacher (a speech encoder); give it, or set distillation.weight to 0')
    if options.teacher and not recipe.distillation.weight:
        raise SerError('the recipe has no use for --teacher; leave it out, or give distillation.weight a value')
    if recipe.masked_prediction.weight and not recipe.masking.share:
        raise SerError('masked prediction needs something that is hidden; give masking.share a value')
    strength = recipe.distillation.whitening
    if not 0.0 <= strength <= 1.0:
        raise SerError(f'distillation.whitening is {strength:g}; give 0 (not at all) to 1 (all directions vary alike)')
    run = Pretraining(
        recipe_name=options.recipe,
        recipe=recipe,
        speech=tuple(options.speech),
        out=options.out.resolve() if options.out else models_folder() / f'{options.recipe}-encoder',
        command=command,
        resume=options.resume,
    )
    pieces = find_pieces(options.speech, recipe.pieces)
    print(f'{hours(pieces):.1f} hours of speech in {len(pieces)} pieces', flush=True)
    teacher = None
    if options.teacher:
        teacher = TeacherEncoder(options.teacher, recipe.distillation.layers, longest=recipe.pieces.longest)
    report = make_encoder(run, pieces, teacher)
    print(f'{report.parameters / 1e6:.2f} million parameters, in {run.out}')
    print(f'ros2 run ser_ros train --recipe own-encoder --model {run.out} --data RAVDESS')
    return 0
