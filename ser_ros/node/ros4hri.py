# SPDX-License-Identifier: Apache-2.0
"""The microphone as a voice in the sense of REP-155 (ROS4HRI)."""

import os
import random
import string

from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import Bool

from ser_msgs.msg import Emotion
from ser_ros.emotions import ROS4HRI_EXPRESSIONS
from ser_ros.errors import SerError

VOICES = '/humans/voices'
"""Absolute, as REP-155 has it: a node's namespace does not move it."""

_LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
_EVENTS = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
_ID_LENGTH = 5


class VoicePublisher:
    """Publishes one voice, that of whoever speaks into this microphone, while the node is active.

    `/humans/voices/tracked` (hri_msgs/IdsList, latched): the voice's id while the node is active, else nobody.
    `/humans/voices/<id>/is_speaking` (std_msgs/Bool, latched): follows the segmenter; false where the node is inactive.
    `/humans/voices/<id>/expression` (hri_msgs/Expression): what a final utterance sounds like; an extension, as REP-155
    gives expressions to faces only. Its valence and arousal stay 0: they are not estimated, and the message has no way
    to say so. There is none for an emotion that Expression cannot say, which `unknown` is too.

    The id is drawn anew with each object: REP-155 wants it unique and not persistent. It tells nothing about who
    speaks. Any thread may call `speaking` and `estimate`; all other calls belong to the executor's thread.
    """

    def __init__(self, node: Node):
        """Create the publishers. Raises SerError where hri_msgs is not installed."""
        try:
            from hri_msgs.msg import Expression, IdsList
        except ImportError:
            distribution = os.environ.get('ROS_DISTRO') or '$ROS_DISTRO'
            raise SerError(
                'ros4hri.enabled is set, but the package hri_msgs is not installed or not sourced; '
                f'`sudo apt install ros-{distribution}-hri-msgs`, or set ros4hri.enabled to false'
            ) from None
        self._node = node
        self._make_ids = IdsList
        self._make_expression = Expression
        self.voice_id = _draw_id()
        voice = f'{VOICES}/{self.voice_id}'
        self._tracked = node.create_publisher(IdsList, f'{VOICES}/tracked', _LATCHED)
        self._is_speaking = node.create_publisher(Bool, f'{voice}/is_speaking', _LATCHED)
        self._expression = node.create_publisher(Expression, f'{voice}/expression', _EVENTS)

    def activate(self) -> None:
        """Say that the voice is tracked, and that nobody speaks yet."""
        self._is_speaking.publish(Bool(data=False))
        self._track([self.voice_id])

    def deactivate(self) -> None:
        """Say that nobody speaks, and that no voice is tracked any more."""
        self._is_speaking.publish(Bool(data=False))
        self._track([])

    def speaking(self, speaking: bool) -> None:
        """Say whether somebody speaks."""
        self._is_speaking.publish(Bool(data=speaking))

    def estimate(self, message: Emotion) -> None:
        """Publish the expression of a final utterance; its header and confidence are those of `message`."""
        expression = ROS4HRI_EXPRESSIONS.get(message.emotion)
        if message.is_final and expression is not None:
            self._expression.publish(
                self._make_expression(header=message.header, expression=expression, confidence=message.confidence)
            )

    def wait_for_all_acked(self, timeout: Duration) -> None:
        """Return when all listeners have what was said last, or after `timeout` for each topic."""
        for publisher in self._publishers:
            publisher.wait_for_all_acked(timeout)

    def destroy(self) -> None:
        """Take the topics away."""
        for publisher in self._publishers:
            self._node.destroy_publisher(publisher)

    @property
    def _publishers(self) -> tuple[Publisher, ...]:
        return self._tracked, self._is_speaking, self._expression

    def _track(self, ids: list[str]) -> None:
        message = self._make_ids(ids=ids)
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._tracked.publish(message)


def _draw_id() -> str:
    # Letters alone: no part of a ROS 2 topic's name may begin with a digit.
    return ''.join(random.SystemRandom().choices(string.ascii_lowercase, k=_ID_LENGTH))
