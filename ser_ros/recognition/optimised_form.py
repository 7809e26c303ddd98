# SPDX-License-Identifier: Apache-2.0
"""The optimised form of a model, stored beside its weights: what belongs to it and whether it is still valid.

`<model folder>/optimized/` holds `model.onnx`, which takes samples and gives logits without torch, and
`optimized.json`, which states from which weights it was built, how it was checked, and which tensors the graph does not
hold itself: they are read from the model's files of weights when it is loaded.
"""

import dataclasses
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ser_ros.errors import SerError
from ser_ros.files import check_plain, open_plain
from ser_ros.recognition.model_files import read_json, source_files
from ser_ros.recognition.model_settings import check_names, is_temperature

FOLDER = 'optimized'
GRAPH = 'model.onnx'
MANIFEST = 'optimized.json'

FORMAT = 3
"""Increased when earlier graphs can no longer be run."""

INPUT = 'samples'
"""float32, shape (1, n), 16 kHz, n at most the model's window."""
LOGITS = 'logits'
"""float32, shape (labels,)."""
POOLED = 'pooled'
"""float32, shape (width,); what the logits are made from."""

WEIGHT = 'weight/'
"""What the graph calls a tensor of the model's files of weights is this and then its name there."""

PRECISIONS = ('int8', 'float32')

_LARGEST_GRAPH = 1 << 31
"""Bytes; a file of protobuf cannot have more."""

_BLOCK = 1 << 20
"""Bytes that are read at a time."""


@dataclass(frozen=True)
class SourceFile:
    """One file of the model folder that the form was built from."""

    size: int
    modified: int
    """Nanoseconds since 1970."""
    sha256: str


@dataclass(frozen=True)
class OptimisedForm:
    """What `optimized.json` says.

    Attributes:
        precision: Of the matrix products, one of PRECISIONS.
        labels: In the order of the logits.
        temperature: Positive; what the logits are divided by before the softmax.
        window: Samples that the model can take at once; None if there is no limit.
        clips: How many real utterances it was checked on against the original.
        labels_equal: Share of them with the same label, 0..1.
        largest_difference: Between any two probabilities, 0..1.
        sources: File name -> its description.
        shared: Name of one of these files -> names of the tensors in it that the graph takes from there.
    """

    precision: str
    labels: tuple[str, ...]
    temperature: float
    window: int | None
    clips: int
    labels_equal: float
    largest_difference: float
    sources: dict[str, SourceFile]
    shared: dict[str, tuple[str, ...]]
    format: int = FORMAT


def graph_path(model: Path) -> Path:
    """Return the path of the graph of the model folder `model`."""
    return model / FOLDER / GRAPH


def describe_sources(model: Path) -> dict[str, SourceFile]:
    """Return what an optimised form of the model folder `model` is built from. Raises SerError."""
    try:
        return {path.name: _describe(path) for path in source_files(model)}
    except OSError as error:
        raise SerError(f'{error.filename} cannot be read ({error.strerror}); copy the model again') from None


def write_form(form: OptimisedForm, folder: Path) -> None:
    """Write `optimized.json` into `folder`."""
    text = json.dumps(dataclasses.asdict(form), indent=1)
    (folder / MANIFEST).write_text(text + '\n', encoding='utf-8')


def read_form(model: Path) -> OptimisedForm | None:
    """Return the optimised form of the model folder `model`; None if there is none.

    Raises SerError if it cannot be read, is of another format, was built from other weights, or says what no model can
    be: that the folder holds anything but plain files, labels without names, a temperature of 0.
    """
    folder = model / FOLDER
    if not os.path.lexists(folder):
        return None
    cure = f'build it again: `ros2 run ser_ros optimize {model}`'
    try:
        form = _form(str(folder), read_json(folder / MANIFEST) or {})
        _check_files(folder)
    except SerError as error:
        raise SerError(f'{folder} cannot be used ({str(error).partition(";")[0]}); {cure}') from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise SerError(f'{folder} is damaged or of another version of ser_ros; {cure}') from None
    if not _are_unchanged(model, form.sources):
        raise SerError(f'{folder} was built from other weights than those in {model}; {cure}')
    return form


def _form(where: str, values: dict[str, Any]) -> OptimisedForm:
    """Return `values` as a form. Raises SerError, ValueError, TypeError, KeyError or AttributeError."""
    sources = {name: SourceFile(**source) for name, source in values['sources'].items()}
    labels = check_names(where, list(values['labels']))
    shared = {file: tuple(map(str, names)) for file, names in values['shared'].items()}
    form = OptimisedForm(**values | {'labels': labels, 'sources': sources, 'shared': shared})
    is_window = form.window is None or (type(form.window) is int and form.window > 0)
    is_known = form.format == FORMAT and form.precision in PRECISIONS
    if not (is_known and is_window and is_temperature(form.temperature) and set(shared) <= set(sources)):
        raise ValueError(values)
    return form


def _check_files(folder: Path) -> None:
    """Raise SerError or OSError unless the graph and all that may lie beside it are plain files."""
    check_plain(folder / GRAPH, _LARGEST_GRAPH)
    for path in folder.iterdir():
        check_plain(path)


def _are_unchanged(model: Path, sources: dict[str, SourceFile]) -> bool:
    paths = source_files(model)
    return [path.name for path in paths] == sorted(sources) and all(
        _is_unchanged(path, sources[path.name]) for path in paths
    )


def _is_unchanged(path: Path, source: SourceFile) -> bool:
    try:
        status = path.stat()
        if status.st_size != source.size:
            return False
        # A copy has another time; only then is the content read, which takes a second for each GB.
        return status.st_mtime_ns == source.modified or _sha256(path) == source.sha256
    except (OSError, SerError):
        return False


def _describe(path: Path) -> SourceFile:
    status = path.stat()
    return SourceFile(status.st_size, status.st_mtime_ns, _sha256(path))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open_plain(path) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
