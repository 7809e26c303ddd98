# SPDX-License-Identifier: Apache-2.0
"""`ros2 run ser_ros train`: trains a recipe on RAVDESS and measures it."""

import argparse
import shlex
import sys
from pathlib import Path

import transformers

from ser_ros.cli.sentences import ends_in_a_sentence
from ser_ros.errors import SerError
from ser_ros.recognition.models import models_folder
from ser_ros.training.ravdess import find_clips
from ser_ros.training.recipe import load_recipe
from ser_ros.training.report import HEARINGS, percent
from ser_ros.training.splits import PROTOCOLS, Split, hold_out_for_validation, make_splits
from ser_ros.training.study import Study, read_scores, run_study

_EXAMPLES = """\
examples:
  ros2 run ser_ros train --recipe default --data RAVDESS --protocol speaker-independent
  ros2 run ser_ros train --recipe default --data RAVDESS --protocol speaker-independent --fold 1 2 --resume
  ros2 run ser_ros train --recipe default --data RAVDESS --protocol paper --set optimisation.epochs=5 seed=1
  ros2 run ser_ros train --recipe default --data RAVDESS --protocol full --out my-model
  ros2 launch ser_ros ser.launch.py model:=my-model
"""


@ends_in_a_sentence
def main(args: list[str] | None = None) -> int:
    """Train and measure the chosen folds; print the figures."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()  # the Trainer's own bar stays
    parser = _parser()
    args = sys.argv[1:] if args is None else args
    options = parser.parse_args(args)
    recipe = load_recipe(options.recipe, options.set)
    splits = _choose(make_splits(find_clips(options.data), options.protocol, seed=recipe.seed), options.fold)
    if options.validation:
        splits = [hold_out_for_validation(split) for split in splits]
    if options.scores and options.protocol != 'full':
        raise SerError('--scores is for --protocol full, whose model has no figures of its own; leave it out')
    study = Study(
        recipe_name=options.recipe,
        recipe=recipe,
        out=options.out or models_folder() / f'{options.recipe}-{options.protocol}',
        command=_repeatable(args, parser),
        scores=read_scores(options.scores) if options.scores else None,
        resume=options.resume,
    )
    for split, report in zip(splits, run_study(study, splits), strict=True):
        print(_result_line(split, report))
    print(f'in {study.out}')
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='train',
        description='Train a recipe on RAVDESS, measure it as the node runs it, and write a Hugging Face model folder.',
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add('--recipe', required=True, metavar='NAME', help='a YAML file in train/, without its ending')
    add(
        '--data',
        required=True,
        type=Path,
        metavar='PATH',
        help='folder of the RAVDESS speech clips, nested as you like',
    )
    add(
        '--protocol',
        required=True,
        choices=PROTOCOLS,
        help='; '.join(f'{name}: {meaning}' for name, meaning in PROTOCOLS.items()),
    )
    add('--fold', type=int, nargs='+', metavar='K', help='only these folds, from 1; all where not given')
    add('--validation', action='store_true', help='measure on 4 of the training actors; the test clips stay unheard')
    add('--out', type=Path, metavar='FOLDER', help='model folder; where the node finds it by name if not given')
    add('--set', nargs='+', action='extend', default=[], metavar='KEY=VALUE', help='change values of the recipe')
    add(
        '--scores',
        type=Path,
        metavar='FILE',
        help="with full: the folds' summary.json, whose figures the model card shows; with --resume also afterwards",
    )
    add('--resume', action='store_true', help='keep finished folds and go on with an interrupted one')
    return parser


def _choose(splits: list[Split], folds: list[int] | None) -> list[Split]:
    for fold in folds or []:
        if not 1 <= fold <= len(splits):
            raise SerError(f'fold {fold} does not exist; {splits[0].protocol} has the folds 1 to {len(splits)}')
    return [split for split in splits if not folds or split.fold in folds]


def _repeatable(args: list[str], parser: argparse.ArgumentParser) -> str:
    """Return the command for the reports; of folders that differ from machine to machine only the last part."""
    words = list(args)
    for index, word in enumerate(words[:-1]):
        if word in ('--data', '--out', '--scores'):
            words[index + 1] = Path(words[index + 1]).name
    return shlex.join(['ros2', 'run', 'ser_ros', parser.prog, *words])


def _result_line(split: Split, report: dict) -> str:
    if not report['evaluation']:
        return f'{split.name}: trained in {report["training_minutes"]:.1f} minutes, not measured'
    figures = ', '.join(
        f'{heading} {percent(report["evaluation"][hearing]["accuracy"])}' for hearing, heading in HEARINGS.items()
    )
    return f'{split.name}: accuracy on {figures}'


if __name__ == '__main__':
    sys.exit(main())
