# SPDX-License-Identifier: Apache-2.0
"""How long a model takes for an utterance in each backend, compared with transformers' pipeline as users write it."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ser_ros.errors import reason
from ser_ros.extras import missing_packages
from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.device import choose_device
from ser_ros.recognition.optimised_form import read_form

PEER = 'transformers pipeline'
PEER_IN_FLOAT32 = 'transformers pipeline, float32'
"""The same for weights of half precision, which the pipeline keeps and a CPU computes slowly."""

_PAUSE = 0.1
"""Seconds before each run: an utterance comes after a silence, when the threads of the previous one have gone to
sleep."""
_LONGEST_TURN = 60.0
"""Seconds after which one length has been timed long enough."""
_LEAST_RUNS = 3

Answer = Callable[[np.ndarray], tuple[str, dict[str, float]]]
"""From samples (float32, 16 kHz) to the label and all probabilities by label."""


@dataclass(frozen=True)
class Way:
    """One way to run a model.

    Attributes:
        settings: Device and, for the peer, number format; as text.
        temperature: What its logits are divided by before the softmax.
    """

    answer: Answer
    settings: str
    temperature: float


@dataclass(frozen=True)
class Timing:
    """Milliseconds of one way to run a model, for one length in seconds."""

    seconds: float
    median: float
    percentile_95: float
    runs: int


@dataclass(frozen=True)
class LinearFit:
    """The straight line through the medians: milliseconds for no sound, and for each second; how well it fits."""

    constant: float
    per_second: float
    largest_deviation: float
    """Of any median from the line, as a share of the median."""


@dataclass(frozen=True)
class Agreement:
    """How one way agrees with another over clips.

    Attributes:
        labels_equal: Share of the clips, 0..1.
        largest_difference: Of any probability, 0..1; None if the two apply different temperatures.
    """

    clips: int
    labels_equal: float
    largest_difference: float | None


def load_ways(folder: Path, device: str, backends: list[str]) -> tuple[dict[str, Way], str]:
    """Return our `backends` and the peer on `device`, by name, and why the peer cannot run the model ('' if it can).

    Raises SerError.
    """
    ways = {backend: _ours(Classifier.load(folder, device, backend)) for backend in backends}
    if missing := missing_packages('torch'):
        return ways, f'{", ".join(missing)} not installed'
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        peer = _peer(folder, device)
        peer.answer(np.zeros(16_000, dtype=np.float32))
    except Exception as error:  # such as a Whisper encoder whose window was shortened: the pipeline pads to 30 s
        return ways, reason(error)
    ways[PEER] = peer
    if 'float32' not in peer.settings:
        ways[PEER_IN_FLOAT32] = _peer(folder, device, dtype='float32')
    return ways, ''


def backends_of(folder: Path, device: str) -> list[str]:
    """Return which of our backends run the model in `folder` on `device`, the automatic choice first. Raises SerError.

    A GPU runs only torch; if torch is not installed, only the optimised form runs.
    """
    if missing_packages('torch'):
        return ['onnx']
    if choose_device(device).type == 'cpu' and read_form(folder) is not None:
        return ['onnx', 'torch']
    return ['torch']


def time_ways(
    ways: dict[str, Way], utterances: dict[float, np.ndarray], runs: int, on_progress: Callable[[str], None]
) -> dict[str, list[Timing]]:
    """Time all `ways` in turns for each of `utterances` (by length in seconds), so that noise affects all alike."""
    found: dict[str, list[Timing]] = {name: [] for name in ways}
    for seconds, samples in utterances.items():
        on_progress(f'recognising {seconds:g} s')
        times: dict[str, list[float]] = {name: [] for name in ways}
        for way in ways.values():
            way.answer(samples)
        began = time.monotonic()
        done = 0
        while done < runs and (done < _LEAST_RUNS or time.monotonic() - began < _LONGEST_TURN):
            for name, way in ways.items():
                time.sleep(_PAUSE)
                started = time.perf_counter()
                way.answer(samples)
                times[name].append(1000 * (time.perf_counter() - started))
            done += 1
        for name, values in times.items():
            median, high = np.percentile(values, (50, 95))
            found[name].append(Timing(seconds, float(median), float(high), done))
    return found


def fit_line(timings: list[Timing]) -> LinearFit:
    """Return the least-squares line of the medians over the lengths."""
    seconds = np.array([timing.seconds for timing in timings])
    medians = np.array([timing.median for timing in timings])
    per_second, constant = np.polyfit(seconds, medians, 1)
    deviation = np.abs(constant + per_second * seconds - medians) / medians
    return LinearFit(float(constant), float(per_second), float(deviation.max()))


def compare(
    ways: dict[str, Way], clips: list[np.ndarray], on_progress: Callable[[str], None]
) -> dict[tuple[str, str], Agreement]:
    """Return how any two of `ways`, at least one of them ours, agree on `clips`."""
    answers = {}
    for name, way in ways.items():
        on_progress(f'{len(clips)} utterances for the agreement: {name}')
        answers[name] = [way.answer(clip) for clip in clips]
    pairs = [pair for pair in itertools.combinations(ways, 2) if not set(pair) <= {PEER, PEER_IN_FLOAT32}]
    return {
        (first, second): _agreement(
            answers[first], answers[second], same_scale=ways[first].temperature == ways[second].temperature
        )
        for first, second in pairs
    }


def _agreement(first: list, second: list, *, same_scale: bool) -> Agreement:
    pairs = list(zip(first, second, strict=True))
    equal = sum(label == other for (label, _), (other, _) in pairs) / len(pairs)
    if not same_scale:
        return Agreement(len(pairs), equal, None)
    largest = max(abs(here[name] - there[name]) for (_, here), (_, there) in pairs for name in here)
    return Agreement(len(pairs), equal, largest)


def _ours(classifier: Classifier) -> Way:
    def answer(samples: np.ndarray) -> tuple[str, dict[str, float]]:
        estimate = classifier.classify(samples)
        return estimate.label, dict(zip(estimate.labels, estimate.probabilities.tolist(), strict=True))

    return Way(answer, f'on {classifier.device}', classifier.temperature)


def _peer(folder: Path, device: str, **options: Any) -> Way:
    """Return the pipeline as a user writes it; an automatic device is left to the pipeline, too."""
    import transformers

    if device != 'auto':
        options['device'] = device
    pipeline = transformers.pipeline('audio-classification', model=str(folder), **options)

    def answer(samples: np.ndarray) -> tuple[str, dict[str, float]]:
        found = {entry['label']: entry['score'] for entry in pipeline(samples, top_k=None)}
        return max(found, key=lambda label: found[label]), found

    number_format = str(pipeline.model.dtype).removeprefix('torch.')
    return Way(answer, f'on {pipeline.device}, {number_format}, unbatched', 1.0)
