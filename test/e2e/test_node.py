# SPDX-License-Identifier: Apache-2.0
"""The node over real DDS, in a process of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from lifecycle_msgs.msg import Transition
from std_msgs.msg import Bool, String
from std_srvs.srv import Trigger

from ser_ros.emotions import LABELS, UNKNOWN
from ser_ros.node.messages import seconds
from ser_ros.testing.observer import LATCHED

CHECKOUT = Path(__file__).resolve().parents[2]


def listening_to(recording, **more) -> dict:
    return {'audio__source': 'file', 'audio__file': str(recording), 'audio__realtime': False, **more}


def test_every_utterance_of_a_file_brings_one_final_message(start_node, observe, recording, said):
    node = start_node(**listening_to(recording, autostart=False, audio__frame_id='ear'))
    observer = observe()
    assert observer.configure()
    assert observer.activate()
    assert observer.wait_for_exit(node) == 0, node.output
    observer.wait_until(lambda: len(observer.finals) == len(said), 'all finals have come')
    assert [message.utterance for message in observer.messages] == list(range(1, len(said) + 1))
    first = seconds(observer.messages[0].header.stamp) - said[0]['start']
    for message, truth in zip(observer.messages, said, strict=True):
        assert seconds(message.header.stamp) - first == pytest.approx(truth['start'], abs=0.15)
        assert seconds(message.duration) == pytest.approx(truth['duration'], abs=0.3)
        assert message.header.frame_id == 'ear'
        assert message.model == 'default'
        assert message.labels == list(LABELS)
        assert sum(message.probabilities) == pytest.approx(1.0, abs=1e-4)
        assert message.confidence == max(message.probabilities)
        label = LABELS[list(message.probabilities).index(message.confidence)]
        assert message.emotion == (label if message.confidence >= 0.5 else UNKNOWN)
        assert 0.0 <= seconds(message.latency) < 30.0
    values = observer.last_values()
    assert values['utterances'] == values['answered'] == str(len(said))


def test_stamp_duration_and_latency_add_up_to_the_time_of_publication(start_node, observe, recording):
    start_node(**listening_to(recording, autostart=False, audio__realtime=True))
    observer = observe()
    observer.configure()
    observer.activate()
    observer.wait_until(lambda: observer.finals, 'the first message has come')
    received = observer.node.get_clock().now().nanoseconds / 1e9
    message = observer.finals[0]
    published = seconds(message.header.stamp) + seconds(message.duration) + seconds(message.latency)
    assert received - 2.0 < published <= received + 0.05
    assert seconds(message.latency) >= 0.5


def test_it_gets_used_to_a_voice_with_a_name(start_node, observe, recording, said, adapting_model, tmp_path):
    kept = tmp_path / 'heard.npz'
    options = listening_to(recording, autostart=False, model__path=str(adapting_model), adaptation__file=str(kept))
    start_node(**options, audio__exit_at_end=False)
    observer = observe()
    observer.configure()
    voice = observer.node.create_publisher(String, '/voice', LATCHED)
    observer.wait_until(lambda: voice.get_subscription_count(), 'the node hears who is speaking')
    voice.publish(String(data='anna'))
    assert observer.call(Trigger, 'forget', Trigger.Request()).success
    observer.activate()
    observer.wait_until(lambda: len(observer.finals) == len(said), 'all finals have come')
    assert [message.heard for message in observer.finals] == list(range(len(said)))
    assert {message.voice for message in observer.finals} == {'anna'}
    observer.wait_until(
        lambda: observer.last_values()['adaptation'].startswith(f'{len(said)} utterance(s) heard, 1 voice(s) '),
        'diagnostics say how much was heard',
    )
    observer.transition(Transition.TRANSITION_DEACTIVATE)
    with np.load(kept) as arrays:
        assert arrays['utterances'].tolist() == [len(said), len(said)]


def test_low_confidence_is_unknown(start_node, observe, recording):
    node = start_node(**listening_to(recording, autostart=False, emotion__min_confidence=0.99))
    observer = observe()
    observer.configure()
    observer.activate()
    assert observer.wait_for_exit(node) == 0
    observer.wait_until(lambda: observer.finals, 'a message has come')
    assert {message.emotion for message in observer.messages} == {UNKNOWN}


def test_an_answer_is_one_of_the_labels_that_the_robot_tells_apart(start_node, observe, recording, said):
    node = start_node(**listening_to(recording, autostart=False, emotion__labels='angry, neutral,sad'))
    observer = observe()
    observer.configure()
    observer.activate()
    assert observer.wait_for_exit(node) == 0
    observer.wait_until(lambda: len(observer.finals) == len(said), 'all finals have come')
    for message in observer.finals:
        assert message.labels == ['neutral', 'sad', 'angry']
        assert sum(message.probabilities) == pytest.approx(1.0, abs=1e-5)
        assert message.emotion in (*message.labels, UNKNOWN)


def test_interim_messages_share_the_number_and_are_not_final(start_node, observe, recording, said):
    node = start_node(**listening_to(recording, autostart=False, emotion__interim_period=0.5))
    observer = observe()
    observer.configure()
    observer.activate()
    assert observer.wait_for_exit(node) == 0
    observer.wait_until(lambda: len(observer.finals) == len(said), 'all finals have come')
    interim = [message for message in observer.messages if not message.is_final]
    assert len(interim) > len(said)
    assert {message.utterance for message in interim} == set(range(1, len(said) + 1))
    for number in range(1, len(said) + 1):
        flags = [message.is_final for message in observer.messages if message.utterance == number]
        assert flags == sorted(flags)


def test_lifecycle_can_be_repeated_and_is_silent_when_inactive(start_node, observe, beginning, said_first, states):
    node = start_node(**listening_to(beginning, autostart=False, audio__exit_at_end=False))
    observer = observe()
    for _ in range(2):
        assert observer.state() == states.PRIMARY_STATE_UNCONFIGURED
        assert observer.configure()
        for _ in range(2):
            observer.messages.clear()
            assert observer.activate()
            observer.wait_until(lambda: len(observer.finals) == len(said_first), 'all finals have come')
            observer.wait_until(lambda: observer.state() == states.PRIMARY_STATE_INACTIVE, 'the file has ended')
        assert observer.transition(Transition.TRANSITION_CLEANUP)
        observer.wait_until(lambda: observer.node.count_publishers('/emotion') == 0, 'the publisher has gone')
    assert observer.transition(Transition.TRANSITION_UNCONFIGURED_SHUTDOWN)
    assert node.wait() == 0, node.output


def test_deactivate_in_the_middle_is_silent_at_once(start_node, observe, recording, states):
    start_node(**listening_to(recording, autostart=False, audio__realtime=True))
    observer = observe()
    observer.configure()
    observer.activate()
    observer.wait_until(lambda: observer.finals, 'the first message has come')
    assert observer.transition(Transition.TRANSITION_DEACTIVATE)
    heard = len(observer.messages)
    observer.diagnostics.clear()
    observer.wait_until(lambda: len(observer.diagnostics) >= 4, 'some seconds have passed')
    assert len(observer.messages) == heard
    assert observer.last_values()['lifecycle state'] == 'inactive'


def test_impossible_transition_is_refused_and_the_node_lives_on(start_node, observe, recording, states):
    node = start_node(**listening_to(recording, autostart=False))
    observer = observe()
    assert not observer.activate()
    assert not observer.transition(Transition.TRANSITION_CLEANUP)
    assert observer.state() == states.PRIMARY_STATE_UNCONFIGURED
    assert node.exit_code is None


def test_failed_configure_says_why_and_can_be_tried_again(start_node, observe, recording, states, tmp_path):
    node = start_node(**listening_to(tmp_path / 'not-there.wav', autostart=False))
    observer = observe()
    assert not observer.configure()
    assert observer.state() == states.PRIMARY_STATE_UNCONFIGURED
    observer.diagnostics.clear()
    observer.wait_until(lambda: observer.diagnostics, 'diagnostics have come')
    level, message = observer.status('node')
    assert level == 'ERROR' and 'not-there.wav does not exist' in message
    assert observer.set_parameter('audio.file', str(recording)).successful
    assert observer.configure()
    assert 'Traceback' not in node.output


def test_parameters_are_described_checked_and_live_where_they_can_be(start_node, observe, recording):
    start_node(**listening_to(recording, autostart=False))
    observer = observe()
    described = observer.describe('vad.threshold')
    assert described.description
    assert described.floating_point_range[0].from_value == 0.05
    assert observer.set_parameter('vad.threshold', 0.6).successful
    assert not observer.set_parameter('vad.threshold', 1.5).successful
    assert not observer.set_parameter('vad.threshold', 'loud').successful
    refused = observer.set_parameter('model.device', 'gpu')
    assert not refused.successful and 'cuda:N' in refused.reason
    assert observer.configure()
    refused = observer.set_parameter('audio.channel', 1)
    assert not refused.successful and 'clean it up first' in refused.reason
    assert observer.set_parameter('vad.end_silence', 0.8).successful


def test_live_parameter_changes_the_running_node(start_node, observe, recording, said):
    start_node(**listening_to(recording, autostart=False, audio__realtime=True))
    observer = observe()
    observer.configure()
    observer.activate()
    assert observer.set_parameter('emotion.min_confidence', 1.0).successful
    observer.wait_until(lambda: observer.finals, 'the first message has come')
    assert observer.finals[0].emotion == UNKNOWN


def test_diagnostics_come_once_a_second_with_everything_promised(start_node, observe, recording):
    start_node(**listening_to(recording, audio__realtime=True))
    observer = observe()
    observer.wait_until(lambda: observer.last_values().get('last emotion'), 'an emotion is told')
    values = observer.last_values()
    assert values['lifecycle state'] == 'active'
    assert values['source'] == f'file {recording}'
    assert values['model'] == 'default'
    assert values['device'] in ('cpu', 'cuda')
    assert int(values['blocks']) > 0
    assert values['last emotion'] in LABELS
    assert values['last latency'].endswith(' s')
    assert {'dropped interim', 'dropped final', 'rejected: robot speech'} <= values.keys()
    stamps = [seconds(array.header.stamp) for array in list(observer.diagnostics)[-3:]]
    assert stamps[-1] - stamps[0] == pytest.approx(len(stamps) - 1, abs=0.7)


@pytest.mark.parametrize('ending', [signal.SIGINT, signal.SIGTERM])
def test_signals_end_the_active_node_cleanly(start_node, observe, recording, ending):
    node = start_node(**listening_to(recording, audio__realtime=True))
    observer = observe()
    observer.wait_until(lambda: observer.finals, 'the first message has come')
    assert node.end(ending) == 0, node.output
    assert 'Traceback' not in node.output


def test_namespaces_move_every_name_and_nodes_run_side_by_side(start_node, observe, recording, said):
    """Two nodes, two names, two namespaces: neither hears of the other."""
    left = start_node(
        name='ear', namespace='left', **listening_to(recording, autostart=False, audio__exit_at_end=False)
    )
    right = start_node(name='hear', namespace='right', **listening_to(recording, autostart=False))
    at_left, at_right = observe(name='ear', namespace='left'), observe(name='hear', namespace='right')
    for observer in (at_left, at_right):
        assert observer.configure()
    assert at_right.activate()
    assert at_right.wait_for_exit(right) == 0
    at_right.wait_until(lambda: len(at_right.finals) == len(said), 'all finals have come on the right')
    assert at_left.messages == []
    assert left.exit_code is None
    published = dict(at_left.node.get_publisher_names_and_types_by_node('ear', '/left'))
    shared_by_all_nodes = {'/rosout', '/parameter_events'}
    assert {'/left/emotion', '/left/diagnostics'} <= published.keys()
    assert all(topic.startswith('/left/') for topic in published.keys() - shared_by_all_nodes)
    services = dict(at_left.node.get_service_names_and_types_by_node('ear', '/left'))
    assert all(service.startswith('/left/ear/') for service in services)


def test_two_nodes_with_different_names_share_a_topic(start_node, observe, recording, said):
    for name in ('one', 'two'):
        start_node(name=name, **listening_to(recording, autostart=False))
    observers = [observe(name=name) for name in ('one', 'two')]
    for observer in observers:
        assert observer.transition(Transition.TRANSITION_CONFIGURE)
    for observer in observers:
        observer.wait_until(lambda: observers[0].node.count_publishers('/emotion') == 2, 'both publishers are there')
        assert observer.activate()
    observers[0].wait_until(lambda: len(observers[0].finals) == 2 * len(said), 'all finals of both have come')


def test_the_node_is_deaf_while_the_robot_speaks(start_node, observe, recording, said):
    node = start_node(**listening_to(recording, autostart=False, audio__realtime=True, robot_speaking__hold_off=0.0))
    observer = observe()
    robot = observer.node.create_publisher(Bool, '/robot_speaking', 10)
    observer.configure()

    def tell(speaks: bool) -> None:
        """Say it until the node has heard it: what is published before DDS has matched both sides is lost."""
        word = 'yes' if speaks else 'no'

        def heard() -> bool:
            robot.publish(Bool(data=speaks))
            return observer.last_values().get('deaf while the robot speaks') == word

        observer.wait_until(heard, f'the node knows: robot speaks, {word}')

    tell(True)
    assert observer.activate()
    observer.wait_until(lambda: observer.count('blocks') > 100, 'it has played')
    tell(False)
    assert observer.wait_for_exit(node) == 0
    observer.wait_until(lambda: observer.finals, 'a message has come')
    assert 0 < len(observer.finals) < len(said)


def bad_files(folder) -> dict[str, tuple[bytes, str]]:
    soundfile.write(folder / 'nan.wav', [float('nan')] * 16000, 16000, subtype='FLOAT')
    soundfile.write(folder / 'good.wav', [0.0] * 16000, 16000)
    return {
        'empty.wav': (b'', 'it is empty'),
        'truncated.wav': ((folder / 'good.wav').read_bytes()[:30], 'cannot be read as sound'),
        'text.wav': (b'these are words and not sound\n' * 9, 'cannot be read as sound'),
        'nan.wav': ((folder / 'nan.wav').read_bytes(), 'not numbers'),
    }


@pytest.mark.parametrize('name', ['empty.wav', 'truncated.wav', 'text.wav', 'nan.wav', 'missing.wav'])
def test_bad_files_end_the_node_with_one_sentence(start_node, tmp_path, name):
    content, words = bad_files(tmp_path).get(name, (None, 'does not exist'))
    if content is not None:
        (tmp_path / name).write_bytes(content)
    node = start_node(**listening_to(tmp_path / name))
    assert node.wait() == 1
    lines = [line for line in node.output.splitlines() if line.strip()]
    assert len(lines) == 1 and words in lines[0], node.output


@pytest.mark.parametrize(
    'parameter, words',
    [
        ({'vad__threshold': 2.0}, 'from 0.05 to 0.95'),
        ({'vad__threshold': 'loud'}, 'number with a decimal point'),
        ({'audio__source': 'radio'}, 'microphone, topic or file'),
        ({'audio__file': ''}, 'audio.file is empty'),
        ({'audio__channel': 3}, 'does not exist'),
        ({'model__path': '/nowhere'}, "there is no model '/nowhere'"),
        ({'model__device': 'cuda:99'}, 'torch sees'),
        ({'emotion__labels': 'hapy, sad'}, "emotion.labels has 'hapy', which the model does not know"),
    ],
)
def test_bad_parameters_end_the_node_with_one_sentence(start_node, recording, parameter, words):
    node = start_node(**(listening_to(recording) | parameter))
    assert node.wait() == 1
    assert words in node.output
    assert 'Traceback' not in node.output


@pytest.mark.parametrize('where', ['checkout', 'elsewhere'])
def test_without_ser_msgs_the_node_says_exactly_that(where, tmp_path):
    """In the checkout, the source folder ser_msgs/ passes for an empty package of that name."""
    environment = {name: value for name, value in os.environ.items() if name != '_ROS_WHEELS_BOOTSTRAP_COMPLETE'}
    paths = environment.get('PYTHONPATH', '').split(os.pathsep)
    environment['PYTHONPATH'] = os.pathsep.join(path for path in paths if 'ser_msgs' not in path)
    finished = subprocess.run(
        [sys.executable, '-m', 'ser_ros.cli.ser_node'],
        cwd=CHECKOUT if where == 'checkout' else tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert finished.returncode == 1
    assert finished.stderr.startswith('ser_ros: the package ser_msgs is not built or not sourced')
    assert len(finished.stderr.splitlines()) == 1
