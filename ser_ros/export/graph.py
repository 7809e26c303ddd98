# SPDX-License-Identifier: Apache-2.0
"""Writes a checkpoint as one ONNX graph, from samples to logits, in single precision or with int8 products."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from transformers import PreTrainedModel

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.errors import SerError
from ser_ros.export.features import make_features
from ser_ros.recognition.checkpoint import Checkpoint
from ser_ros.recognition.optimised_form import INPUT, LOGITS, POOLED

_EXAMPLE_SECONDS = 2.0
_LARGEST_FILE = 1_900_000_000
"""Bytes. A protobuf file may have 2 GiB; the weights of a larger graph are stored beside it."""


class _Recogniser(torch.nn.Module):
    """Features and network: everything between samples and logits."""

    def __init__(self, checkpoint: Checkpoint):
        super().__init__()
        frontend = checkpoint.frontend
        self._features = make_features(frontend.extractor, frontend.longest, frontend.masked)
        self._network = checkpoint.model
        self._labels = len(checkpoint.labels)

    def forward(self, samples: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        # The network has an _OpenHead.
        output = self._network(**self._features(samples)).logits[0]
        return output[: self._labels], output[self._labels :]


class _OpenHead(torch.nn.Module):
    """Takes the place of a network's `classifier`, and appends that layer's input, the pooled state, to its output."""

    def __init__(self, classifier: torch.nn.Module):
        super().__init__()
        self._classifier = classifier

    def forward(self, pooled: torch.Tensor) -> torch.Tensor:
        return torch.cat([self._classifier(pooled), pooled], dim=-1)


class _Pointwise(torch.nn.Module):
    """Replaces a convolution over one row, from (batch, channels, rows) to the same, by a matrix product."""

    def __init__(self, convolution: torch.nn.Conv1d):
        super().__init__()
        self._product = torch.nn.Linear(*convolution.weight.shape[1::-1], bias=convolution.bias is not None)
        self._product.weight = torch.nn.Parameter(convolution.weight[:, :, 0])
        self._product.bias = convolution.bias

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self._product(rows.transpose(1, 2)).transpose(1, 2)


def load_exporter() -> ModuleType:
    """Return the module `onnx`. Raises SerError if packages for the export are not installed."""
    try:
        import onnx
        import onnxscript  # noqa: F401 - torch needs it
    except ImportError as error:
        raise SerError(
            f'the package {error.name} is not installed, without which no model can be optimised; '
            'install it with `pip install onnx onnxscript`'
        ) from None
    return onnx


def export(checkpoint: Checkpoint, graph: Path) -> None:
    """Write `graph` in single precision for a checkpoint on the CPU. Raises SerError."""
    load_exporter()
    count = int(_EXAMPLE_SECONDS * SAMPLE_RATE)
    if checkpoint.frontend.longest is not None:
        count = min(count, checkpoint.frontend.longest - 1)
    samples = torch.randn(1, count, generator=torch.Generator().manual_seed(0))
    network = checkpoint.model
    recogniser = _Recogniser(checkpoint).eval()
    with _quiet(), _plain_attention(network), _plain_products(network), _open_head(network):
        program = torch.onnx.export(
            recogniser,
            (samples,),
            dynamo=True,
            dynamic_shapes={'samples': {1: torch.export.Dim.DYNAMIC}},
            input_names=[INPUT],
            output_names=[LOGITS, POOLED],
            verbose=False,
        )
    model = program.model_proto
    _forget_origins(model)
    save(model, graph)


def quantise(graph: Path, quantised: Path) -> None:
    """Write `quantised`: the matrix products of `graph` with weights in int8, activations too at run time.

    Both unsigned: with signed weights, sums overflow on CPUs that have AVX2 but not VNNI. Convolutions stay in single
    precision: ONNX Runtime has no fast int8 ones on CPUs.
    """
    onnx = load_exporter()
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with _quiet():
        quantize_dynamic(
            graph,
            quantised,
            op_types_to_quantize=['MatMul', 'Gemm'],
            per_channel=True,
            weight_type=QuantType.QUInt8,
            extra_options={'MatMulConstBOnly': True},
            use_external_data_format=_size(graph) > _LARGEST_FILE,
        )
        model = onnx.load(quantised)
    save(model, quantised)


def save(model: Any, graph: Path) -> None:
    """Write `model` as `graph`, with its weights beside it if they are too large for one file."""
    onnx = load_exporter()
    for file in graph.parent.glob(f'{graph.name}*'):
        file.unlink()
    large = sum(len(tensor.raw_data) for tensor in model.graph.initializer) > _LARGEST_FILE
    onnx.save(model, graph, save_as_external_data=large, location=f'{graph.name}.data' if large else None)


def _forget_origins(model: Any) -> None:
    """Remove the source location of each node: it is the greater part of a small graph."""
    for node in model.graph.node:
        node.ClearField('doc_string')
        del node.metadata_props[:]
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
    del model.graph.metadata_props[:]
    del model.metadata_props[:]


def _size(graph: Path) -> int:
    return sum(file.stat().st_size for file in graph.parent.glob(f'{graph.name}*'))


@contextlib.contextmanager
def _plain_attention(network: PreTrainedModel) -> Iterator[None]:
    """Use plain attention: torch's own cannot be exported if it has a bias for positions (Wav2Vec2-BERT)."""
    before = network.config._attn_implementation
    network.set_attn_implementation('eager')
    try:
        yield
    finally:
        network.set_attn_implementation(before)


def _is_product(convolution: torch.nn.Conv1d) -> bool:
    is_one_row = convolution.kernel_size == convolution.stride == (1,)
    return is_one_row and convolution.groups == 1 and convolution.padding == (0,)


@contextlib.contextmanager
def _plain_products(network: PreTrainedModel) -> Iterator[None]:
    """Write convolutions over one row as the matrix products that they are, which can be quantised."""
    replaced = []
    for parent in list(network.modules()):
        for name, module in parent.named_children():
            if isinstance(module, torch.nn.Conv1d) and _is_product(module):
                replaced.append((parent, name, module))
    for parent, name, module in replaced:
        setattr(parent, name, _Pointwise(module))
    try:
        yield
    finally:
        for parent, name, module in replaced:
            setattr(parent, name, module)


@contextlib.contextmanager
def _open_head(network: PreTrainedModel) -> Iterator[None]:
    """Let the network return its pooled state with the logits."""
    closed = network.classifier
    network.classifier = _OpenHead(closed)
    try:
        yield
    finally:
        network.classifier = closed


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporters' reports, graphs and tracebacks off the console; what matters of them is in the exception."""
    before, nowhere = logging.root.manager.disable, io.StringIO()
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            warnings.simplefilter('ignore')
            yield
    finally:
        logging.disable(before)
