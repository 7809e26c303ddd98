# SPDX-License-Identifier: Apache-2.0
"""One run of the benchmark: the requested sections, one after another."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser_ros.benchmarking.latency import LiveFigures, measure_idle, measure_live
from ser_ros.benchmarking.machine import describe_machine
from ser_ros.benchmarking.recognition import Timing, compare, fit_line, load_ways, time_ways
from ser_ros.benchmarking.report import Report
from ser_ros.benchmarking.speech import speech_of
from ser_ros.extras import missing_packages
from ser_ros.speech.fused import FusedVad
from ser_ros.speech.vad import CHUNK_SAMPLES

SECTIONS = ('vad', 'recognition', 'agreement', 'idle', 'live')

_SHOWN = (1.0, 3.0, 5.0, 10.0)
_LENGTHS = tuple(float(seconds) for seconds in range(1, 11))
_FLOOR_SECONDS = 3.0
_CHECKED_CLIPS = 10
"""Enough to check that a graph matches its model; answers of random weights mean nothing anyway."""


@dataclass(frozen=True)
class Repetitions:
    """How often and how long is measured.

    Attributes:
        idle_seconds: of silence.
        rounds: of all utterances over DDS.
        runs: of each length.
        lengths: of speech, seconds.
    """

    idle_seconds: float = 30.0
    rounds: int = 5
    runs: int = 20
    lengths: tuple[float, ...] = _LENGTHS


QUICK = Repetitions(idle_seconds=5.0, rounds=1, runs=5, lengths=_SHOWN)


@dataclass(frozen=True)
class Session:
    """What is measured.

    Attributes:
        sections: of SECTIONS.
        model: folder.
        weights: what they are, as text.
        device: as in `model.device`.
        backends: those that run the model, the first one in all sections.
        nodes: at once in the live section.
        data: folder of recordings for the agreement, None for those of the demo.
        clips: how many of them, None for all.
    """

    sections: tuple[str, ...]
    model: Path
    weights: str
    device: str
    backends: tuple[str, ...]
    nodes: int = 1
    data: Path | None = None
    clips: int | None = None
    repetitions: Repetitions = Repetitions()


def measure(session: Session, utterances: list[np.ndarray], command: str, on_progress: Callable[[str], None]) -> Report:
    """Return what was measured with `utterances` (float32, 16 kHz) by `command`. Raises SerError."""
    report = Report(describe_machine(), {'model': session.model.name, 'weights': session.weights}, command)
    if 'vad' in session.sections:
        on_progress('voice activity')
        report.add_vad(*_time_vad(np.concatenate(utterances)))
    if 'recognition' in session.sections or 'agreement' in session.sections:
        _measure_recognition(session, utterances, report, on_progress)
    if 'idle' in session.sections:
        seconds = session.repetitions.idle_seconds
        on_progress(f'{seconds:.0f} s of silence from a file')
        report.add_idle(measure_idle(_parameters(session), seconds), seconds)
    if 'live' in session.sections:
        report.add_live(_measure_live(session, utterances, on_progress))
    return report


@contextlib.contextmanager
def random_weight_model(architecture: str, *, optimise: bool, on_progress: Callable[[str], None]) -> Iterator[Path]:
    """Yield the folder of a model of `architecture`, with its optimised form if `optimise`. Needs torch."""
    from ser_ros.benchmarking.architectures import make_random_model

    with tempfile.TemporaryDirectory(prefix='ser-benchmark-') as place:
        folder = Path(place) / architecture
        on_progress(f'making {architecture} with random weights')
        make_random_model(architecture, folder)
        if optimise:
            from ser_ros.export.build import build
            from ser_ros.export.clips import clips_of_demo

            clips = clips_of_demo()[:_CHECKED_CLIPS]
            build(folder, clips, precision='auto', on_stage=lambda stage: on_progress(f'optimised form: {stage}'))
        yield folder


def _time_vad(speech: np.ndarray) -> tuple[float, float, int]:
    detector, times = FusedVad(), []
    for at in range(0, len(speech) - CHUNK_SAMPLES, CHUNK_SAMPLES):
        started = time.perf_counter()
        detector.speech_probability(speech[at : at + CHUNK_SAMPLES])
        times.append(1000 * (time.perf_counter() - started))
    median, high = np.percentile(times, (50, 95))
    return float(median), float(high), len(times)


def _measure_recognition(
    session: Session, utterances: list[np.ndarray], report: Report, on_progress: Callable[[str], None]
) -> None:
    on_progress('loading the model')
    ways, peer_problem = load_ways(session.model, session.device, list(session.backends))
    report.add_ways(ways, peer_problem)
    if 'recognition' in session.sections:
        repetitions = session.repetitions
        clips = {seconds: speech_of(utterances, seconds) for seconds in repetitions.lengths}
        timings = time_ways(ways, clips, repetitions.runs, on_progress)
        report.add_recognition(timings, _SHOWN)
        report.add_lines({name: fit_line(rows) for name, rows in timings.items()}, repetitions.lengths[-1])
        if not missing_packages('torch'):
            _measure_floor(session, clips[_FLOOR_SECONDS], timings, report, on_progress)
    if 'agreement' in session.sections:
        from ser_ros.export.clips import clips_in, clips_of_demo

        on_progress('reading utterances for the agreement')
        spoken = clips_in(session.data, session.clips) if session.data else clips_of_demo()
        report.add_agreement(compare(ways, spoken, on_progress))


def _measure_floor(
    session: Session,
    samples: np.ndarray,
    timings: dict[str, list[Timing]],
    report: Report,
    on_progress: Callable[[str], None],
) -> None:
    # Imported late, like everything that needs torch.
    import torch

    from ser_ros.benchmarking.floor import measure_floor
    from ser_ros.recognition.device import choose_device

    device = choose_device(session.device)
    if device.type != 'cuda':
        return
    on_progress('measuring what the device can do')
    floor = measure_floor(session.model, samples, device)
    figures = {
        'gigaflop': floor.flop / 1e9,
        'gigaflop_per_second': floor.flop_per_second / 1e9,
        'gigabytes': floor.weight_bytes / 1e9,
        'gigabytes_per_second': floor.bytes_per_second / 1e9,
        'floor_ms': 1000 * floor.seconds,
        'median_ms': next(row.median for row in timings['torch'] if row.seconds == _FLOOR_SECONDS),
    }
    report.add_floor({torch.cuda.get_device_name(device): figures})


def _measure_live(
    session: Session, utterances: list[np.ndarray], on_progress: Callable[[str], None]
) -> dict[str, LiveFigures]:
    settings = {backend: _parameters(session) | {'model.backend': backend} for backend in session.backends}
    first = next(iter(settings))
    if session.nodes > 1:
        settings = {first: settings[first]}
    else:
        settings[f'{first}, interim results every 0.5 s'] = settings[first] | {'emotion.interim_period': 0.5}
    return measure_live(
        utterances,
        settings,
        nodes=session.nodes,
        rounds=session.repetitions.rounds,
        idle_seconds=session.repetitions.idle_seconds,
        on_progress=on_progress,
    )


def _parameters(session: Session) -> dict:
    return {'model.path': str(session.model), 'model.device': session.device}
