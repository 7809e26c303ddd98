# SPDX-License-Identifier: Apache-2.0
"""The command line of `train`."""

import argparse
import importlib.util
from pathlib import Path

from ser_ros.errors import SerError
from ser_ros.training.data.corpora.by_key import SCHEMES
from ser_ros.training.data.protocols import PROTOCOLS
from ser_ros.training.finetuning.finetuning_recipe import finetuning_recipe_names

ALL = 'all'
"""As a recipe: the four models of Gavali and Verma."""

FOLDERS = (
    '--data',
    '--train-only',
    '--test-only',
    '--out',
    '--scores',
    '--also',
    '--notes',
    '--teacher',
    '--taught-speech',
    '--ordinary-speech',
    '--outliers',
    '--inliers',
    '--held-out-speech',
)
"""Options whose values may be private paths."""

_EXAMPLES = """\
examples:
  ros2 run ser_ros train --recipe hubert-large --data RAVDESS
  ros2 run ser_ros train --recipe all --data Audio_Speech_Actors_01-24.zip
  ros2 run ser_ros train --recipe from-scratch --download --protocol speaker-independent
  ros2 run ser_ros train --recipe whisper-base-fast --model whisper-base --data RAVDESS --fold 1 2 --resume \\
      --protocol speaker-independent
  ros2 run ser_ros train --recipe from-scratch --data RAVDESS --set optimisation.epochs=5 seed=1
  ros2 run ser_ros train --data my.csv --model hubert-large-paper --out my-model
  ros2 run ser_ros train --recipe whisper-base-fast --data ravdess:RAVDESS nemo:NEMO emodb:EMO_DB \\
      --protocol leave-one-corpus-out --set balanced=true
  ros2 run ser_ros train --compare
  torchrun --standalone --nproc-per-node 2 -m ser_ros.cli.train --recipe xls-r-1b --data RAVDESS
  ros2 launch ser_ros ser.launch.py model:=my-model
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(
        prog='train',
        description='Fine-tune a speech encoder by a recipe, measure the model as the node runs it, and write\n'
        'a Hugging Face model folder. The recipes named after an encoder have the settings of Gavali and Verma,\n'
        '"Automatic Recognition of Emotions in Speech With Large Self-Supervised Learning Transformer Models",\n'
        'or, with -fast, settings that train faster.',
        epilog=_EXAMPLES,
        allow_abbrev=False,  # reports show the command, with its options in full
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = made.add_argument
    add(
        '--recipe',
        nargs='+',
        default=[],
        metavar='NAME',
        help=f'{", ".join(finetuning_recipe_names())}; {ALL}: the four of Gavali and Verma. Without it, the recipe of '
        '--model',
    )
    add(
        '--data',
        nargs='+',
        default=[],
        metavar='DATA',
        help='RAVDESS speech clips: a folder, nested as you like, or the official zip; a CSV table of your own with '
        'the columns path, emotion and, if known, speaker; or KEY:FOLDER for a published corpus, KEY being one of '
        f'{", ".join(SCHEMES)}. Several are read together',
    )
    add(
        '--train-only',
        nargs='+',
        default=[],
        metavar='DATA',
        help='more data, whose clips train in every fold and never test',
    )
    add(
        '--test-only',
        nargs='+',
        default=[],
        metavar='DATA',
        help='more data, whose clips never train: for leave-one-corpus-out, where their licence does not let them',
    )
    add(
        '--without',
        nargs='+',
        default=[],
        metavar='SPEAKER',
        help='people who neither train nor test, such as EMO-DB:03: for a demonstration on voices that it never heard',
    )
    add(
        '--download',
        action='store_true',
        help='instead of --data: download the official zip of RAVDESS (208 MB) once; continues an interrupted download',
    )
    add(
        '--labels',
        nargs='+',
        default=[],
        metavar='LABEL',
        help='the emotions of the table, in order; any other is an error',
    )
    add(
        '--protocol',
        default='paper',
        choices=PROTOCOLS,
        help='; '.join(f'{name}: {meaning}' for name, meaning in PROTOCOLS.items()) + ' (default: paper)',
    )
    add('--fold', type=int, nargs='+', metavar='K', help='only these folds, from 1 (default: all)')
    add('--validation', action='store_true', help='measure on the validation clips and leave the test clips unused')
    add('--select-on-test', action='store_true', help='choose the checkpoint on test clips, as Gavali and Verma did')
    add(
        '--model',
        metavar='MODEL',
        help='start from these weights: a folder, the name of a trained model, or a name on the Hugging Face Hub',
    )
    add(
        '--teacher',
        type=Path,
        metavar='FOLDER',
        help="for a recipe with distillation: a larger model that train made, or the folder of its folds' models; with "
        'distillation.probe an encoder, as for --model',
    )
    add(
        '--taught-speech',
        type=Path,
        nargs='+',
        default=[],
        metavar='FOLDER',
        help='for a recipe with other_speech: audio that the teacher labels',
    )
    add(
        '--ordinary-speech',
        type=Path,
        nargs='+',
        default=[],
        metavar='FOLDER',
        help='for a recipe with other_speech: speech without a particular emotion, which counts as neutral',
    )
    add(
        '--outliers',
        type=Path,
        nargs='+',
        default=[],
        metavar='FOLDER',
        help='for a recipe with other_speech: laughs, coughs and the like, which the model then tells from speech',
    )
    add(
        '--inliers',
        type=Path,
        nargs='+',
        default=[],
        metavar='FOLDER',
        help='for a recipe with other_speech: more speech, as single words, that it must not take for such sounds',
    )
    add('--out', type=Path, metavar='FOLDER', help='model folder (default: where the node finds it by name)')
    add('--set', nargs='+', action='extend', default=[], metavar='KEY=VALUE', help='change values of the recipe')
    add(
        '--scores',
        type=Path,
        metavar='FILE',
        help="with full: the folds' summary.json, whose figures the model card shows; with --resume also later",
    )
    add(
        '--also',
        type=Path,
        nargs='+',
        default=[],
        metavar='FILE',
        help='with full: report.json or summary.json of other recipes or protocols, whose figures the card also shows',
    )
    add('--notes', type=Path, metavar='FILE', help='with full: Markdown file with further measurements for the card')
    add(
        '--conditions',
        action='store_true',
        help='also measure the test clips next to a fan, in a room, over a telephone and 20 dB quieter',
    )
    add(
        '--held-out-speech',
        type=Path,
        nargs='+',
        default=[],
        metavar='FOLDER',
        help='speech of people who act no emotion, used nowhere in training, in a folder for each kind (plain speech, '
        'laughs, children, whispers): reports and card say how often it is called an emotion, and how confidently',
    )
    add('--resume', action='store_true', help='keep finished folds and continue an interrupted one')
    add(
        '--report-to',
        nargs='+',
        default=[],
        choices=('tensorboard', 'wandb'),
        help='also log there (`pip install tensorboard` or wandb)',
    )
    add('--push-to-hub', metavar='NAME', help='then upload the model folder to the Hugging Face Hub as NAME')
    add(
        '--compare',
        nargs='*',
        type=Path,
        metavar='FOLDER',
        help='only print Table III of Gavali and Verma with the figures of the models in these folders beside it',
    )
    return made


def check(options: argparse.Namespace) -> None:
    """Raise SerError for options that cannot be combined."""
    if bool(options.data) == options.download:
        raise SerError(
            'give either --data (the folder or zip of RAVDESS, a CSV table of your own, or KEY:FOLDER for a published '
            'corpus) or --download'
        )
    if not options.recipe and not options.model:
        raise SerError(f'--recipe is missing; give one of {", ".join(finetuning_recipe_names())}, or {ALL}')
    if (options.scores or options.also or options.notes) and options.protocol != 'full':
        name = '--scores' if options.scores else '--also' if options.also else '--notes'
        raise SerError(f'{name} is for --protocol full, whose model has no figures of its own; leave it out')
    for tracker in options.report_to:
        if importlib.util.find_spec(tracker) is None:
            raise SerError(f'--report-to {tracker} needs its package; `pip install {tracker}`, or leave it out')
    if options.push_to_hub and options.protocol not in ('paper', 'full'):
        raise SerError(f'--push-to-hub uploads one model, and {options.protocol} makes one for each fold; use full')
    if options.validation and options.select_on_test:
        raise SerError('--validation leaves the test clips unheard and --select-on-test uses them; choose one')
