# SPDX-License-Identifier: Apache-2.0
"""Sound over a topic: capture nodes of every kind -> DDS -> the node."""

import json
import os
import subprocess
import sys

import pytest
import soundfile

from ser_ros.node.messages import seconds

PACKAGE = 'audio_common_msgs/msg/'
MULTI = 'std_msgs/msg/Int16MultiArray'

TYPES = [
    ('ros_drivers', f'{PACKAGE}AudioDataStamped'),
    ('ros_drivers', f'{PACKAGE}AudioData'),
    ('mgonzs13', f'{PACKAGE}AudioStamped'),
    ('mgonzs13', f'{PACKAGE}AudioData'),
    ('', MULTI),
]


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


@pytest.mark.parametrize(('package', 'type_name'), TYPES)
def test_a_recording_is_heard_in_every_form(listen_to_topic, capture, beginning, said_first, package, type_name):
    node, observer = listen_to_topic(package)
    publisher = capture(type_name, beginning, package=package)
    observer.wait_until_hearing(node, type_name)
    publisher.begin()
    observer.wait_until(lambda: len(observer.finals) >= len(said_first), 'all utterances are answered')
    begun = publisher.wait()
    observer.wait_until(lambda: 'no sound on the topic /audio' in observer.status('microphone')[1], 'silence is told')
    assert len(observer.finals) == len(said_first)
    # What has no stamp is timed by its publication, which a busy machine delays.
    tolerance = 0.2 if 'Stamped' in type_name else 0.5
    for message, truth in zip(observer.finals, said_first, strict=True):
        assert seconds(message.header.stamp) - begun == pytest.approx(truth['start'], abs=tolerance)
        assert 0.0 < seconds(message.latency) < 5.0
    for loss in ('overflows', 'gaps', 'duplicates', 'reordered'):
        assert observer.count(loss) == 0
    assert node.end() == 0, node.output
    assert 'Traceback' not in node.output


@pytest.mark.parametrize(('package', 'type_name'), [('mgonzs13', f'{PACKAGE}AudioStamped'), ('', MULTI)])
def test_half_a_second_that_lacks_ends_the_utterance(
    listen_to_topic, capture, beginning, said_first, package, type_name
):
    node, observer = listen_to_topic(package)
    publisher = capture(type_name, beginning, package=package, gaps=[[2.0, 2.5]])
    observer.wait_until_hearing(node, type_name)
    publisher.begin()
    observer.wait_until(lambda: len(observer.finals) >= 3, 'three utterances are answered')
    before, after, other = observer.finals[:3]
    begun = seconds(other.header.stamp) - said_first[1]['start']
    assert seconds(before.header.stamp) - begun == pytest.approx(said_first[0]['start'], abs=0.2)
    assert seconds(before.header.stamp) + seconds(before.duration) - begun < 2.1
    assert seconds(after.header.stamp) - begun > 2.45
    observer.wait_until(lambda: observer.count('gaps') == 1, 'the gap is counted')


def test_messages_that_come_twice_or_overtake_each_other_are_counted(listen_to_topic, capture, beginning, said_first):
    """At 64 ms each, the first in the silence before the speech, where a gap ends nothing."""
    node, observer = listen_to_topic('mgonzs13')
    type_name = f'{PACKAGE}AudioStamped'
    publisher = capture(type_name, beginning, package='mgonzs13', again=[5, 30, 90], late=[8])
    observer.wait_until_hearing(node, type_name)
    publisher.begin()
    observer.wait_until(lambda: len(observer.finals) >= 2, 'two utterances are answered')
    assert [seconds(message.duration) for message in observer.finals[:2]] == [
        pytest.approx(truth['duration'], abs=0.5) for truth in said_first[:2]
    ]
    observer.wait_until(lambda: observer.count('duplicates') == 3, 'the duplicates are counted')
    assert observer.count('reordered') == 1


def test_mp3_is_refused_with_the_capture_nodes_setting(listen_to_topic, capture, beginning):
    node, observer = listen_to_topic('ros_drivers')
    publisher = capture(f'{PACKAGE}AudioDataStamped', beginning, package='ros_drivers', coding='mp3')
    observer.wait_until_hearing(node, f'{PACKAGE}AudioDataStamped')
    publisher.begin()
    observer.wait_for_level('microphone', 'ERROR', 'format:=wave')
    assert 'sample_format:=S16LE' in observer.status('microphone')[1]
    assert observer.count('refused') > 0
    assert node.end() == 0, node.output


def test_bytes_without_audio_info_have_the_format_of_the_parameters(
    listen_to_topic, capture, beginning, said_first, tmp_path
):
    """As asr_vosk expects them, and respeaker nodes publish them."""
    rate = 8_000
    sound, _ = soundfile.read(beginning, dtype='int16')
    file = tmp_path / 'sound.wav'
    soundfile.write(file, sound[:: 16_000 // rate], rate)
    node, observer = listen_to_topic('ros_drivers', audio__topic_rate=rate)
    publisher = capture(f'{PACKAGE}AudioData', file, package='ros_drivers', info=False)
    observer.wait_until_hearing(node, f'{PACKAGE}AudioData')
    publisher.begin()

    def last_is_answered():
        """The first seconds may be waited away for an AudioInfo."""
        length = said_first[-1]['duration']
        return observer.finals and seconds(observer.finals[-1].duration) == pytest.approx(length, abs=0.6)

    observer.wait_until(last_is_answered, 'the last utterance is answered')
    assert f'assumed to be {rate} Hz with 1 channel(s) of S16LE' in node.output
    assert observer.count('refused') == 0
    assert node.end() == 0, node.output


@pytest.mark.parametrize(('package', 'words'), [('mgonzs13', 'another of that name'), ('', 'not installed')])
def test_a_message_package_that_lacks_is_told_with_its_origin(listen_to_topic, capture, beginning, package, words):
    if not package and 'audio_common_msgs' in os.environ.get('AMENT_PREFIX_PATH', ''):
        pytest.skip('audio_common_msgs is installed on this machine')
    node, observer = listen_to_topic(package)
    capture(f'{PACKAGE}AudioDataStamped', beginning, package='ros_drivers')
    observer.wait_for_level('microphone', 'ERROR', words)
    assert 'github.com/ros-drivers/audio_common' in observer.status('microphone')[1]
    assert node.end() == 0, node.output


def test_a_publisher_that_is_killed_may_be_followed_by_one_of_another_type(listen_to_topic, capture, beginning):
    node, observer = listen_to_topic('mgonzs13')
    first = capture(MULTI, beginning)
    observer.wait_until_hearing(node, MULTI)
    first.begin()
    observer.wait_for_level('microphone', 'OK')
    first.close()
    observer.wait_for_level('microphone', 'ERROR', 'no sound')
    second = capture(f'{PACKAGE}AudioStamped', beginning, package='mgonzs13')
    observer.wait_until_hearing(node, f'{PACKAGE}AudioStamped')
    second.begin()
    # Not OK for a minute: between the two was a gap.
    observer.wait_until(lambda: observer.status('microphone')[0] != 'ERROR', 'the second is heard')
    observer.wait_until(lambda: observer.finals, 'an utterance is answered')


@pytest.mark.parametrize(('here', 'there'), [('mgonzs13', 'ros_drivers'), ('ros_drivers', 'mgonzs13')])
def test_audio_data_of_the_other_package_is_told(listen_to_topic, capture, beginning, here, there):
    """Both call it audio_common_msgs/msg/AudioData, and DDS compares nothing but the name."""
    node, observer = listen_to_topic(here)
    publisher = capture(f'{PACKAGE}AudioData', beginning, package=there)
    observer.wait_until_hearing(node, f'{PACKAGE}AudioData')
    publisher.begin()
    observer.wait_for_level('microphone', 'ERROR', 'another package')
    assert node.end() == 0, node.output
