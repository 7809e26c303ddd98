# SPDX-License-Identifier: Apache-2.0
"""What a graph has in common with the model's files of weights is taken from there, and the graph computes the same."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file

from ser_ros.export import graph as graph_module
from ser_ros.export.shared_weights import share_weights
from ser_ros.onnx_session import open_session
from ser_ros.recognition.optimised_form import WEIGHT
from ser_ros.recognition.weight_tensors import read_tensors

HALVES = np.random.default_rng(0).normal(size=(64, 80)).astype(np.float16)
SINGLES = np.random.default_rng(1).normal(size=(64, 80)).astype(np.float32)
OF_HALVES = HALVES.astype(np.float32)
EIGHTHS = torch.from_numpy(HALVES).to(torch.float8_e4m3fn)
OF_EIGHTHS = EIGHTHS.float().numpy()
OTHER = np.random.default_rng(2).normal(size=(64, 80)).astype(np.float32)


def write_graph(path, weights):
    """Write a graph that returns the sum of its input, one number, and each of the `weights`."""
    nodes = [helper.make_node('Add', ['x', name], [f'{name}_sum']) for name in weights]
    ends = [
        helper.make_tensor_value_info(f'{name}_sum', TensorProto.FLOAT, value.shape) for name, value in weights.items()
    ]
    graph = helper.make_graph(
        nodes,
        'made',
        [helper.make_tensor_value_info('x', TensorProto.FLOAT, [])],
        ends,
        [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=10), path)


def write_weights(path, **tensors):
    save_file({name: torch.as_tensor(value).contiguous() for name, value in tensors.items()}, path)


def answers(path, shared):
    """Return what the graph `path` gives, by name."""
    read = read_tensors(path.parent, shared)
    session = open_session(path, threads=1, weights={f'{WEIGHT}{name}': value for name, value in read.items()})
    names = [end.name for end in session.get_outputs()]
    return dict(zip(names, session.run(names, {'x': np.array(0.5, np.float32)}), strict=True))


def share(folder, graph, *files):
    """Share the weights of a graph that has the values `graph`, and check that it computes the same.

    Returns what is shared, the names of the initializers that the graph still holds, and its size before and after.
    """
    path = folder / 'model.onnx'
    write_graph(path, graph)
    size, before = path.stat().st_size, answers(path, {})
    shared = share_weights(path, [folder / file for file in files or ['model.safetensors']])
    after = answers(path, shared)
    assert {name: value.tobytes() for name, value in after.items()} == {
        name: value.tobytes() for name, value in before.items()
    }
    initializers = onnx.load(path, load_external_data=False).graph.initializer
    held = {tensor.name for tensor in initializers if tensor.data_location != TensorProto.EXTERNAL}
    assert {tensor.name for tensor in initializers} - held == {
        f'{WEIGHT}{name}' for names in shared.values() for name in names
    }
    return shared, held, (size, path.stat().st_size)


FOUND = {
    'in single precision': (SINGLES, SINGLES),
    'in half precision': (HALVES, OF_HALVES),
    'in single precision, transposed': (SINGLES, SINGLES.T),
    'in half precision, transposed': (HALVES, OF_HALVES.T),
    'in float8': (EIGHTHS, OF_EIGHTHS),
    'in float8, transposed': (EIGHTHS, OF_EIGHTHS.T),
    'a convolution': (HALVES.reshape(8, 8, 80), OF_HALVES.reshape(8, 8, 80)),
    'a convolution over one row': (HALVES[:, :, None], OF_HALVES),
    'a convolution over one row, transposed': (HALVES[:, :, None], OF_HALVES.T),
    'a vector': (SINGLES.ravel(), SINGLES.ravel()),
    'not a number': (np.full((64, 64), np.nan, np.float32), np.full((64, 64), np.nan, np.float32)),
    'infinite': (np.full((64, 64), np.inf, np.float16), np.full((64, 64), np.inf, np.float32)),
}


@pytest.mark.parametrize('case', FOUND)
def test_a_tensor_of_the_file_is_not_stored_again(tmp_path, case):
    in_file, in_graph = FOUND[case]
    write_weights(tmp_path / 'model.safetensors', layer=in_file, other=OTHER[:63])
    shared, held, (before, after) = share(tmp_path, {'matrix': in_graph, 'own': OTHER})
    assert (shared, held) == ({'model.safetensors': ('layer',)}, {'own'})
    assert before - after > 0.95 * in_graph.nbytes


NOT_FOUND = {
    'other values': (np.nextafter(SINGLES, np.inf), SINGLES),
    'half of the precision': (SINGLES.astype(np.float16), SINGLES),
    'another sign of 0': (np.zeros((64, 80), np.float32), np.full((64, 80), -0.0, np.float32)),
    'a part': (SINGLES, SINGLES[:60]),
    'too small to be worth it': (SINGLES[:50], SINGLES[:50]),
    'dimensions in another order': (
        SINGLES.reshape(4, 16, 80),
        SINGLES.reshape(4, 16, 80).transpose(2, 1, 0),
    ),
    'bfloat16, which numpy lacks': (
        torch.from_numpy(HALVES).to(torch.bfloat16),
        torch.from_numpy(HALVES).to(torch.bfloat16).float().numpy(),
    ),
    'double precision': (SINGLES.astype(np.float64), SINGLES),
    'whole numbers': (np.ones((64, 80), np.int64), np.ones((64, 80), np.float32)),
}


@pytest.mark.parametrize('case', NOT_FOUND)
def test_what_the_file_does_not_hold_stays_in_the_graph(tmp_path, case):
    in_file, in_graph = NOT_FOUND[case]
    write_weights(tmp_path / 'model.safetensors', layer=in_file)
    shared, held, (before, after) = share(tmp_path, {'matrix': in_graph})
    assert (shared, held) == ({}, {'matrix'})
    assert after == before


def test_tensors_that_are_used_several_times_are_asked_for_once(tmp_path):
    write_weights(tmp_path / 'model.safetensors', layer=HALVES, single=SINGLES)
    uses = {'once': OF_HALVES, 'again': OF_HALVES, 'transposed': OF_HALVES.T, 'single': SINGLES, 'same': SINGLES}
    shared, held, _ = share(tmp_path, uses)
    assert (shared, held) == ({'model.safetensors': ('layer', 'single')}, set())


def test_a_tensor_may_be_called_as_a_value_of_the_graph(tmp_path):
    write_weights(tmp_path / 'model.safetensors', matrix=HALVES, matrix_Cast=SINGLES)
    shared, held, _ = share(tmp_path, {'matrix': OF_HALVES.T, 'x_Cast': SINGLES.T})
    assert (shared, held) == ({'model.safetensors': ('matrix', 'matrix_Cast')}, set())


def test_weights_in_several_files(tmp_path):
    """Where two hold a tensor of one name, the last one's is the model's."""
    write_weights(tmp_path / 'a.safetensors', first=HALVES, twice=OTHER)
    write_weights(tmp_path / 'b.safetensors', second=SINGLES, twice=OTHER + 1)
    graph = {'one': OF_HALVES, 'two': SINGLES.T, 'three': OTHER, 'four': OTHER + 1}
    shared, held, _ = share(tmp_path, graph, 'a.safetensors', 'b.safetensors')
    assert shared == {'a.safetensors': ('first',), 'b.safetensors': ('second', 'twice')}
    assert held == {'three'}


@pytest.mark.parametrize(('own', 'files'), [(30, ['model.onnx']), (64, ['model.onnx', 'model.onnx.data'])])
def test_whether_one_file_is_large_enough_is_decided_by_what_is_left(tmp_path, monkeypatch, own, files):
    monkeypatch.setattr(graph_module, '_LARGEST_FILE', 15_000)
    write_weights(tmp_path / 'model.safetensors', layer=HALVES)
    path, weights = tmp_path / 'model.onnx', {'matrix': OF_HALVES, 'own': OTHER[:own]}
    write_graph(path, weights)
    before = answers(path, {})
    graph_module.save(onnx.load(path), path)
    assert (tmp_path / 'model.onnx.data').exists()
    shared = share_weights(path, [tmp_path / 'model.safetensors'])
    assert shared == {'model.safetensors': ('layer',)}
    assert sorted(file.name for file in tmp_path.glob('model.onnx*')) == files
    after = answers(path, shared)
    for name, value in before.items():
        np.testing.assert_array_equal(after[name], value)
