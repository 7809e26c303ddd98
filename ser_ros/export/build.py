# SPDX-License-Identifier: Apache-2.0
"""Builds the optimised form of a model folder, checks it, and puts it into place only if it is good."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.errors import SerError, reason
from ser_ros.export.agreement import LARGEST_DIFFERENCE, LEAST_LABELS_EQUAL, Agreement, compare
from ser_ros.export.graph import export, load_exporter, quantise
from ser_ros.export.shared_weights import share_weights
from ser_ros.recognition.checkpoint import Checkpoint, load_checkpoint
from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.model_files import weight_files
from ser_ros.recognition.onnx_backend import OnnxBackend
from ser_ros.recognition.optimised_form import FOLDER, GRAPH, OptimisedForm, describe_sources, write_form
from ser_ros.recognition.torch_backend import TorchBackend

AUTO = 'auto'

_TIMED_SECONDS = 3.0
_TIMED_RUNS = 20
_TIMED_FOR = 10.0
"""Seconds after which a large model has been timed long enough."""


@dataclass(frozen=True)
class Candidate:
    """One way to run the model, and its measurements.

    Attributes:
        name: 'torch' for the model itself, or the precision.
        threads: On which it was timed; 0 for all cores.
        milliseconds: Median for an utterance of 3 s.
        megabytes: What the model's weights take on disk; for a form, what it adds to them. 10^6 bytes.
        agreement: With the model itself; None for the model itself.
    """

    name: str
    threads: int
    milliseconds: float
    megabytes: float
    agreement: Agreement | None


@dataclass(frozen=True)
class Built:
    """The result: all candidates, and the form that was put into place."""

    candidates: list[Candidate]
    form: OptimisedForm


def build(
    folder: Path, clips: list[np.ndarray], *, precision: str, on_stage: Callable[[str], None] = lambda stage: None
) -> Built:
    """Build the optimised form of the model `folder`; an old form is replaced only by a good one.

    Args:
        folder: Of the model.
        clips: Utterances (float32, shape (n,), 16 kHz) on which it must answer as the model does.
        precision: 'int8', 'float32', or AUTO for the faster good one.
        on_stage: Called with the stage that begins.

    Raises:
        SerError: There is no good form, or it cannot be made or written; nothing is left behind.
    """
    load_exporter()
    sources = describe_sources(folder)
    with _workshop(folder) as workshop:
        on_stage('loading the model')
        checkpoint = load_checkpoint(folder, torch.device('cpu'))
        on_stage('exporting it')
        graphs = {'float32': workshop / 'float32' / GRAPH}
        graphs['float32'].parent.mkdir()
        _export(checkpoint, graphs['float32'], folder)
        if precision != 'float32':
            on_stage('quantising it')
            graphs['int8'] = workshop / 'int8' / GRAPH
            graphs['int8'].parent.mkdir()
            quantise(graphs['float32'], graphs['int8'])
        wanted = graphs if precision == AUTO else {precision: graphs[precision]}
        shared = {name: share_weights(graph, weight_files(folder)) for name, graph in wanted.items()}
        model = Classifier(TorchBackend(checkpoint, device=torch.device('cpu')), name=folder.name)
        on_stage(f'asking it about {len(clips)} utterances')
        expected = np.stack([model.classify(clip).probabilities for clip in clips])
        ways, threads = {'torch': model}, {'torch': torch.get_num_threads()}
        agreements: dict[str, Agreement] = {}
        for name, graph in wanted.items():
            on_stage(f'comparing {name} with it')
            backend = _load(checkpoint, graph, folder, shared[name])
            ways[name] = way = Classifier(backend, name=folder.name)
            threads[name] = backend.threads
            agreements[name] = compare(expected, partial(_probabilities, way), clips)
        on_stage('timing them')
        sizes = {name: _megabytes(graph.parent) for name, graph in wanted.items()} | {'torch': _megabytes(folder)}
        candidates = [
            Candidate(name, threads[name], milliseconds, sizes[name], agreements.get(name))
            for name, milliseconds in zip(ways, _time(list(ways.values())), strict=True)
        ]
        best = _best(folder, candidates, agreements)
        form = OptimisedForm(
            precision=best.name,
            labels=checkpoint.labels,
            temperature=checkpoint.temperature,
            window=checkpoint.frontend.longest,
            clips=agreements[best.name].clips,
            labels_equal=agreements[best.name].labels_equal,
            largest_difference=agreements[best.name].largest_difference,
            sources=sources,
            shared=shared[best.name],
        )
        write_form(form, graphs[best.name].parent)
        _put_into_place(graphs[best.name].parent, folder / FOLDER, workshop)
    return Built(candidates, form)


def _load(checkpoint: Checkpoint, graph: Path, folder: Path, shared: dict[str, tuple[str, ...]]) -> OnnxBackend:
    return OnnxBackend(
        graph,
        folder,
        shared=shared,
        labels=checkpoint.labels,
        temperature=checkpoint.temperature,
        window=checkpoint.frontend.longest,
    )


def _probabilities(way: Classifier, clip: np.ndarray) -> np.ndarray:
    return way.classify(clip).probabilities


def _time(ways: list[Classifier]) -> list[float]:
    """Return the median milliseconds of each for 3 s of sound, in turns so that a busy machine affects all alike."""
    noise = np.random.default_rng(0).normal(scale=0.01, size=round(_TIMED_SECONDS * SAMPLE_RATE)).astype(np.float32)
    times = [[way.classify(noise).inference_time for way in ways]]
    started = time.monotonic()
    while len(times) <= _TIMED_RUNS and time.monotonic() - started < _TIMED_FOR:
        times.append([way.classify(noise).inference_time for way in ways])
    return [float(value) * 1000 for value in np.median(times[1:] or times, axis=0)]


def _best(folder: Path, candidates: list[Candidate], agreements: dict[str, Agreement]) -> Candidate:
    """Return the fastest one that agrees with the model. Raises SerError if none does, or none is faster."""
    model, *optimised = candidates
    good = [candidate for candidate in optimised if agreements[candidate.name].is_good]
    if not good:
        figures = '; '.join(
            f'{name}: {agreement.labels_equal:.1%} of {agreement.clips} labels equal, '
            f'probabilities up to {agreement.largest_difference:.3f} apart'
            for name, agreement in agreements.items()
        )
        raise SerError(
            f'no optimised form of {folder} answers as the model does ({figures}; wanted: {LEAST_LABELS_EQUAL:.1%} and '
            f'{LARGEST_DIFFERENCE}); it still runs with model.backend torch'
        )
    best = min(good, key=lambda candidate: candidate.milliseconds)
    if best.milliseconds >= model.milliseconds:
        raise SerError(
            f'{folder} is not faster in any optimised form ({best.milliseconds:.1f} ms at best, '
            f'{model.milliseconds:.1f} ms in torch, for {_TIMED_SECONDS:.0f} s of sound); leave it in torch'
        )
    return best


def _put_into_place(made: Path, form: Path, workshop: Path) -> None:
    if form.exists():
        form.rename(workshop / 'before')
    made.rename(form)


def _megabytes(folder: Path) -> float:
    """Return the size of the weights, or of the graph with what lies beside it, in `folder`, 10^6 bytes."""
    return sum(file.stat().st_size for kind in ('*.safetensors', f'{GRAPH}*') for file in folder.glob(kind)) / 1e6


@contextmanager
def _workshop(folder: Path) -> Iterator[Path]:
    """Yield a folder beside the form, so that it can be moved into place at once; it is removed afterwards."""
    try:
        workshop = Path(tempfile.mkdtemp(prefix='.export-', dir=folder))
    except OSError as error:
        raise SerError(
            f'{folder} cannot be written ({error.strerror}); copy the model to a writable folder and give that'
        ) from None
    try:
        yield workshop
    except OSError as error:
        raise SerError(f'{error.filename or folder}: {error.strerror}; make room and try again') from None
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def _export(checkpoint: Checkpoint, graph: Path, folder: Path) -> None:
    try:
        export(checkpoint, graph)
    except (SerError, OSError):
        raise
    except Exception as error:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        raise SerError(
            f'{folder} cannot be exported ({reason(cause)}); it still runs with model.backend torch'
        ) from None
