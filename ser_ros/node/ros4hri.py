# SPDX-License-Identifier: Apache-2.0
"""The microphone as a voice in the sense of REP-155 (ROS4HRI)."""

import math
import random
import string

from rclpy.clock import Clock, ClockType
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import Bool

from ser_msgs.msg import Emotion
from ser_ros.emotions import ROS4HRI_EXPRESSIONS
from ser_ros.node.optional_messages import messages_of

VOICES = '/humans/voices'
"""Absolute, as in REP-155: a node's namespace does not change it."""

_LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
_EVENTS = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
_ID_LENGTH = 5
_PERIOD = 1.0
"""Seconds between repetitions of `tracked`: libhri requests no latched messages and would miss a voice that was there
before it."""


class VoicePublisher:
    """Publishes one voice, that of the person speaking into this microphone, while the node is active.

    `/humans/voices/tracked` (hri_msgs/IdsList, latched, repeated every second): the voice's id while the node is
    active, otherwise none.
    `/humans/voices/<id>/is_speaking` (std_msgs/Bool, latched): follows the segmenter; false while the node is inactive.
    `/humans/voices/<id>/expression` (hri_msgs/Expression): what a final utterance sounds like; an extension, as REP-155
    gives expressions to faces only. Its valence and arousal are those of the estimate; where that has none they are 0,
    because the message allows nothing but -1..1. Nothing is published for an emotion that Expression cannot express,
    nor for `unknown`.

    Each object draws a new id: REP-155 requires it to be unique and not persistent. It does not identify the speaker.
    With `voice_id` the voice belongs to another node, which publishes everything about it but the expression: the last
    list of tracked voices replaces all others, so two publishers would drop each other's voice.

    Any thread may call `speaking` and `estimate`; all other calls belong to the executor's thread.
    """

    def __init__(self, node: Node, voice_id: str = ''):
        """Create the publishers, for a new voice or another node's. Raises SerError if hri_msgs is not installed."""
        messages = messages_of('hri_msgs', asked_by='ros4hri.enabled is set', without='set ros4hri.enabled to false')
        self._node = node
        self._make_ids = messages.IdsList
        self._make_expression = messages.Expression
        self.voice_id = voice_id or _draw_id()
        voice = f'{VOICES}/{self.voice_id}'
        self._tracked = self._is_speaking = self._timer = None
        self._is_alone = True
        if not voice_id:
            self._tracked = node.create_publisher(messages.IdsList, f'{VOICES}/tracked', _LATCHED)
            self._is_speaking = node.create_publisher(Bool, f'{voice}/is_speaking', _LATCHED)
            # Not the node's own clock, which may stand still in a simulation.
            self._timer = node.create_timer(_PERIOD, self._repeat, clock=Clock(clock_type=ClockType.STEADY_TIME))
            self._timer.cancel()
        self._expression = node.create_publisher(messages.Expression, f'{voice}/expression', _EVENTS)

    @property
    def own_id(self) -> str:
        """The id of the voice if it is this node's own; '' if it is another node's."""
        return self.voice_id if self._tracked is not None else ''

    def activate(self) -> None:
        """Publish that the voice is tracked, and that no one is speaking yet."""
        self.speaking(False)
        self._track([self.voice_id])
        if self._timer is not None:
            self._timer.reset()

    def deactivate(self) -> None:
        """Publish that no one is speaking, and that no voice is tracked any more."""
        self.speaking(False)
        if self._timer is not None:
            self._timer.cancel()
        self._track([])

    def speaking(self, speaking: bool) -> None:
        """Publish whether someone is speaking."""
        if self._is_speaking is not None:
            self._is_speaking.publish(Bool(data=speaking))

    def estimate(self, message: Emotion) -> None:
        """Publish the expression of a final utterance; its header and confidence are those of `message`."""
        expression = ROS4HRI_EXPRESSIONS.get(message.emotion)
        if message.is_final and expression is not None:
            self._expression.publish(
                self._make_expression(
                    header=message.header,
                    expression=expression,
                    valence=_or_middle(message.valence),
                    arousal=_or_middle(message.arousal),
                    confidence=message.confidence,
                )
            )

    def wait_for_all_acked(self, timeout: Duration) -> None:
        """Return once all subscribers have the last messages, or after `timeout` for each topic."""
        for publisher in self._publishers:
            publisher.wait_for_all_acked(timeout)

    def destroy(self) -> None:
        """Destroy the publishers and the timer."""
        if self._timer is not None:
            self._node.destroy_timer(self._timer)
        for publisher in self._publishers:
            self._node.destroy_publisher(publisher)

    @property
    def _publishers(self) -> tuple[Publisher, ...]:
        made = (self._tracked, self._is_speaking, self._expression)
        return tuple(publisher for publisher in made if publisher is not None)

    def _repeat(self) -> None:
        self._track([self.voice_id])
        is_alone = self._node.count_publishers(f'{VOICES}/tracked') <= 1
        if self._is_alone and not is_alone:
            self._node.get_logger().warning(
                f'another node publishes {VOICES}/tracked too, and each drops the voice of the other; set '
                'ros4hri.voice_id to the id of its voice'
            )
        self._is_alone = is_alone

    def _track(self, ids: list[str]) -> None:
        """Publish which voices are tracked, unless another node does."""
        if self._tracked is None:
            return
        message = self._make_ids(ids=ids)
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._tracked.publish(message)


def _or_middle(value: float) -> float:
    return 0.0 if math.isnan(value) else value


def _draw_id() -> str:
    # Only letters: no part of a ROS 2 topic's name may begin with a digit.
    return ''.join(random.SystemRandom().choices(string.ascii_lowercase, k=_ID_LENGTH))
