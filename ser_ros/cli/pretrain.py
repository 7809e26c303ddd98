# SPDX-License-Identifier: Apache-2.0
"""`ros2 run ser_ros pretrain`: makes an encoder from unlabelled speech, which `train --model` can begin with."""

import argparse
import dataclasses
import sys
from pathlib import Path

import transformers

from ser_ros.cli.repeatable import repeatable
from ser_ros.cli.sentences import ends_in_a_sentence
from ser_ros.errors import SerError
from ser_ros.recognition.models import find_checkpoint, models_folder
from ser_ros.training.learning.recipe import Network
from ser_ros.training.pretraining.encoder_folder import Pretraining, make_encoder
from ser_ros.training.pretraining.recipe_file import load_pretraining_recipe, pretraining_recipe_names
from ser_ros.training.pretraining.speech import find_pieces, hours
from ser_ros.training.pretraining.teacher import Teacher

_EXAMPLES = """\
examples:
  ros2 run ser_ros pretrain --speech SPEECH_FOLDER MORE_SPEECH --teacher openai/whisper-base
  ros2 run ser_ros pretrain --speech SPEECH_FOLDER --recipe masked-prediction --out my-encoder
  ros2 run ser_ros pretrain --speech SPEECH_FOLDER --teacher whisper-base --resume
  ros2 run ser_ros pretrain --speech SPEECH_FOLDER --teacher my-hubert --set distillation.layers=[6,9]
  ros2 run ser_ros pretrain --speech MY_LANGUAGE --teacher whisper-base --model default-encoder --out my-encoder
  ros2 run ser_ros train --recipe own-encoder --model default-encoder --data RAVDESS
"""


@ends_in_a_sentence
def main(args: list[str] | None = None) -> int:
    """Pretrain what is asked for and tell where the encoder is."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()  # the Trainer's own bar stays
    parser = _parser()
    args = sys.argv[1:] if args is None else args
    options = parser.parse_args(args)
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
        out=options.out or models_folder() / f'{options.recipe}-encoder',
        command=repeatable(args, parser, folders=('--speech', '--out'), models=('--teacher', '--model')),
        resume=options.resume,
    )
    pieces = find_pieces(options.speech, recipe.pieces)
    print(f'{hours(pieces):.1f} hours of speech in {len(pieces)} pieces', flush=True)
    teacher = None
    if options.teacher:
        teacher = Teacher(options.teacher, recipe.distillation.layers, longest=recipe.pieces.longest)
    report = make_encoder(run, pieces, teacher)
    print(f'{report["parameters"] / 1e6:.2f} million parameters, in {run.out}')
    print(f'ros2 run ser_ros train --recipe own-encoder --model {run.out} --data RAVDESS')
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='pretrain',
        description='Train a small speech encoder on folders of unlabelled audio: masked prediction, distillation from '
        'a larger encoder, or both.',
        epilog=_EXAMPLES,
        allow_abbrev=False,  # reports show the command, and must know each option
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add('--speech', type=Path, nargs='+', required=True, metavar='FOLDER', help='folders of audio, nested as you like')
    add('--teacher', metavar='MODEL', help='a speech encoder: a folder, or a name on the Hugging Face Hub')
    add('--model', metavar='MODEL', help='go on from this encoder: a folder, or a name on the Hugging Face Hub')
    add(
        '--recipe',
        default='default',
        metavar='NAME',
        help=f'{", ".join(pretraining_recipe_names())} (default: default)',
    )
    add(
        '--out', type=Path, metavar='FOLDER', help='encoder folder; where `train --model` finds it by name if not given'
    )
    add('--set', nargs='+', action='extend', default=[], metavar='KEY=VALUE', help='change values of the recipe')
    add('--resume', action='store_true', help='go on with an interrupted run')
    return parser


if __name__ == '__main__':
    sys.exit(main())
