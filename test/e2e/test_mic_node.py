# SPDX-License-Identifier: Apache-2.0
"""The microphone node, which publishes what a microphone hears, and the node that hears it."""

import subprocess
import sys

import pytest

from ser_ros.node.messages import seconds
from ser_ros.testing.node_process import MIC_NODE, NodeProcess

PACKAGE = 'audio_common_msgs/msg/'
MULTI = 'std_msgs/msg/Int16MultiArray'


@pytest.fixture
def mic_node(ros_domain, tmp_path):
    """Start microphone nodes; what still runs at the end is killed."""
    made = []

    def start(environment=None, **parameters) -> NodeProcess:
        named = {name.replace('__', '.'): value for name, value in parameters.items()}
        log = tmp_path / f'mic{len(made)}.log'
        made.append(NodeProcess(named, program=MIC_NODE, log=log, patience=60.0, environment=environment))
        return made[-1]

    yield start
    for node in made:
        node.kill()


@pytest.mark.parametrize('package', ['', 'ros_drivers'])
def test_the_microphone_node_is_heard(
    microphone, listen_to_topic, mic_node, interfaces, beginning, said_first, package
):
    """Between both a network: from the null sink to the emotions, and the microphone node ends cleanly."""
    type_name = f'{PACKAGE}AudioDataStamped' if package else MULTI
    virtual = microphone()
    node, observer = listen_to_topic(package)
    capturing = mic_node(interfaces(package) if package else {}, audio__frame_id='left ear')
    observer.wait_until_hearing(node, type_name)
    observer.wait_for_level('microphone', 'OK')
    virtual.play(beginning)
    observer.wait_until(lambda: len(observer.finals) >= len(said_first), 'all utterances are answered')
    assert len(observer.finals) == len(said_first)
    first = seconds(observer.finals[0].header.stamp) - said_first[0]['start']
    # Without stamps the time of publication serves, which a busy machine delays.
    near = 0.2 if package else 0.6
    for message, truth in zip(observer.finals, said_first, strict=True):
        assert seconds(message.duration) == pytest.approx(truth['duration'], abs=0.6)
        assert seconds(message.header.stamp) - first == pytest.approx(truth['start'], abs=near)
    # Not the gaps: a machine that is busy with other tests may really lose sound between the two.
    assert observer.count('reordered') == observer.count('duplicates') == 0
    assert capturing.end() == 0, capturing.output
    assert 'Traceback' not in capturing.output


def test_the_microphone_node_waits_for_a_microphone(microphone, listen_to_topic, mic_node, beginning):
    virtual = microphone(switched_on=False)
    _node, observer = listen_to_topic()
    capturing = mic_node()
    observer.wait_until(lambda: 'it is waited for' in capturing.output, 'it is told that there is no microphone')
    virtual.switch_on()
    virtual.plug_in()
    observer.wait_for_level('microphone', 'OK')
    virtual.play(beginning)
    observer.wait_until(lambda: observer.finals, 'an utterance is answered')
    assert capturing.end() == 0, capturing.output
    assert 'in order again' in capturing.output and 'Traceback' not in capturing.output


@pytest.mark.parametrize(
    ('parameters', 'words'),
    [
        ({'audio__device': 'no such microphone', 'audio__wait': False}, 'ros2 run ser_ros devices'),
        ({'message': 'std_msgs/msg/String'}, 'auto (the most informative'),
        ({'message': f'{PACKAGE}AudioStamped'}, 'github.com/mgonzs13/audio_common'),
        ({'audio__channel': 300}, 'audio.channel must be from -1 to 255'),
        ({'audio__channel': 'left'}, 'give a whole number'),
    ],
)
def test_the_microphone_node_tells_in_one_sentence_what_it_cannot(microphone, mic_node, parameters, words):
    microphone()
    capturing = mic_node(**parameters)
    assert capturing.wait() == 1, capturing.output
    assert words in capturing.output and 'Traceback' not in capturing.output


def test_the_microphone_node_explains_itself():
    done = subprocess.run(
        [sys.executable, '-m', 'ser_ros.cli.mic_node', '--help'], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    assert 'example: ros2 run ser_ros mic_node' in ' '.join(done.stdout.split())
