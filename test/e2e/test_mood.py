# SPDX-License-Identifier: Apache-2.0
"""The topic `mood` of a real node, for a planner that comes late."""

import pytest
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import Bool

from ser_msgs.msg import Mood
from ser_ros.emotions import LABELS, UNKNOWN
from ser_ros.node.messages import seconds

QOS = QoSProfile(depth=20, durability=DurabilityPolicy.TRANSIENT_LOCAL)


@pytest.fixture
def hear(start_node, observe):
    """Return hear(file, ...): what a planner that comes after the end gets, the emotions, and the observer."""

    def start(path, expected: int, *, name: str = 'ser', **parameters):
        options = {'audio__source': 'file', 'audio__file': str(path), 'audio__exit_at_end': False, **parameters}
        start_node(name=name, namespace=name, autostart=False, **options)
        observer = observe(name=name, namespace=name, node_name=f'observer_of_{name}')
        observer.configure()
        observer.activate()
        observer.wait_until(lambda: len(observer.finals) == expected, 'all finals have come')
        observer.wait_until(lambda: observer.last_values()['lifecycle state'] == 'inactive', 'the file has ended')
        moods = []
        observer.node.create_subscription(Mood, f'/{name}/mood', moods.append, QOS)
        observer.wait_until(lambda: len(moods) == min(expected + 2, 10), 'the last moods have come')
        return moods, observer

    return start


def test_a_planner_that_comes_late_gets_the_last_moods(hear, recording, said):
    moods, observer = hear(recording, len(said), audio__realtime=False, audio__frame_id='ear')
    *heard, ended = moods
    heard = heard[-min(len(said), 9) :]
    for mood, emotion in zip(heard, observer.finals[-len(heard) :], strict=True):
        end = seconds(emotion.header.stamp) + seconds(emotion.duration)
        assert seconds(mood.header.stamp) == pytest.approx(end, abs=1e-3)
        assert mood.header.frame_id == 'ear'
        assert list(mood.labels) == list(LABELS)
        assert mood.utterances > 0
    assert {mood.mood for mood in heard} != {UNKNOWN}
    assert (ended.mood, ended.utterances) == (UNKNOWN, 0)


def test_a_file_gives_the_same_moods_at_once_as_in_real_time(hear, beginning, said_first):
    at_once, _ = hear(beginning, len(said_first), name='fast', audio__realtime=False)
    live, _ = hear(beginning, len(said_first), name='live', audio__realtime=True)
    assert [mood.mood for mood in at_once] == [mood.mood for mood in live]
    for one, other in zip(at_once, live, strict=True):
        assert list(one.probabilities) == pytest.approx(list(other.probabilities), abs=1e-4)


def test_the_robots_own_voice_and_interim_answers_move_no_mood(start_node, observe, recording):
    options = {'audio__source': 'file', 'audio__file': str(recording), 'audio__exit_at_end': False}
    start_node(autostart=False, emotion__interim_period=0.3, **options)
    observer = observe()
    observer.configure()
    robot = observer.node.create_publisher(Bool, '/robot_speaking', 10)
    moods = []
    observer.node.create_subscription(Mood, '/mood', moods.append, QOS)
    observer.wait_until(robot.get_subscription_count, 'the node hears when the robot speaks')
    observer.activate()
    observer.wait_until(lambda: observer.messages, 'there is an interim answer')
    assert not observer.finals
    robot.publish(Bool(data=True))
    observer.wait_until(lambda: not observer.speaking[-1], 'what was said is dropped')
    observer.spin(2.0)
    assert not observer.finals
    assert [mood.mood for mood in moods] == [UNKNOWN]
