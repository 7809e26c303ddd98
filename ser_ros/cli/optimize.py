# SPDX-License-Identifier: Apache-2.0
"""`ros2 run ser_ros optimize NAME`: builds the form of a model that answers fastest on a CPU."""

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ser_ros.cli.repeatable import repeatable
from ser_ros.cli.sentences import ends_in_a_sentence
from ser_ros.cli.signals import loading
from ser_ros.errors import SerError
from ser_ros.extras import require_extra
from ser_ros.places import check_can_be_made
from ser_ros.recognition.models import find_model
from ser_ros.recognition.optimised_form import FOLDER, PRECISIONS, graph_path

if TYPE_CHECKING:
    from ser_ros.export.build import Built

_EXAMPLES = """examples:
  ros2 run ser_ros optimize hubert-large-paper
  ros2 run ser_ros optimize my-model --data RAVDESS --clips 200
  ros2 run ser_ros optimize my-model --precision float32

The optimised form is written to optimized/ in the model's folder. On a CPU the node uses it without loading torch,
unless `model.backend` says otherwise. It is rejected unless it agrees with the model on real speech. The model card
gives the measurements.
"""


@ends_in_a_sentence
def main(args: list[str] | None = None) -> int:
    """Build, check and install the optimised form."""
    args = sys.argv[1:] if args is None else args
    parser = _parser()
    options = _check(parser.parse_args(args))
    folder = find_model(options.model)
    require_extra('optimize', 'optimize')
    check_can_be_made(folder / FOLDER, 'the optimised form')
    # Imported late, so that a wrong name is reported at once and not after torch has been loaded.
    with loading():
        from ser_ros.benchmarking.machine import describe_machine
        from ser_ros.export.build import build
        from ser_ros.export.clips import clips_in, clips_of_demo
        from ser_ros.training.reporting.speed_section import put_speed_section

    clips = clips_in(options.data, options.clips) if options.data else clips_of_demo()
    stages = _Stages()
    built = build(folder, clips, precision=options.precision, on_stage=stages.begin)
    stages.end()
    _print(built)
    command = repeatable(args, parser, folders=('--data',), models=('',))
    put_speed_section(folder, built, describe_machine(), command)
    print(f'\n{built.form.precision}, in {graph_path(folder).parent}')
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='optimize',
        description='Build the optimised form of a model, the fastest on a CPU, and check it against the model.',
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add('model', metavar='NAME', help='model folder, or name of a model made by train; `default` is the embedded one')
    add('--precision', choices=('auto', *PRECISIONS), default='auto', help='auto: the faster one that agrees')
    add('--data', type=Path, metavar='FOLDER', help='WAV and FLAC files to check on (default: the demo recording)')
    add('--clips', type=int, metavar='N', help='only this many of these files, drawn at random (seed 0)')
    return parser


def _check(options: argparse.Namespace) -> argparse.Namespace:
    if options.data and not options.data.is_dir():
        raise SerError(f'--data {options.data} is not a folder; give one with recordings of speech')
    if options.clips is not None and options.clips < 1:
        raise SerError(f'--clips {options.clips} is too few; give 1 or more')
    return options


class _Stages:
    """Says what is being done, and how long it took."""

    def __init__(self) -> None:
        self._began: float | None = None

    def begin(self, stage: str) -> None:
        self.end()
        print(f'{stage} ...', end=' ', flush=True)
        self._began = time.monotonic()

    def end(self) -> None:
        if self._began is not None:
            print(f'{time.monotonic() - self._began:.1f} s', flush=True)
        self._began = None


def _print(built: 'Built') -> None:
    print(f'\n{"":10}  {"3 s take":>10}  {"size":>9}  {"labels equal":>16}  largest difference')
    for candidate in built.candidates:
        size = f'{"+" if candidate.agreement else ""}{candidate.megabytes:.1f}'  # a form adds to the model
        line = f'{candidate.name:10}  {candidate.milliseconds:7.1f} ms  {size:>6} MB'
        if candidate.agreement is not None:
            share = f'{candidate.agreement.labels_equal:.1%} of {candidate.agreement.clips}'
            line += f'  {share:>16}  {candidate.agreement.largest_difference:.4f}'
        print(line)


if __name__ == '__main__':
    sys.exit(main())
