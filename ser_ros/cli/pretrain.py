# SPDX-License-Identifier: Apache-2.0
"""`ros2 run ser_ros pretrain`: makes an encoder from unlabelled speech, from which `train --model` can start."""

import argparse
import dataclasses
import sys
from pathlib import Path

from ser_ros.cli.sentences import ends_in_a_sentence
from ser_ros.cli.signals import loading

with loading():
    from ser_ros.cli.repeatable import repeatable
    from ser_ros.extras import require_extra
    from ser_ros.recognition.models import find_checkpoint, models_folder
    from ser_ros.training.learning.recipe import Network
    from ser_ros.training.pretraining.pretraining_recipe import (
        check_needs,
        load_pretraining_recipe,
        pretraining_recipe_names,
    )

_EXAMPLES = """\
examples:
  ros2 run ser_ros pretrain --speech SPEECH_FOLDER MORE_SPEECH --teacher openai/whisper-base
  ros2 run ser_ros pretrain --speech SPEECH_FOLDER --recipe masked-prediction --out my-encoder
  ros2 run ser_ros pretrain --speech SPEECH_FOLDER --teacher whisper-base --resume
  ros2 run ser_ros pretrain --speech SPEECH_FOLDER --teacher my-hubert --set distillation.layers=[6,9]
  ros2 run ser_ros pretrain --speech MY_LANGUAGE --teacher whisper-base --model conformer-encoder --out my-encoder
  ros2 run ser_ros train --recipe own-encoder --model conformer-encoder --data RAVDESS
  ros2 run ser_ros pretrain --recipe whisper-base-lower --speech SPEECH_FOLDER --teacher openai/whisper-base
  ros2 run ser_ros train --recipe default --model whisper-base-lower-encoder --data RAVDESS nemo:NEMO
"""


@ends_in_a_sentence
def main(args: list[str] | None = None) -> int:
    """Pretrain an encoder and print where it is."""
    args = sys.argv[1:] if args is None else args
    parser = _parser()
    options = parser.parse_args(args)
    require_extra('train', 'pretrain')
    _pretrain(options, repeatable(args, parser, folders=('--speech', '--out'), models=('--teacher', '--model')))
    return 0


def _pretrain(options: argparse.Namespace, command: str) -> None:
    # Imported late: they need packages that a robot does not have.
    with loading():
        from ser_ros.training.learning.processes import join_processes
        from ser_ros.training.learning.quiet import quiet_transformers
        from ser_ros.training.pretraining.encoder_folder import Pretraining, check_output, make_encoder
        from ser_ros.training.pretraining.speech import find_pieces, hours
        from ser_ros.training.pretraining.teacher_encoder import TeacherEncoder
        from ser_ros.training.storage.pretrained import read_config

    quiet_transformers()
    join_processes()
    recipe = load_pretraining_recipe(options.recipe, options.set)
    if options.model:
        # What a recipe makes of a checkpoint it makes of another; an encoder that is to be continued stays as it is.
        network = recipe.network if recipe.network.checkpoint else Network()
        network = dataclasses.replace(network, checkpoint=find_checkpoint(options.model))
        recipe = dataclasses.replace(recipe, network=network)
    check_needs(recipe, has_teacher=bool(options.teacher))
    run = Pretraining(
        recipe_name=options.recipe,
        recipe=recipe,
        speech=tuple(options.speech),
        out=options.out.resolve() if options.out else models_folder() / f'{options.recipe}-encoder',
        command=command,
        resume=options.resume,
    )
    check_output(run)
    pieces = find_pieces(options.speech, recipe.pieces)
    print(f'{hours(pieces):.1f} hours of speech in {len(pieces)} pieces', flush=True)
    teacher = None
    if options.teacher:
        teacher = TeacherEncoder(options.teacher, recipe.distillation.layers, longest=recipe.pieces.longest)
    report = make_encoder(run, pieces, teacher)
    print(f'{report.parameters / 1e6:.2f} million parameters, in {run.out}')
    fits = 'default' if read_config(str(run.out)).model_type == 'whisper' else 'own-encoder'
    print(f'ros2 run ser_ros train --recipe {fits} --model {run.out} --data RAVDESS')


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='pretrain',
        description='Train a small speech encoder on folders of unlabelled audio: masked prediction, distillation from '
        'a larger encoder, or both.',
        epilog=_EXAMPLES,
        allow_abbrev=False,  # reports show the command, with its options in full
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add('--speech', type=Path, nargs='+', required=True, metavar='FOLDER', help='folders of audio, with subfolders')
    add('--teacher', metavar='MODEL', help='speech encoder to learn from: a folder, or a name on the Hugging Face Hub')
    add('--model', metavar='MODEL', help='continue from this encoder: a folder, or a name on the Hugging Face Hub')
    add(
        '--recipe',
        default='conformer',
        metavar='NAME',
        help=f'{", ".join(pretraining_recipe_names())} (default: conformer)',
    )
    add('--out', type=Path, metavar='FOLDER', help='encoder folder (default: where `train --model` finds it by name)')
    add('--set', nargs='+', action='extend', default=[], metavar='KEY=VALUE', help='change values of the recipe')
    add('--resume', action='store_true', help='continue an interrupted run')
    return parser


if __name__ == '__main__':
    sys.exit(main())
