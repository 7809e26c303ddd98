# SPDX-License-Identifier: Apache-2.0
"""How long a model takes for an utterance in each backend, beside transformers' pipeline as a user writes it."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.optimised_form import read_form

PEER = 'transformers pipeline'

_PAUSE = 0.1
"""Seconds before each run: an utterance comes after a silence, and the threads of the one before have gone to sleep."""
_LONGEST_TURN = 60.0
"""Seconds after which one length has been timed long enough."""
_LEAST_RUNS = 3

Answer = Callable[[np.ndarray], tuple[str, dict[str, float]]]
"""From samples (float32, 16 kHz) to the label and all probabilities by label."""


@dataclass(frozen=True)
class Timing:
    """Milliseconds of one way to run a model, for one length in seconds."""

    seconds: float
    median: float
    percentile_95: float
    runs: int


@dataclass(frozen=True)
class Line:
    """The straight line through the medians: milliseconds for nothing, and for each second; how well it fits."""

    constant: float
    per_second: float
    largest_deviation: float
    """Of any median from the line, as a share of the median."""


@dataclass(frozen=True)
class Agreement:
    """How one way agrees with another, over clips: labels equal (0..1), largest difference of any probability."""

    clips: int
    labels_equal: float
    largest_difference: float


def load_ways(folder: Path, device: str) -> dict[str, Answer]:
    """Return our backends that the model has, and the peer where it can run the model, by name. Raises SerError."""
    ways = {
        backend: _ours(Classifier.load(folder, 'cpu' if backend == 'onnx' else device, backend))
        for backend in backends_of(folder)
    }
    peer = _peer(folder, device)
    with contextlib.suppress(Exception):  # such as Whisper's fixed window of 30 s, which ours shorten
        peer(np.zeros(16_000, dtype=np.float32))
        ways[PEER] = peer
    return ways


def backends_of(folder: Path) -> list[str]:
    """Return which of our backends run the model in `folder`, the fastest first. Raises SerError."""
    return ['onnx', 'torch'] if read_form(folder) is not None else ['torch']


def time_ways(
    ways: dict[str, Answer], utterances: dict[float, np.ndarray], runs: int, on_progress: Callable[[str], None]
) -> dict[str, list[Timing]]:
    """Time all `ways` in turns for each of `utterances` (by length in seconds), so that noise hits all alike."""
    found: dict[str, list[Timing]] = {name: [] for name in ways}
    for seconds, samples in utterances.items():
        on_progress(f'recognising {seconds:g} s')
        times: dict[str, list[float]] = {name: [] for name in ways}
        for answer in ways.values():
            answer(samples)
        began = time.monotonic()
        done = 0
        while done < runs and (done < _LEAST_RUNS or time.monotonic() - began < _LONGEST_TURN):
            for name, answer in ways.items():
                time.sleep(_PAUSE)
                started = time.perf_counter()
                answer(samples)
                times[name].append(1000 * (time.perf_counter() - started))
            done += 1
        for name, values in times.items():
            median, high = np.percentile(values, (50, 95))
            found[name].append(Timing(seconds, float(median), float(high), done))
    return found


def fit_line(timings: list[Timing]) -> Line:
    """Return the least-squares line of the medians over the lengths."""
    seconds = np.array([timing.seconds for timing in timings])
    medians = np.array([timing.median for timing in timings])
    per_second, constant = np.polyfit(seconds, medians, 1)
    deviation = np.abs(constant + per_second * seconds - medians) / medians
    return Line(float(constant), float(per_second), float(deviation.max()))


def compare(reference: Answer, other: Answer, clips: list[np.ndarray]) -> Agreement:
    """Return how `other` agrees with `reference` on `clips`."""
    equal, largest = 0, 0.0
    for clip in clips:
        label, probabilities = reference(clip)
        other_label, others = other(clip)
        equal += label == other_label
        largest = max(largest, *(abs(probabilities[name] - others[name]) for name in probabilities))
    return Agreement(len(clips), equal / len(clips), largest)


def _ours(classifier: Classifier) -> Answer:
    def answer(samples: np.ndarray) -> tuple[str, dict[str, float]]:
        estimate = classifier.classify(samples)
        return estimate.label, dict(zip(estimate.labels, estimate.probabilities.tolist(), strict=True))

    return answer


def _peer(folder: Path, device: str) -> Answer:
    import transformers

    transformers.utils.logging.set_verbosity_error()
    options = {} if device == 'auto' else {'device': device}
    pipeline = transformers.pipeline('audio-classification', model=str(folder), **options)

    def answer(samples: np.ndarray) -> tuple[str, dict[str, float]]:
        found = {entry['label']: entry['score'] for entry in pipeline(samples, top_k=None)}
        return max(found, key=found.get), found

    return answer
