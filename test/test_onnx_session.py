# SPDX-License-Identifier: Apache-2.0
"""What sessions keep: nothing for each length of their input, for no two are equally long; copies of weights."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from ser_ros.onnx_session import open_session
from ser_ros.recognition.classifier import Classifier
from ser_ros.resources import share_folder
from ser_ros.speech.firered import FireRedVad, network_file
from ser_ros.speech.silero import SileroVad


def sessions():
    default = Classifier.load(share_folder() / 'models' / 'default', 'cpu', 'onnx')
    yield 'recogniser', default._backend._session
    yield 'detectors', SileroVad()._session
    yield 'detectors and verifier', FireRedVad()._session
    yield 'another', open_session(network_file(), threads=1)


def test_no_session_keeps_a_memory_pattern_for_each_length():
    patterns = {name: session.get_session_options().enable_mem_pattern for name, session in sessions()}
    assert len(patterns) == 4 and not any(patterns.values()), patterns


@pytest.mark.parametrize('dtype', [np.float16, np.float32])
@pytest.mark.parametrize('operator', ['Add', 'MatMul'])
def test_weights_that_a_session_is_given_are_copied(tmp_path, operator, dtype):
    """The session gives no one else's memory to its graph: that would be other numbers once it is used again."""
    weight = TensorProto(name='weight', dims=[300, 300], data_type=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key='location', value='model.safetensors')
    nodes = [
        helper.make_node('Cast', ['weight'], ['single'], to=TensorProto.FLOAT),
        helper.make_node(operator, ['x', 'single'], ['y']),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [300, 300]) for name in 'xy']
    graph = helper.make_graph(nodes, 'made', ends[:1], ends[1:], [weight])
    path = tmp_path / 'model.onnx'
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=10), path)
    values = np.ones((300, 300), dtype)
    session = open_session(path, threads=1, weights={'weight': values})
    x = {'x': np.ones((300, 300), np.float32)}
    (before,) = session.run(None, x)
    values[:] = 7
    np.testing.assert_array_equal(session.run(None, x)[0], before)
    assert before[0, 0] == {'Add': 2, 'MatMul': 300}[operator]
