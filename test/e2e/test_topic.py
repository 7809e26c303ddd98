# SPDX-License-Identifier: Apache-2.0
"""Sound over a topic: capture nodes of every kind -> DDS -> the node, and the microphone node in their place."""

import json
import os
import subprocess
import sys

import pytest
import soundfile

from ser_ros.node.messages import seconds
from ser_ros.testing.node_process import MIC_NODE, NodeProcess

PACKAGE = 'audio_common_msgs/msg/'
MULTI = 'std_msgs/msg/Int16MultiArray'

TYPES = [
    ('ros_drivers', f'{PACKAGE}AudioDataStamped'),
    ('ros_drivers', f'{PACKAGE}AudioData'),
    ('mgonzs13', f'{PACKAGE}AudioStamped'),
    ('mgonzs13', f'{PACKAGE}AudioData'),
    ('', MULTI),
]


LENGTH = 7.6
"""Seconds of the demo's recording, which end between its second and third utterance: all is in real time here."""


@pytest.fixture(scope='module')
def recording(recording, tmp_path_factory):
    sound, rate = soundfile.read(recording, frames=int(LENGTH * 16_000), dtype='int16')
    file = tmp_path_factory.mktemp('recording') / 'beginning.wav'
    soundfile.write(file, sound, rate)
    return file


@pytest.fixture(scope='module')
def said(said):
    return said[:2]


class CaptureNode:
    """`ser_ros.testing.capture_node` in a process of its own."""

    def __init__(self, environment, options):
        self.process = subprocess.Popen(
            [sys.executable, '-m', 'ser_ros.testing.capture_node', json.dumps(options)],
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout.readline() == 'ready\n'

    def begin(self):
        self.process.stdin.write('begin\n')
        self.process.stdin.flush()

    def wait(self) -> float:
        """Return, when all is published, the capture time of the first sample."""
        return float(self.process.stdout.readline().split()[1])

    def close(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def capture(interfaces, ros_domain):
    """Start capture nodes, with the package that they need; what still runs at the end is killed."""
    made = []

    def start(type_name, file, *, package='', **options) -> CaptureNode:
        environment = interfaces(package) if package else {}
        made.append(CaptureNode(environment, {'type': type_name, 'file': str(file), **options}))
        return made[-1]

    yield start
    for each in made:
        each.close()


@pytest.fixture
def listen(start_node, observe, interfaces, monkeypatch):
    """Bring up a node that hears the topic `audio`, in the world of a stand-in package; return it and an observer."""

    def start(package='', **parameters):
        with monkeypatch.context() as world:
            for name, value in (interfaces(package) if package else {}).items():
                world.setenv(name, value)
            node = start_node(autostart=False, audio__source='topic', **parameters)
        observer = observe()
        assert observer.configure(), node.output
        assert observer.activate(), node.output
        return node, observer

    return start


def wait_until_connected(node, observer, type_name):
    observer.wait_until(lambda: f'hearing {type_name}' in node.output, 'the node has found the topic')


@pytest.mark.parametrize(('package', 'type_name'), TYPES)
def test_a_recording_is_heard_in_every_form(listen, capture, recording, said, package, type_name):
    node, observer = listen(package)
    publisher = capture(type_name, recording, package=package)
    wait_until_connected(node, observer, type_name)
    publisher.begin()
    observer.wait_until(lambda: len(observer.finals) >= len(said), 'all utterances are answered')
    begun = publisher.wait()
    observer.wait_until(lambda: 'no sound on the topic /audio' in observer.status('microphone')[1], 'silence is told')
    assert len(observer.finals) == len(said)
    # What has no stamp is timed by its publication, which a busy machine delays.
    tolerance = 0.2 if 'Stamped' in type_name else 0.5
    for message, truth in zip(observer.finals, said, strict=True):
        assert seconds(message.header.stamp) - begun == pytest.approx(truth['start'], abs=tolerance)
        assert 0.0 < seconds(message.latency) < 5.0
    for loss in ('overflows', 'gaps', 'duplicates', 'reordered'):
        assert observer.count(loss) == 0
    assert node.end() == 0, node.output
    assert 'Traceback' not in node.output


@pytest.mark.parametrize(('package', 'type_name'), [('mgonzs13', f'{PACKAGE}AudioStamped'), ('', MULTI)])
def test_half_a_second_that_lacks_ends_the_utterance(listen, capture, recording, said, package, type_name):
    node, observer = listen(package)
    publisher = capture(type_name, recording, package=package, gaps=[[2.0, 2.5]])
    wait_until_connected(node, observer, type_name)
    publisher.begin()
    observer.wait_until(lambda: len(observer.finals) >= 3, 'three utterances are answered')
    before, after, other = observer.finals[:3]
    begun = seconds(other.header.stamp) - said[1]['start']
    assert seconds(before.header.stamp) - begun == pytest.approx(said[0]['start'], abs=0.2)
    assert seconds(before.header.stamp) + seconds(before.duration) - begun < 2.1
    assert seconds(after.header.stamp) - begun > 2.45
    observer.wait_until(lambda: observer.count('gaps') == 1, 'the gap is counted')


def test_messages_that_come_twice_or_overtake_each_other_are_counted(listen, capture, recording, said):
    """At 64 ms each, the first in the silence before the speech, where a gap ends nothing."""
    node, observer = listen('mgonzs13')
    type_name = f'{PACKAGE}AudioStamped'
    publisher = capture(type_name, recording, package='mgonzs13', again=[5, 30, 90], late=[8])
    wait_until_connected(node, observer, type_name)
    publisher.begin()
    observer.wait_until(lambda: len(observer.finals) >= 2, 'two utterances are answered')
    assert [seconds(message.duration) for message in observer.finals[:2]] == [
        pytest.approx(truth['duration'], abs=0.5) for truth in said[:2]
    ]
    observer.wait_until(lambda: observer.count('duplicates') == 3, 'the duplicates are counted')
    assert observer.count('reordered') == 1


def test_mp3_is_refused_with_the_capture_nodes_setting(listen, capture, recording):
    node, observer = listen('ros_drivers')
    publisher = capture(f'{PACKAGE}AudioDataStamped', recording, package='ros_drivers', coding='mp3')
    wait_until_connected(node, observer, f'{PACKAGE}AudioDataStamped')
    publisher.begin()
    observer.wait_for_level('microphone', 'ERROR', 'format:=wave')
    assert 'sample_format:=S16LE' in observer.status('microphone')[1]
    assert observer.count('refused') > 0
    assert node.end() == 0, node.output


def test_bytes_without_audio_info_have_the_format_of_the_parameters(listen, capture, recording, said, tmp_path):
    """As asr_vosk expects them, and respeaker nodes publish them."""
    rate = 8_000
    sound, _ = soundfile.read(recording, dtype='int16')
    file = tmp_path / 'sound.wav'
    soundfile.write(file, sound[:: 16_000 // rate], rate)
    node, observer = listen('ros_drivers', audio__topic_rate=rate)
    publisher = capture(f'{PACKAGE}AudioData', file, package='ros_drivers', info=False)
    wait_until_connected(node, observer, f'{PACKAGE}AudioData')
    publisher.begin()

    def last_is_answered():
        """The first seconds may be waited away for an AudioInfo."""
        length = said[-1]['duration']
        return observer.finals and seconds(observer.finals[-1].duration) == pytest.approx(length, abs=0.6)

    observer.wait_until(last_is_answered, 'the last utterance is answered')
    assert f'taken for {rate} Hz with 1 channel(s) of S16LE' in node.output
    assert observer.count('refused') == 0
    assert node.end() == 0, node.output


@pytest.mark.parametrize(('package', 'words'), [('mgonzs13', 'another of that name'), ('', 'not installed')])
def test_a_message_package_that_lacks_is_told_with_its_origin(listen, capture, recording, package, words):
    if not package and 'audio_common_msgs' in os.environ.get('AMENT_PREFIX_PATH', ''):
        pytest.skip('audio_common_msgs is installed on this machine')
    node, observer = listen(package)
    capture(f'{PACKAGE}AudioDataStamped', recording, package='ros_drivers')
    observer.wait_for_level('microphone', 'ERROR', words)
    assert 'github.com/ros-drivers/audio_common' in observer.status('microphone')[1]
    assert node.end() == 0, node.output


def test_a_publisher_that_is_killed_may_be_followed_by_one_of_another_type(listen, capture, recording):
    node, observer = listen('mgonzs13')
    first = capture(MULTI, recording)
    wait_until_connected(node, observer, MULTI)
    first.begin()
    observer.wait_for_level('microphone', 'OK')
    first.close()
    observer.wait_for_level('microphone', 'ERROR', 'no sound')
    second = capture(f'{PACKAGE}AudioStamped', recording, package='mgonzs13')
    wait_until_connected(node, observer, f'{PACKAGE}AudioStamped')
    second.begin()
    # Not OK for a minute: between the two was a gap.
    observer.wait_until(lambda: observer.status('microphone')[0] != 'ERROR', 'the second is heard')
    observer.wait_until(lambda: observer.finals, 'an utterance is answered')


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
def test_the_microphone_node_is_heard(microphone, listen, mic_node, interfaces, recording, said, package):
    """Between both a network: from the null sink to the emotions, and the microphone node ends cleanly."""
    type_name = f'{PACKAGE}AudioDataStamped' if package else MULTI
    virtual = microphone()
    node, observer = listen(package)
    capturing = mic_node(interfaces(package) if package else {}, audio__frame_id='left ear')
    wait_until_connected(node, observer, type_name)
    observer.wait_for_level('microphone', 'OK')
    virtual.play(recording)
    observer.wait_until(lambda: len(observer.finals) >= len(said), 'all utterances are answered')
    assert len(observer.finals) == len(said)
    first = seconds(observer.finals[0].header.stamp) - said[0]['start']
    # Without stamps the time of publication serves, which a busy machine delays.
    near = 0.2 if package else 0.6
    for message, truth in zip(observer.finals, said, strict=True):
        assert seconds(message.duration) == pytest.approx(truth['duration'], abs=0.6)
        assert seconds(message.header.stamp) - first == pytest.approx(truth['start'], abs=near)
    assert observer.count('gaps') == observer.count('reordered') == observer.count('duplicates') == 0
    assert capturing.end() == 0, capturing.output
    assert 'Traceback' not in capturing.output


def test_the_microphone_node_waits_for_a_microphone(microphone, listen, mic_node, recording):
    virtual = microphone(switched_on=False)
    _node, observer = listen()
    capturing = mic_node()
    observer.wait_until(lambda: 'it is waited for' in capturing.output, 'it is told that there is no microphone')
    virtual.switch_on()
    virtual.plug_in()
    observer.wait_for_level('microphone', 'OK')
    virtual.play(recording)
    observer.wait_until(lambda: observer.finals, 'an utterance is answered')
    assert capturing.end() == 0, capturing.output
    assert 'in order again' in capturing.output and 'Traceback' not in capturing.output


@pytest.mark.parametrize(
    ('parameters', 'words'),
    [
        ({'audio__device': 'no such microphone', 'audio__wait': False}, 'ros2 run ser_ros devices'),
        ({'message': 'std_msgs/msg/String'}, 'auto (the most telling'),
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


@pytest.mark.parametrize(('here', 'there'), [('mgonzs13', 'ros_drivers'), ('ros_drivers', 'mgonzs13')])
def test_audio_data_of_the_other_package_is_told(listen, capture, recording, here, there):
    """Both call it audio_common_msgs/msg/AudioData, and DDS compares nothing but the name."""
    node, observer = listen(here)
    publisher = capture(f'{PACKAGE}AudioData', recording, package=there)
    wait_until_connected(node, observer, f'{PACKAGE}AudioData')
    publisher.begin()
    observer.wait_for_level('microphone', 'ERROR', 'another package')
    assert node.end() == 0, node.output
