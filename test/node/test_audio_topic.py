# SPDX-License-Identifier: Apache-2.0
"""The subscription and publishers in one process, over real DDS; test/e2e has the two audio_common_msgs."""

import array
import sys
import time
import types

import numpy as np
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import Int16MultiArray, String

from ser_ros.audio.packets import AUDIO_TYPES, StreamFormat
from ser_ros.audio.topic import TopicSource
from ser_ros.errors import SerError
from ser_ros.node import audio_topic
from ser_ros.node.audio_topic import AudioTopicSubscription, installed_types, load_message

PATIENCE = 60.0


class World:
    """A node that listens, and one that publishes and, as in a process of its own, is another participant of DDS."""

    def __init__(self, here, there):
        self.executor = SingleThreadedExecutor(context=here)
        self.listener = rclpy.create_node('listener', context=here)
        self.capture = rclpy.create_node('capture', context=there)
        self.executor.add_node(self.listener)
        self.source = TopicSource('topic /audio')
        self.source.start()
        self.subscription = AudioTopicSubscription(self.listener, '/audio', '/audio_info', StreamFormat(), self.source)

    def wait_until(self, condition, what):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f'waited in vain until {what}; problem: {self.source.problem}'
            self.executor.spin_once(timeout_sec=0.02)

    def hear(self, publisher):
        """Publish until a block has come, and return it."""
        found = []

        def heard():
            publisher.publish(Int16MultiArray(data=array.array('h', [8192] * 512)))
            self.executor.spin_once(timeout_sec=0.02)
            found.append(self.source.read(0.001))
            return found[-1]

        self.wait_until(heard, 'sound has come')
        return found[-1]


@pytest.fixture
def world(ros_domain):
    contexts = rclpy.Context(), rclpy.Context()
    for context in contexts:
        rclpy.init(context=context)
    made = World(*contexts)
    yield made
    made.executor.shutdown()
    made.listener.destroy_node()
    made.capture.destroy_node()
    for context in contexts:
        rclpy.shutdown(context=context)


@pytest.mark.parametrize('reliability', [ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT])
@pytest.mark.parametrize('durability', [DurabilityPolicy.VOLATILE, DurabilityPolicy.TRANSIENT_LOCAL])
def test_publishers_of_any_quality_are_heard(world, reliability, durability):
    qos = QoSProfile(depth=5, reliability=reliability, durability=durability)
    block = world.hear(world.capture.create_publisher(Int16MultiArray, 'audio', qos))
    assert np.all(block.samples == np.float32(0.25))
    assert world.source.problem == ''


def test_a_type_without_sound_is_told_and_left_for_a_better_one(world):
    talk = world.capture.create_publisher(String, 'audio', 1)
    world.wait_until(lambda: world.source.problem, 'the problem is told')
    for text in ('/audio', 'std_msgs/msg/String', 'AudioDataStamped', 'audio.topic'):
        assert text in world.source.problem
    world.capture.destroy_publisher(talk)
    publisher = world.capture.create_publisher(Int16MultiArray, 'audio', 1)
    world.hear(publisher)
    assert world.source.problem == ''
    world.capture.destroy_publisher(publisher)
    world.wait_until(lambda: not world.listener.count_publishers('audio'), 'the publisher is gone')
    world.capture.create_publisher(String, 'audio', 1)
    world.wait_until(lambda: 'std_msgs/msg/String' in world.source.problem, 'the other type is told')


def test_a_publisher_may_go_and_come_again(world):
    publisher = world.capture.create_publisher(Int16MultiArray, 'audio', 1)
    world.hear(publisher)
    world.capture.destroy_publisher(publisher)
    world.wait_until(lambda: 'no sound' in world.source.problem, 'silence is told')
    assert world.hear(world.capture.create_publisher(Int16MultiArray, 'audio', 1)) is not None
    assert world.source.problem == ''


def test_a_message_that_cannot_be_is_counted_and_told(world):
    publisher = world.capture.create_publisher(Int16MultiArray, 'audio', 1)
    world.hear(publisher)

    def refused():
        publisher.publish(Int16MultiArray())
        return world.source.losses['refused']

    world.wait_until(refused, 'an empty message is refused')
    assert 'no samples' in world.source.problem


@pytest.mark.parametrize(
    ('namespace', 'name', 'shown'),
    [
        ('/', 'mic', '/mic'),
        ('/robot', 'mic', '/robot/mic'),
        ('_NODE_NAMESPACE_UNKNOWN_', '_NODE_NAME_UNKNOWN_', 'a node without a name'),
    ],
)
def test_publishers_are_called_by_their_full_names(namespace, name, shown):
    assert audio_topic._full_name(types.SimpleNamespace(node_namespace=namespace, node_name=name)) == shown


def test_nothing_stays_behind(world):
    publisher = world.capture.create_publisher(Int16MultiArray, 'audio', 1)
    world.hear(publisher)
    assert publisher.get_subscription_count() == 1
    world.subscription.destroy()
    world.wait_until(lambda: publisher.get_subscription_count() == 0, 'the subscription is gone')
    assert list(world.listener.subscriptions) == [] and list(world.listener.timers) == []


def test_without_other_packages_there_is_always_one_type(monkeypatch):
    monkeypatch.setitem(sys.modules, 'audio_common_msgs', None)
    monkeypatch.setitem(sys.modules, 'audio_common_msgs.msg', None)
    assert installed_types() == ['std_msgs/msg/Int16MultiArray']


@pytest.mark.parametrize('type_name', [name for name in AUDIO_TYPES if name.startswith('audio_common_msgs')])
def test_a_package_that_lacks_is_named_with_its_origin(monkeypatch, refuses, type_name):
    monkeypatch.setitem(sys.modules, 'audio_common_msgs', None)
    monkeypatch.setitem(sys.modules, 'audio_common_msgs.msg', None)
    with refuses(type_name, 'not installed', AUDIO_TYPES[type_name].origin):
        load_message(type_name)


@pytest.fixture
def install(monkeypatch):
    """Make `import audio_common_msgs.msg` find a message AudioData with one field, and nothing else."""

    def make(field):
        module = types.ModuleType('audio_common_msgs.msg')
        module.AudioData = type('AudioData', (), {'get_fields_and_field_types': classmethod(lambda cls: {field: ''})})
        monkeypatch.setitem(sys.modules, 'audio_common_msgs', types.ModuleType('audio_common_msgs'))
        monkeypatch.setitem(sys.modules, 'audio_common_msgs.msg', module)
        return module.AudioData

    return make


@pytest.mark.parametrize('name', ['AudioDataStamped', 'AudioStamped'])
def test_the_other_package_of_that_name_is_told_and_need_not_go(install, name):
    install('int16_data')
    type_name = f'audio_common_msgs/msg/{name}'
    with pytest.raises(SerError) as caught:
        load_message(type_name)
    sentence = str(caught.value)
    assert all(text in sentence for text in (type_name, 'another of that name', AUDIO_TYPES[type_name].origin))
    assert 'Int16MultiArray' in sentence
    assert not any(advice in sentence for advice in ('in its place', 'replace', 'install', 'instead of'))


@pytest.mark.parametrize(('field', 'needs_info'), [('data', True), ('int16_data', False)])
def test_audio_data_of_either_package_is_read(install, field, needs_info):
    message = install(field)
    found, kind = load_message('audio_common_msgs/msg/AudioData')
    assert found is message and kind.needs_info is needs_info
