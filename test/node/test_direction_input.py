# SPDX-License-Identifier: Apache-2.0
"""What comes on the topic of a microphone array, on a stand-in node."""

import math
import time

import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped
from rclpy.qos import ReliabilityPolicy
from stand_in_node import StandInNode
from std_msgs.msg import Int32

from ser_ros.node.direction_input import DirectionInput
from ser_ros.node.directions import Directions
from ser_ros.node.settings import DirectionParameters
from ser_ros.speech.segmenter import Utterance


class Array:
    """A microphone array, and the node's ear for it."""

    def __init__(self, kind):
        self.node = StandInNode()
        self.directions = Directions(hold=5.0)
        self.input = DirectionInput(self.node, DirectionParameters('doa', kind, 5.0), 'ear', self.directions)

    def say(self, message, **options):
        self.node.come('doa', message, **options)

    @property
    def heard(self):
        """Where somebody spoke during the last second."""
        return self.directions.of(Utterance(1, np.zeros(0, dtype=np.float32), 0.0, 1.0, time.monotonic(), True))


def pose(x, y, frame='ear'):
    message = PoseStamped()
    message.header.frame_id = frame
    message.pose.position.x, message.pose.position.y = x, y
    message.pose.orientation.w = message.pose.orientation.z = math.sqrt(0.5)
    return message


@pytest.mark.parametrize(
    ('degrees', 'radians'),
    [(0, 0.0), (90, math.pi / 2), (-90, -math.pi / 2), (270, -math.pi / 2), (359, -math.pi / 180), (3690, math.pi / 2)],
)
def test_degrees_are_counter_clockwise(degrees, radians):
    array = Array('degrees')
    array.say(Int32(data=degrees))
    assert array.heard == pytest.approx(radians)


@pytest.mark.parametrize('degrees', [2**31 - 1, -(2**31)])
def test_any_number_is_an_angle(degrees):
    array = Array('degrees')
    array.say(Int32(data=degrees))
    assert -math.pi <= array.heard < math.pi


def test_a_message_counts_from_when_it_was_sent():
    array = Array('degrees')
    array.say(Int32(data=10), ago=1.5)
    array.say(Int32(data=50), ago=0.5)
    assert array.heard == pytest.approx(math.radians(50))


@pytest.mark.parametrize(
    ('x', 'y', 'radians'), [(1, 0, 0.0), (0, 2, math.pi / 2), (-1, -1, -3 * math.pi / 4), (0.01, 0, 0.0)]
)
@pytest.mark.parametrize('frame', ['ear', ''])
def test_a_pose_says_it_by_its_position(x, y, radians, frame):
    array = Array('pose')
    array.say(pose(float(x), float(y), frame))
    assert array.heard == pytest.approx(radians)
    assert array.input.look() == ''


@pytest.mark.parametrize(
    ('x', 'y'), [(0.0, 0.0), (math.nan, 1.0), (1.0, math.inf), (-math.inf, math.nan), (1e-9, 1e-9)]
)
def test_a_pose_without_a_direction_is_told_with_the_cure_and_is_none(x, y):
    array = Array('pose')
    array.say(pose(x, y))
    assert math.isnan(array.heard)
    assert 'doa_xy_offset' in array.input.look()
    array.say(pose(1.0, 0.0))
    assert array.input.look() == ''


def test_a_pose_in_another_frame_is_told_with_the_cure_and_is_none():
    array = Array('pose')
    array.say(pose(1.0, 0.0, 'respeaker_base'))
    assert math.isnan(array.heard)
    problem = array.input.look()
    assert "'respeaker_base'" in problem and 'audio.frame_id' in problem


def test_a_topic_of_another_type_is_told_with_the_cure():
    array = Array('degrees')
    array.node.types['/doa'] = ['std_msgs/msg/Float32']
    problem = array.input.look()
    assert '/doa' in problem and 'std_msgs/msg/Float32' in problem and 'std_msgs/msg/Int32' in problem
    array.node.types['/doa'] = ['std_msgs/msg/Float32', 'std_msgs/msg/Int32']
    assert array.input.look() == ''


def test_every_publisher_is_heard_and_nothing_stays():
    array = Array('degrees')
    (subscription,) = array.node.subscriptions
    assert subscription.qos.reliability == ReliabilityPolicy.BEST_EFFORT
    array.input.destroy()
    assert array.node.subscriptions == []
