# SPDX-License-Identifier: Apache-2.0
"""The optimised form of a model, stored beside its weights: what belongs to it and whether it is still valid.

`<model folder>/optimized/` holds `model.onnx`, which takes samples and gives logits without torch, and
`optimized.json`, which states from which weights it was built and how it was checked.
"""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from ser_ros.errors import SerError

FOLDER = 'optimized'
GRAPH = 'model.onnx'
MANIFEST = 'optimized.json'

FORMAT = 2
"""Increased when earlier graphs can no longer be run."""

INPUT = 'samples'
"""float32, shape (1, n), 16 kHz, n at most the model's window."""
LOGITS = 'logits'
"""float32, shape (labels,)."""
POOLED = 'pooled'
"""float32, shape (width,); what the logits are made from."""

PRECISIONS = ('int8', 'float32')

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
    """

    precision: str
    labels: tuple[str, ...]
    temperature: float
    window: int | None
    clips: int
    labels_equal: float
    largest_difference: float
    sources: dict[str, SourceFile]
    format: int = FORMAT


def graph_path(model: Path) -> Path:
    """Return the path of the graph of the model folder `model`."""
    return model / FOLDER / GRAPH


def describe_sources(model: Path) -> dict[str, SourceFile]:
    """Return what an optimised form of the model folder `model` is built from."""
    return {path.name: _describe(path) for path in _source_files(model)}


def write_form(form: OptimisedForm, folder: Path) -> None:
    """Write `optimized.json` into `folder`."""
    text = json.dumps(dataclasses.asdict(form), indent=1)
    (folder / MANIFEST).write_text(text + '\n', encoding='utf-8')


def read_form(model: Path) -> OptimisedForm | None:
    """Return the optimised form of the model folder `model`; None if there is none.

    Raises SerError if it cannot be read, is of another format, or was built from other weights.
    """
    folder = model / FOLDER
    if not folder.exists():
        return None
    cure = f'build it again: `ros2 run ser_ros optimize {model}`'
    try:
        values = json.loads((folder / MANIFEST).read_text(encoding='utf-8'))
        sources = {name: SourceFile(**source) for name, source in values.pop('sources').items()}
        form = OptimisedForm(**values | {'labels': tuple(values['labels']), 'sources': sources})
        is_whole = (folder / GRAPH).is_file() and form.format == FORMAT and len(form.labels) > 1
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        is_whole = False
    if not is_whole:
        raise SerError(f'{folder} is damaged or of another version of ser_ros; {cure}')
    if not _are_unchanged(model, form.sources):
        raise SerError(f'{folder} was built from other weights than those in {model}; {cure}')
    return form


def _source_files(model: Path) -> list[Path]:
    return sorted([*model.glob('*.safetensors'), model / 'config.json', model / 'preprocessor_config.json'])


def _are_unchanged(model: Path, sources: dict[str, SourceFile]) -> bool:
    paths = _source_files(model)
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
    except OSError:
        return False


def _describe(path: Path) -> SourceFile:
    status = path.stat()
    return SourceFile(status.st_size, status.st_mtime_ns, _sha256(path))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
