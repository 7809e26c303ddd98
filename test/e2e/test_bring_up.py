# SPDX-License-Identifier: Apache-2.0
"""What a robot developer gets wrong at first: parameter files, arguments, names; over real rclpy and DDS."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from rcl_interfaces.srv import GetParameters, SetParameters
from rclpy.parameter import parameter_dict_from_yaml_file
from std_msgs.msg import Int16MultiArray, String

SHIPPED = Path(__file__).resolve().parents[2] / 'config' / 'ser.yaml'
NODES = ('ser_node', 'mic_node')

SILENT = {'audio__source': 'topic', 'audio__topic': '/nothing'}
"""Parameters of a node that comes up without sound."""


def run(node: str, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, '-m', f'ser_ros.cli.{node}', *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def sentence_of(done: subprocess.CompletedProcess) -> str:
    """Return the one sentence that is ours; rcl logs a line of its own before it."""
    assert done.returncode == 1, done.stderr
    assert 'Traceback' not in done.stderr, done.stderr
    (sentence,) = [line for line in done.stderr.splitlines() if line.startswith('ser_ros: ')]
    return sentence


@pytest.mark.parametrize('node', NODES)
def test_a_bad_parameter_file_ends_the_node_with_rcls_reason(ros_domain, tmp_path, node):
    file = tmp_path / 'given.yaml'
    file.write_text('ser:\n\tros__parameters:\n')
    sentence = sentence_of(run(node, '--ros-args', '--params-file', str(file)))
    assert 'near line 1' in sentence and str(file) in sentence and 'give a YAML file' in sentence


@pytest.mark.parametrize('node', NODES)
def test_what_is_no_ros_argument_is_refused(ros_domain, node):
    done = run(node, '--params-file', 'x.yaml')
    assert done.returncode == 2 and 'unrecognized arguments: --params-file' in done.stderr


def test_misspelt_parameters_and_files_for_other_nodes_are_told(start_node, observe, tmp_path):
    ours, others = tmp_path / 'ours.yaml', tmp_path / 'others.yaml'
    ours.write_text('/**:\n  ros__parameters:\n    vad:\n      thresold: 0.3\n      end_silence: 0.7\n')
    others.write_text('emotion_node:\n  ros__parameters:\n    vad:\n      end_silence: 0.9\n')
    arguments = ['--params-file', str(ours), '--params-file', str(others)]
    node = start_node(namespace='robot', arguments=arguments, **SILENT)
    observer = observe(namespace='robot')
    observer.wait_until(lambda: 'listening to' in node.output, 'the node listens')
    assert "'vad.thresold' is not known and has no effect; did you mean 'vad.threshold'?" in node.output
    assert f'{others} has parameters for /emotion_node and none for this node, /robot/ser' in node.output
    assert f'{ours} has' not in node.output
    assert node.end() == 0


def test_the_shipped_file_can_be_loaded_onto_a_running_node(start_node, observe, tmp_path):
    """As `ros2 param load` does; what stays as it is is no change, what does not is refused as ever."""
    node = start_node()
    observer = observe()
    observer.wait_until(lambda: 'listening to' in node.output, 'the node listens')

    def load(content: dict) -> dict[str, str]:
        """Return why each parameter that was refused was."""
        file = tmp_path / 'loaded.yaml'
        file.write_text(yaml.safe_dump(content))
        parameters = list(parameter_dict_from_yaml_file(str(file), use_wildcard=True).values())
        results = observer.call(SetParameters, 'set_parameters', SetParameters.Request(parameters=parameters)).results
        assert len(results) == len(parameters) > 30
        pairs = zip(parameters, results, strict=True)
        return {parameter.name: result.reason for parameter, result in pairs if not result.successful}

    content = yaml.safe_load(SHIPPED.read_text())
    assert load(content) == {}
    content['/**']['ros__parameters']['audio']['channel'] = 1
    content['/**']['ros__parameters']['vad']['end_silence'] = 0.8
    refused = load(content)
    assert list(refused) == ['audio.channel'] and 'cannot change while' in refused['audio.channel']
    request = GetParameters.Request(names=['vad.end_silence'])
    assert observer.call(GetParameters, 'get_parameters', request).values[0].double_value == 0.8
    assert node.end() == 0


def test_faults_of_the_sound_are_in_the_log_when_they_begin_and_when_they_end(start_node, observe, speech, make_talker):
    node = start_node(audio__source='topic')
    observer = observe()
    nobody, stranger = (
        'no sound comes on the topic /audio; start the microphone node',
        'which is not a supported audio type',
    )
    observer.wait_until(lambda: nobody in node.output, 'it is told that nobody publishes')
    wrong = observer.node.create_publisher(String, '/audio', 1)
    observer.wait_until(lambda: stranger in node.output, 'the wrong type is told')
    observer.node.destroy_publisher(wrong)
    talker = make_talker(observer)
    observer.wait_until(lambda: 'in order again' in node.output, 'the end is told')
    talker.say(speech)
    observer.wait_until(lambda: observer.finals, 'an utterance is answered')
    talker.close()
    zeros = observer.node.create_publisher(Int16MultiArray, '/audio', 10)

    def only_zeros_are_told() -> bool:
        zeros.publish(Int16MultiArray(data=[0] * 1600))
        return 'only zeros' in node.output

    observer.wait_until(only_zeros_are_told, 'zeros are told')
    assert node.output.count(nobody) == node.output.count(stranger) == node.output.count('only zeros') == 1, node.output
    assert node.end() == 0
