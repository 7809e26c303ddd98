# SPDX-License-Identifier: Apache-2.0
"""The topic `mood` of a real node, for a planner that is there from the start and for one that comes late."""

import pytest
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import Bool

from ser_msgs.msg import Mood
from ser_ros.emotions import LABELS, UNKNOWN
from ser_ros.node.messages import seconds

QOS = QoSProfile(depth=20, durability=DurabilityPolicy.TRANSIENT_LOCAL)


@pytest.fixture
def hear(start_node, observe):
    """Return hear(file, ...): the moods of a node that hears the file, the last one as a latecomer gets it, and the
    observer.
    """

    def start(path, *, name: str = 'ser', **parameters):
        options = {'audio__source': 'file', 'audio__file': str(path), 'audio__exit_at_end': False, **parameters}
        start_node(name=name, namespace=name, autostart=False, **options)
        observer = observe(name=name, namespace=name, node_name=f'observer_of_{name}')
        moods, late = [], []
        observer.node.create_subscription(Mood, f'/{name}/mood', moods.append, QOS)
        observer.configure()
        observer.wait_until(lambda: observer.node.count_publishers(f'/{name}/mood') == 1, 'the publisher is there')
        observer.activate()
        observer.wait_until(lambda: observer.last_values().get('lifecycle state') == 'inactive', 'the file has ended')
        observer.wait_until(lambda: len(moods) == len(observer.finals) + 2, 'the last moods have come')
        observer.node.create_subscription(Mood, f'/{name}/mood', late.append, QOS)
        observer.wait_until(lambda: late, 'a latecomer has the last mood')
        return moods, late, observer

    return start


def test_each_emotion_moves_the_mood_and_a_planner_that_comes_late_gets_the_last_one(hear, recording, said):
    moods, late, observer = hear(recording, audio__realtime=False, audio__frame_id='ear')
    begun, *heard, ended = moods
    assert len(heard) == len(said)
    for mood, emotion in zip(heard, observer.finals, strict=True):
        end = seconds(emotion.header.stamp) + seconds(emotion.duration)
        assert seconds(mood.header.stamp) == pytest.approx(end, abs=1e-3)
        assert mood.header.frame_id == 'ear'
        assert list(mood.labels) == list(LABELS)
        assert mood.utterances > 0
    assert {mood.mood for mood in heard} != {UNKNOWN}
    for mood in (begun, ended):
        assert (mood.mood, mood.utterances) == (UNKNOWN, 0)
    assert [(mood.header.stamp, mood.mood) for mood in late] == [(ended.header.stamp, UNKNOWN)]


def test_a_file_gives_the_same_moods_at_once_as_in_real_time(hear, beginning, said_first):
    at_once, _, _ = hear(beginning, name='fast', audio__realtime=False)
    live, _, _ = hear(beginning, name='live', audio__realtime=True)
    assert len(live) == len(said_first) + 2
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
