# SPDX-License-Identifier: Apache-2.0
"""`ros2 run ser_ros benchmark`: how fast everything is on this machine, compared with transformers' own pipeline."""

import argparse
import contextlib
import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from ser_ros.cli.sentences import ends_in_a_sentence
from ser_ros.cli.signals import loading

with loading():
    from ser_ros.benchmarking.recognition import backends_of
    from ser_ros.benchmarking.session import QUICK, SECTIONS, Repetitions, Session, measure, random_weight_model
    from ser_ros.benchmarking.speech import read_speech, utterances_of
    from ser_ros.cli.progress import say
    from ser_ros.errors import SerError
    from ser_ros.extras import require_extra
    from ser_ros.files import write_text
    from ser_ros.places import check_can_be_made
    from ser_ros.recognition.models import find_model
    from ser_ros.testing.domain import take_own_domain

_ARCHITECTURES = ('wav2vec2-base', 'xls-r-300m', 'xls-r-1b', 'hubert-large')

_EXAMPLES = """examples:
  ros2 run ser_ros benchmark
  ros2 run ser_ros benchmark --model hubert-large-paper --json figures.json
  ros2 run ser_ros benchmark --architecture hubert-large          # random weights: as slow as real ones
  ros2 run ser_ros benchmark --only agreement --data RAVDESS
  ros2 run ser_ros benchmark --only live --nodes 10
"""


@ends_in_a_sentence
def main(args: list[str] | None = None) -> int:
    """Measure and print; progress goes to stderr."""
    args = sys.argv[1:] if args is None else args
    options = _parse(args)
    utterances = utterances_of(read_speech(options.audio))
    if {'idle', 'live'} & set(options.only):
        take_own_domain()
    with _model(options) as (folder, weights):
        session = Session(
            sections=tuple(options.only),
            model=folder,
            weights=weights,
            device=options.device,
            backends=_backends(options, folder),
            nodes=options.nodes,
            data=options.data,
            clips=options.clips,
            repetitions=QUICK if options.quick else Repetitions(),
        )
        report = measure(session, utterances, shlex.join(['ros2', 'run', 'ser_ros', 'benchmark', *args]), say)
    as_json = json.dumps(report.values, indent=1)
    if options.json and options.json != '-':
        _write(Path(options.json), as_json + '\n')
    if options.markdown:
        _write(options.markdown, report.markdown())
    print(as_json if options.json == '-' else report.markdown(), end='')
    return 0


@contextlib.contextmanager
def _model(options: argparse.Namespace) -> Iterator[tuple[Path, str]]:
    """Yield the model's folder, and what its weights are."""
    if options.architecture is None:
        yield find_model(options.model), 'as trained'
        return
    require_extra('torch', '--architecture')
    from ser_ros.recognition.device import choose_device

    optimise = choose_device(options.device).type == 'cpu' and options.backends != ['torch']
    if optimise:
        require_extra('optimize', '--architecture')
    with random_weight_model(options.architecture, optimise=optimise, on_progress=say) as folder:
        yield folder, 'random'


def _backends(options: argparse.Namespace, folder: Path) -> tuple[str, ...]:
    if not {'recognition', 'agreement', 'live'} & set(options.only):
        return ()
    found = backends_of(folder, options.device)
    for backend in options.backends or ():
        if backend not in found:
            raise SerError(f"--backends '{backend}' does not run {folder} here; give some of {', '.join(found)}")
    return tuple(options.backends or found)


def _parse(args: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='benchmark',
        description='Measure latency, speed, memory and start-up time on this machine, compared with transformers.',
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add('--model', default='', help='model folder or name (default: the embedded model)')
    add('--architecture', choices=_ARCHITECTURES, help='instead of --model: a full-size model with random weights')
    add('--device', default='auto', help='auto, cpu, cuda or cuda:N; one device per run; onnx runs on the CPU only')
    add('--only', type=lambda text: text.split(','), default=list(SECTIONS), help=f'of {",".join(SECTIONS)}')
    add('--nodes', type=int, default=1, metavar='N', help='nodes at once in the live section (default: 1)')
    add('--audio', type=Path, metavar='FILE', help='WAV or FLAC with speech (default: the demo recording)')
    add('--data', type=Path, metavar='FOLDER', help='recordings for the agreement (default: the demo recording)')
    add('--clips', type=int, metavar='N', help='only this many of them, drawn at random (seed 0)')
    add('--backends', type=lambda text: text.split(','), help='of onnx,torch (default: all that can run the model)')
    add('--quick', action='store_true', help='fewer repetitions: about a minute for the embedded default')
    add(
        '--json',
        nargs='?',
        const='-',
        metavar='FILE',
        help='write the figures as JSON; without FILE, instead of the table',
    )
    add('--markdown', type=Path, metavar='FILE', help='also write the table to this file')
    return _check(parser.parse_args(args))


def _check(options: argparse.Namespace) -> argparse.Namespace:
    if options.architecture and options.model:
        raise SerError('--model and --architecture were given; give one of them')
    for section in options.only:
        if section not in SECTIONS:
            sections = ', '.join(SECTIONS)
            raise SerError(f"--only '{section}' is not a section; give some of {sections}, separated by commas")
    for name in ('nodes', 'clips'):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise SerError(f'--{name} {value} is too few; give 1 or more')
    if options.data and not options.data.is_dir():
        raise SerError(f'--data {options.data} is not a folder; give one with recordings of speech')
    for option in ('json', 'markdown'):
        file = getattr(options, option)
        if file and file != '-':
            check_can_be_made(Path(file), f'--{option}')
    return options


def _write(file: Path, text: str) -> None:
    file.absolute().parent.mkdir(parents=True, exist_ok=True)
    write_text(file, text)


if __name__ == '__main__':
    sys.exit(main())
