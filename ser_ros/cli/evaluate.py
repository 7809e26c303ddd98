# SPDX-License-Identifier: Apache-2.0
"""`ros2 run ser_ros evaluate`: measures trained models on a corpus, as the node runs them."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ser_ros.cli.adaptation_option import add_ordinary_share
from ser_ros.cli.answer_option import add_answer_with
from ser_ros.cli.repeatable import repeatable
from ser_ros.cli.sentences import ends_in_a_sentence
from ser_ros.cli.signals import loading
from ser_ros.errors import SerError
from ser_ros.extras import require_extra
from ser_ros.places import check_can_be_made, refuse_taken
from ser_ros.recognition.models import find_model

_EXAMPLES = """\
examples:
  ros2 run ser_ros evaluate hubert-large-paper --data RAVDESS
  ros2 run ser_ros evaluate hubert-large-paper whisper-base-paper --data RAVDESS --ensemble --out ensemble
  ros2 run ser_ros evaluate default --data other.csv --map happiness=happy anger=angry boredom= --out default-on-other
  ros2 run ser_ros evaluate hubert-large-paper --data RAVDESS --conditions
  ros2 run ser_ros evaluate default --data nemo:NEMO emodb:EMO_DB
  ros2 run ser_ros evaluate default --data other.csv --map labels.yaml     # lines such as happiness: happy
"""


_FOLDERS = ('--data', '--out')

_MODELS = ('', '--map')
"""Models are names or folders; --map takes the values themselves, or a file."""


@ends_in_a_sentence
def main(args: list[str] | None = None) -> int:
    """Measure every model, or all as one; print the figures."""
    args = sys.argv[1:] if args is None else args
    parser = _parser()
    options = parser.parse_args(args)
    _check(options)
    folders = [find_model(model) for model in options.models]
    require_extra('train', 'evaluate')
    _evaluate(options, folders, repeatable(args, parser, folders=_FOLDERS, models=_MODELS))
    return 0


def _evaluate(options: argparse.Namespace, folders: Sequence[Path], command: str) -> None:
    # Imported late: they need packages that a robot does not have.
    with loading():
        from ser_ros.recognition.adaptation import AdaptationConfig
        from ser_ros.training.data.corpus import read_corpora
        from ser_ros.training.evaluation.label_map import read_entries
        from ser_ros.training.evaluation.results import EvaluationConfig, evaluate_each, evaluate_ensemble
        from ser_ros.training.reporting.evaluation_report import evaluation_lines, evaluation_report, write_evaluation

    entries = read_entries(options.map)
    config = EvaluationConfig(
        corpus=read_corpora(options.data, tuple(options.labels), for_training=False),
        entries=entries,
        all_clips=options.all_clips,
        conditions=options.conditions,
        chosen_labels=options.answer_with,
        adaptation=AdaptationConfig(ordinary_share=options.ordinary_share),
        device=options.device,
        backend=options.backend,
    )
    results = [evaluate_ensemble(folders, config)] if options.ensemble else evaluate_each(folders, config)
    report = evaluation_report(results, config.corpus, command)
    print('\n'.join(evaluation_lines(report)))
    if options.out:
        write_evaluation(report, options.out)
        print(f'in {options.out}')


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='evaluate',
        description='Measure trained models on the clips of a corpus that they were not trained on, one at a time and '
        'unpadded, with the same recogniser as the node.',
        epilog=_EXAMPLES,
        allow_abbrev=False,  # reports show the command, with its options in full
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add('models', nargs='+', metavar='MODEL', help='name of a trained model, a model folder, or default')
    add(
        '--data',
        nargs='+',
        required=True,
        metavar='DATA',
        help='RAVDESS speech clips (folder or zip), a CSV table with the columns path, emotion and, if known, speaker, '
        'or KEY:FOLDER for a published corpus (keys as for `train`). Several are read together',
    )
    add('--labels', nargs='+', default=[], metavar='LABEL', help='the emotions of the corpus; any other is an error')
    add('--ensemble', action='store_true', help='measure all models as one, with the mean of their probabilities')
    add(
        '--map',
        nargs='+',
        action='extend',
        default=[],
        metavar='A=B',
        help="the corpus's label A is the model's label B, or A= to leave its clips out; also a .yaml file. Equal "
        'labels need no entry. Clips whose label the model does not have are left out; labels that the corpus does not '
        'have are never answered',
    )
    add('--all-clips', action='store_true', help='also use clips that the model was trained on')
    add(
        '--conditions',
        action='store_true',
        help='also measure the same utterances next to a fan, in a room, over a telephone and 20 dB quieter',
    )
    add_answer_with(parser)
    add_ordinary_share(parser)
    add('--device', default='auto', help='auto, cpu, cuda or cuda:N')
    add('--backend', default='torch', help='torch, onnx (the form that `optimize` made) or auto')
    add(
        '--out', type=Path, metavar='FOLDER', help='write report.md, report.json and confusion.png into this new folder'
    )
    return parser


def _check(options: argparse.Namespace) -> None:
    if options.ensemble and len(options.models) < 2:
        raise SerError('--ensemble averages two models or more; name another one')
    if options.out:
        refuse_taken(options.out)
        check_can_be_made(options.out)


if __name__ == '__main__':
    sys.exit(main())
