# SPDX-License-Identifier: Apache-2.0
"""Takes out of a graph what the model's files of weights hold anyway; loading the graph takes it from there."""

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ser_ros.export.graph import load_exporter, save
from ser_ros.recognition.optimised_form import WEIGHT
from ser_ros.recognition.weight_tensors import each_tensor

_SMALLEST = 4096
"""Values; a smaller tensor is not worth another node."""


@dataclass(frozen=True)
class _Use:
    """How a graph can use one tensor of a file of weights: as it is, or transposed."""

    file: str
    tensor: str
    dtype: np.dtype
    shape: tuple[int, ...]
    transposed: bool

    @property
    def initializer(self) -> str:
        """What the graph calls the tensor."""
        return f'{WEIGHT}{self.tensor}'


def share_weights(graph: Path, files: list[Path]) -> dict[str, tuple[str, ...]]:
    """Let `graph` take from the model's `files` of weights all that both hold; it computes the same.

    They share a tensor that the files have in half or single precision, as in the graph or transposed. ONNX Runtime
    makes of it what the graph had, once, when it loads the graph.

    Returns:
        File name -> names of its tensors that the graph must now be given.
    """
    onnx = load_exporter()
    uses = _uses(files)
    model = onnx.load(graph)
    nodes: list[Any] = []
    tensors: dict[str, Any] = {}
    shared: dict[str, set[str]] = {}
    for index in reversed(range(len(model.graph.initializer))):
        held = model.graph.initializer[index]
        use = uses.get(_digest(onnx.numpy_helper.to_array(held))) if _may_be_shared(onnx, held) else None
        if use is not None:
            nodes += _nodes(onnx, use, held.name, tuple(held.dims))
            tensors[use.initializer] = _external(onnx, use)
            shared.setdefault(use.file, set()).add(use.tensor)
            del model.graph.initializer[index]
    model.graph.initializer.extend(tensors.values())
    for node in reversed(nodes):
        model.graph.node.insert(0, node)
    save(model, graph)
    return {file: tuple(sorted(names)) for file, names in sorted(shared.items())}


def _may_be_shared(onnx: ModuleType, tensor: Any) -> bool:
    return tensor.data_type == onnx.TensorProto.FLOAT and math.prod(tensor.dims) >= _SMALLEST


def _uses(files: list[Path]) -> dict[bytes, _Use]:
    """Return the uses of the tensors in `files` by the digest of what they give."""
    # Of tensors of the same name the last one counts, as where the model is loaded.
    by_name = {name: _uses_of(file.name, name, values) for file in files for name, values in each_tensor(file)}
    return {digest: use for uses in by_name.values() for digest, use in uses.items()}


def _uses_of(file: str, tensor: str, values: np.ndarray) -> dict[bytes, _Use]:
    if values.size < _SMALLEST:
        return {}
    # A matrix may have more dimensions, as the weights of a convolution over one row.
    turned = [True] if values.squeeze().ndim == 2 else []
    return {
        _digest(values.T if transposed else values): _Use(file, tensor, values.dtype, values.shape, transposed)
        for transposed in (*turned, False)
    }


def _digest(values: np.ndarray) -> bytes:
    """Return what two arrays have in common if and only if they hold the same bits, in single precision."""
    return hashlib.sha256(np.ascontiguousarray(values, dtype=np.float32).data).digest()


def _nodes(onnx: ModuleType, use: _Use, name: str, shape: tuple[int, ...]) -> list[Any]:
    """Return the nodes that make of the tensor the value `name`, in single precision and of that `shape`."""
    nodes: list[Any] = []
    steps: list[tuple[str, list[str], dict[str, Any]]] = []
    if use.transposed:
        steps.append(('Transpose', [], {}))
    if shape != (use.shape[::-1] if use.transposed else use.shape):
        nodes.append(onnx.helper.make_node('Constant', [], [f'{name}/shape'], value_ints=shape))
        steps.append(('Reshape', [f'{name}/shape'], {}))
    # Last, so that what is transposed while the graph is loaded takes half the memory.
    if use.dtype != np.float32:
        steps.append(('Cast', [], {'to': onnx.TensorProto.FLOAT}))
    steps = steps or [('Identity', [], {})]
    values = [use.initializer, *(f'{name}/{operator}' for operator, *_ in steps[:-1]), name]
    for (operator, inputs, attributes), before, after in zip(steps, values, values[1:], strict=False):
        nodes.append(onnx.helper.make_node(operator, [before, *inputs], [after], **attributes))
    return nodes


def _external(onnx: ModuleType, use: _Use) -> Any:
    """Return an initializer without values; where they lie is only told, for it is not there that they are read."""
    data_type = onnx.helper.np_dtype_to_tensor_dtype(use.dtype)
    tensor = onnx.TensorProto(name=use.initializer, data_type=data_type, dims=use.shape)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key='location', value=use.file)
    return tensor
