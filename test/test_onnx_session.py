# SPDX-License-Identifier: Apache-2.0
"""No session keeps something for each length of its input: no two utterances are equally long."""

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
