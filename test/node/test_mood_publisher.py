# SPDX-License-Identifier: Apache-2.0
"""The topic `mood` of a node in this process, as subscribers that come late and early get it."""

import time

import pytest
import rclpy
from builtin_interfaces.msg import Duration, Time
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import DurabilityPolicy, QoSProfile

from ser_msgs.msg import Emotion, Mood
from ser_ros.affect import valence_arousal
from ser_ros.emotions import LABELS, UNKNOWN
from ser_ros.mood.config import MoodConfig
from ser_ros.node.messages import seconds
from ser_ros.node.mood_publisher import MOOD_QOS, MoodPublisher

PATIENCE = 20.0


class World:
    """A node that publishes moods, whoever subscribes to them, and one thread for both."""

    def __init__(self, context):
        self.node = LifecycleNode('ser', context=context)
        self.publisher = MoodPublisher(self.node, LABELS, MoodConfig(), 'ear')
        self.other = rclpy.create_node('planner', context=context)
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self.node)
        self._executor.add_node(self.other)
        self.node.trigger_configure()
        self.node.trigger_activate()

    def subscribe(self, qos: QoSProfile = MOOD_QOS) -> list[Mood]:
        received = []
        self.other.create_subscription(Mood, 'mood', received.append, qos)
        return received

    def follow(self) -> list[Mood]:
        """Return a list that gets everything from now on, once it is sure that it will."""
        received = self.subscribe(QoSProfile(depth=20, durability=DurabilityPolicy.TRANSIENT_LOCAL))
        self.wait(lambda: self.node.count_subscribers('mood') == 1)
        self.wait(lambda: received)
        return received

    def wait(self, condition):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline
            self._executor.spin_once(timeout_sec=0.05)

    def look(self, times: int = 3):
        """Let what is due happen."""
        for _ in range(times):
            self._executor.spin_once(timeout_sec=0.1)

    def hear(self, label: str, at: int, *, arrived: float | None = None, **more):
        probabilities = [0.02] * len(LABELS)
        probabilities[LABELS.index(label)] = 1.0 - 0.02 * (len(LABELS) - 1)
        message = Emotion(labels=LABELS, probabilities=probabilities, duration=Duration(sec=2), **more)
        message.header.stamp = Time(sec=at - 2)
        self.publisher.hear(message, time.monotonic() if arrived is None else arrived)

    def close(self):
        self.publisher.destroy()
        self._executor.shutdown()
        self.node.destroy_node()
        self.other.destroy_node()


@pytest.fixture
def world(context):
    made = World(context)
    yield made
    made.close()


def test_whoever_comes_late_gets_the_last_state(world):
    world.publisher.activate()
    for row in range(3):
        world.hear('angry', 100 + 6 * row, is_final=True, direction=0.5)
    received = world.subscribe()
    world.wait(lambda: received)
    (last,) = received
    assert last.mood == 'angry'
    assert last.header.frame_id == 'ear'
    assert (seconds(last.header.stamp), seconds(last.since), last.utterances) == (112.0, 100.0, 3)
    assert list(last.labels) == list(LABELS)
    assert sum(last.probabilities) == pytest.approx(1.0)
    assert last.confidence == pytest.approx(last.probabilities[LABELS.index('angry')])
    assert (last.valence, last.arousal) == pytest.approx(valence_arousal(LABELS, last.probabilities))
    assert last.valence < 0.0 < last.arousal
    assert last.direction == 0.5


def test_an_active_node_without_voices_knows_no_mood(world):
    world.publisher.activate()
    received = world.subscribe()
    world.wait(lambda: received)
    (mood,) = received
    assert (mood.mood, mood.confidence, mood.utterances, mood.voice) == (UNKNOWN, 0.0, 0, '')
    assert list(mood.probabilities) == pytest.approx([1 / len(LABELS)] * len(LABELS))
    assert seconds(mood.since) <= seconds(mood.header.stamp)
    assert all(value != value for value in (mood.valence, mood.arousal, mood.direction))


def test_interim_messages_never_move_it(world):
    world.publisher.activate()
    received = world.subscribe()
    world.wait(lambda: received)
    for row in range(5):
        world.hear('angry', 100 + row, is_final=False)
    world.look()
    assert [mood.mood for mood in received] == [UNKNOWN]
    assert world.publisher._timer.is_canceled()


def test_what_fades_is_published_by_a_timer_that_then_rests(world):
    world.publisher.activate()
    received = world.subscribe()
    world.look()
    assert world.publisher._timer.is_canceled()
    world.hear('sad', 100, is_final=True)
    world.wait(lambda: not world.publisher._timer.is_canceled())
    world.hear('sad', 106, is_final=True, arrived=time.monotonic() - 100.0)
    world.wait(lambda: received and received[-1].mood == UNKNOWN and len(received) > 2)
    assert seconds(received[-1].header.stamp) == seconds(received[-1].since) == 106.0 + MoodConfig().memory
    assert received[-1].utterances == 0
    assert world.publisher._timer.is_canceled()


def test_a_shorter_memory_holds_at_once(world):
    world.publisher.activate()
    received = world.subscribe()
    world.hear('sad', 100, is_final=True, arrived=time.monotonic() - 30.0)
    world.wait(lambda: received and received[-1].mood == 'sad')
    world.look()
    assert received[-1].mood == 'sad'
    world.publisher.configure(MoodConfig(memory=10.0))
    world.wait(lambda: received[-1].mood == UNKNOWN)
    assert seconds(received[-1].since) == 110.0


def test_nothing_that_is_latched_outlives_deactivation(world):
    world.publisher.activate()
    received = world.follow()
    world.hear('sad', 100, is_final=True, voice='anna')
    world.hear('happy', 101, is_final=True)
    world.wait(lambda: len(received) == 3)
    world.publisher.deactivate()
    world.wait(lambda: len(received) == 5)
    assert [mood.mood for mood in received if mood.voice == 'anna'] == ['sad', UNKNOWN]
    assert [mood.mood for mood in received if not mood.voice] == [UNKNOWN, 'happy', UNKNOWN]
    world.wait(world.publisher._timer.is_canceled)
    late = world.subscribe()
    world.wait(lambda: late)
    assert [mood.mood for mood in late] == [UNKNOWN]


def test_each_activation_begins_anew(world):
    world.publisher.activate()
    received = world.follow()
    world.hear('sad', 100, is_final=True)
    world.publisher.deactivate()
    world.publisher.activate()
    world.wait(lambda: len(received) == 4)
    assert [(mood.mood, mood.utterances) for mood in received] == [(UNKNOWN, 0), ('sad', 1), (UNKNOWN, 0), (UNKNOWN, 0)]
