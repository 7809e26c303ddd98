# SPDX-License-Identifier: Apache-2.0
"""`ros2 run ser_ros benchmark`: how fast everything is on this machine, beside transformers' own pipeline."""

import argparse
import contextlib
import json
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ser_ros.benchmarking.nodes import choose_domain
from ser_ros.benchmarking.speech import read_speech, speech_of, utterances_of
from ser_ros.cli.sentences import ends_in_a_sentence
from ser_ros.errors import SerError
from ser_ros.extras import missing_packages, require_extra
from ser_ros.recognition.models import find_model
from ser_ros.speech.fused import FusedVad
from ser_ros.speech.vad import CHUNK_SAMPLES

SECTIONS = ('vad', 'recognition', 'agreement', 'idle', 'live')
_IDLE_SECONDS, _QUICK_IDLE_SECONDS = 30.0, 5.0
_ARCHITECTURES = ('wav2vec2-base', 'xls-r-300m', 'xls-r-1b', 'hubert-large')
_SHOWN = (1.0, 3.0, 5.0, 10.0)
_LENGTHS = tuple(float(seconds) for seconds in range(1, 11))
_FLOOR_SECONDS = 3.0
_CHECKED_CLIPS = 10
"""Enough to see that a graph is that of its model, where answers mean nothing anyway."""

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
        choose_domain()
    with _model(options) as (folder, weights):
        report = _measure(
            options, folder, weights, utterances, shlex.join(['ros2', 'run', 'ser_ros', 'benchmark', *args])
        )
    as_json = json.dumps(report.values, indent=1)
    if options.json and options.json != '-':
        Path(options.json).write_text(as_json + '\n', encoding='utf-8')
    if options.markdown:
        options.markdown.write_text(report.markdown(), encoding='utf-8')
    print(as_json if options.json == '-' else report.markdown(), end='')
    return 0


def _measure(options: argparse.Namespace, folder: Path, weights: str, utterances: list[np.ndarray], command: str):
    # Late, for torch and rclpy take seconds, and a bad argument is told before.
    from ser_ros.benchmarking.machine import describe_machine
    from ser_ros.benchmarking.report import Report

    report = Report(describe_machine(), {'model': folder.name, 'weights': weights}, command)
    if 'vad' in options.only:
        _say('voice activity')
        report.add_vad(*_time_vad(np.concatenate(utterances)))
    if 'recognition' in options.only or 'agreement' in options.only:
        _measure_recognition(options, folder, utterances, report)
    if 'idle' in options.only:
        from ser_ros.benchmarking.latency import measure_idle

        seconds = _QUICK_IDLE_SECONDS if options.quick else _IDLE_SECONDS
        _say(f'{seconds:.0f} s of silence from a file')
        parameters = {'model.path': str(folder), 'model.device': options.device}
        report.add_idle(measure_idle(parameters, seconds), seconds)
    if 'live' in options.only:
        report.add_live(_measure_live(options, folder, utterances))
    return report


def _time_vad(speech: np.ndarray) -> tuple[float, float, int]:
    detector, times = FusedVad(), []
    for at in range(0, len(speech) - CHUNK_SAMPLES, CHUNK_SAMPLES):
        started = time.perf_counter()
        detector.speech_probability(speech[at : at + CHUNK_SAMPLES])
        times.append(1000 * (time.perf_counter() - started))
    median, high = np.percentile(times, (50, 95))
    return float(median), float(high), len(times)


def _measure_recognition(options: argparse.Namespace, folder: Path, utterances: list[np.ndarray], report) -> None:
    from ser_ros.benchmarking.recognition import compare, fit_line, load_ways, time_ways

    _say('loading the model')
    ways, peer_problem = load_ways(folder, options.device, _backends(options, folder))
    report.add_ways(ways, peer_problem)
    if 'recognition' in options.only:
        lengths = _SHOWN if options.quick else _LENGTHS
        clips = {seconds: speech_of(utterances, seconds) for seconds in lengths}
        timings = time_ways(ways, clips, 5 if options.quick else 20, _say)
        report.add_recognition(timings, _SHOWN)
        report.add_lines({name: fit_line(rows) for name, rows in timings.items()}, lengths[-1])
        if not missing_packages('torch'):
            _measure_floor(options, folder, clips[_FLOOR_SECONDS], timings, report)
    if 'agreement' in options.only:
        from ser_ros.export.clips import clips_in, clips_of_demo

        _say('reading utterances for the agreement')
        spoken = clips_in(options.data, options.clips) if options.data else clips_of_demo()
        report.add_agreement(compare(ways, spoken, _say))


def _measure_floor(options: argparse.Namespace, folder: Path, samples: np.ndarray, timings: dict, report) -> None:
    import torch

    from ser_ros.recognition.device import choose_device

    device = choose_device(options.device)
    if device.type == 'cuda':
        _say('measuring what the device can do')
        report.add_floor({torch.cuda.get_device_name(device): _floor(folder, samples, device, timings)})


def _floor(folder: Path, samples: np.ndarray, device, timings: dict) -> dict[str, float]:
    from ser_ros.benchmarking.floor import measure_floor

    floor = measure_floor(folder, samples, device)
    median = next(row.median for row in timings['torch'] if row.seconds == _FLOOR_SECONDS)
    return {
        'gigaflop': floor.flop / 1e9,
        'gigaflop_per_second': floor.flop_per_second / 1e9,
        'gigabytes': floor.weight_bytes / 1e9,
        'gigabytes_per_second': floor.bytes_per_second / 1e9,
        'floor_ms': 1000 * floor.seconds,
        'median_ms': median,
    }


def _measure_live(options: argparse.Namespace, folder: Path, utterances: list[np.ndarray]) -> dict:
    from ser_ros.benchmarking.latency import measure_live

    idle_seconds, rounds = (_QUICK_IDLE_SECONDS, 1) if options.quick else (_IDLE_SECONDS, 5)
    settings = {
        backend: {'model.path': str(folder), 'model.device': options.device, 'model.backend': backend}
        for backend in _backends(options, folder)
    }
    first = next(iter(settings))
    if options.nodes > 1:
        settings = {first: settings[first]}
    else:
        settings[f'{first}, interim results every 0.5 s'] = settings[first] | {'emotion.interim_period': 0.5}
    return measure_live(
        utterances, settings, nodes=options.nodes, rounds=rounds, idle_seconds=idle_seconds, on_progress=_say
    )


def _backends(options: argparse.Namespace, folder: Path) -> list[str]:
    from ser_ros.benchmarking.recognition import backends_of

    found = backends_of(folder, options.device)
    for backend in options.backends or ():
        if backend not in found:
            raise SerError(f"--backends '{backend}' does not run {folder} here; give some of {', '.join(found)}")
    return options.backends or found


@contextlib.contextmanager
def _model(options: argparse.Namespace) -> Iterator[tuple[Path, str]]:
    """Give the model's folder, and what its weights are."""
    if options.architecture is None:
        yield find_model(options.model), 'as trained'
        return
    require_extra('torch', '--architecture')
    from ser_ros.benchmarking.architectures import make_random_model
    from ser_ros.export.clips import clips_of_demo
    from ser_ros.recognition.device import choose_device

    on_cpu = choose_device(options.device).type == 'cpu'
    with tempfile.TemporaryDirectory(prefix='ser-benchmark-') as place:
        folder = Path(place) / options.architecture
        _say(f'making {options.architecture} with random weights')
        make_random_model(options.architecture, folder)
        if on_cpu and options.backends != ['torch']:
            require_extra('optimize', '--architecture')
            from ser_ros.export.build import build

            clips = clips_of_demo()[:_CHECKED_CLIPS]
            build(folder, clips, precision='auto', on_stage=lambda stage: _say(f'optimising: {stage}'))
        yield folder, 'random'


def _say(what: str) -> None:
    print(f'{what} ...', file=sys.stderr, flush=True)


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
    options = parser.parse_args(args)
    if options.architecture and options.model:
        raise SerError('--model and --architecture were given; give one of them')
    for section in options.only:
        if section not in SECTIONS:
            known = ', '.join(SECTIONS)
            raise SerError(f"--only '{section}' is not a section; give some of {known}, separated by commas")
    for name in ('nodes', 'clips'):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise SerError(f'--{name} {value} is too few; give 1 or more')
    if options.data and not options.data.is_dir():
        raise SerError(f'--data {options.data} is not a folder; give one with recordings of speech')
    for option in ('json', 'markdown'):
        file = getattr(options, option)
        if file and file != '-' and not Path(file).absolute().parent.is_dir():
            raise SerError(f'--{option} {file} is in a folder that does not exist; create it first')
    return options


if __name__ == '__main__':
    sys.exit(main())
