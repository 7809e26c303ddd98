# SPDX-License-Identifier: Apache-2.0
"""The topic `mood`: how each voice has seemed lately."""

import threading
import time
from collections.abc import Sequence

from rclpy.clock import Clock, ClockType
from rclpy.duration import Duration
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import DurabilityPolicy, QoSProfile

from ser_msgs.msg import Emotion
from ser_msgs.msg import Mood as MoodMessage
from ser_ros.mood.config import MoodConfig
from ser_ros.mood.moods import Moods
from ser_ros.mood.voice_mood import Answer, Mood
from ser_ros.node.messages import mood_message, seconds

MOOD_QOS = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
"""Whoever subscribes late gets the last state alone: with a deeper history it would get older ones first, and take each
for the present one."""

_LOOK_PERIOD = 0.5
"""Seconds between looks whether something has faded."""


class MoodPublisher:
    """Publishes moods while the node is active: after each final emotion, and when one fades.

    Any thread may call `hear`; all other calls belong to the executor's thread.
    """

    def __init__(self, node: LifecycleNode, labels: Sequence[str], config: MoodConfig, frame_id: str):
        """Create the publisher of moods of a model with `labels`, heard by the microphone `frame_id`."""
        self._node = node
        self._labels = tuple(labels)
        self._frame_id = frame_id
        self._lock = threading.Lock()
        self._moods = Moods(labels, config, self._now())
        self._publisher = node.create_lifecycle_publisher(MoodMessage, 'mood', MOOD_QOS)
        # Not the node's own clock, which may stand still in a simulation.
        self._timer = node.create_timer(_LOOK_PERIOD, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME))
        # It runs only while something can fade: each wake-up of the executor costs a millisecond.
        self._timer.cancel()
        self._heard = node.create_guard_condition(self._timer.reset)

    def configure(self, config: MoodConfig) -> None:
        """Use `config` from now on."""
        with self._lock:
            self._moods.config = config

    def activate(self) -> None:
        """Publish that no mood is known."""
        with self._lock:
            self._moods = Moods(self._labels, self._moods.config, self._now())
            self._publish(self._moods.forget(self._now()))

    def deactivate(self) -> None:
        """Publish that no mood is known any more, of any voice: a latched one would stay for ever."""
        self._timer.cancel()
        with self._lock:
            self._publish(self._moods.forget(self._now()))

    def hear(self, emotion: Emotion, arrived: float) -> None:
        """Publish what a final emotion changes; its speech had arrived at `arrived`, seconds of `time.monotonic()`."""
        if not emotion.is_final:
            return
        duration = seconds(emotion.duration)
        answer = Answer(
            probabilities=emotion.probabilities,
            duration=duration,
            ended=seconds(emotion.header.stamp) + duration,
            arrived=arrived,
            voice=emotion.voice,
            direction=emotion.direction,
        )
        with self._lock:
            self._publish(self._moods.hear(answer))
        self._heard.trigger()

    def wait_for_all_acked(self, timeout: Duration) -> None:
        """Return once all subscribers have the last moods, or after `timeout`."""
        self._publisher.wait_for_all_acked(timeout)

    def destroy(self) -> None:
        """Destroy the publisher and the timer."""
        self._node.destroy_guard_condition(self._heard)
        self._node.destroy_timer(self._timer)
        self._node.destroy_lifecycle_publisher(self._publisher)

    def _look(self) -> None:
        with self._lock:
            self._publish(self._moods.fade(time.monotonic()))
            if not self._moods.can_fade:
                self._timer.cancel()

    def _publish(self, moods: Sequence[Mood]) -> None:
        for mood in moods:
            self._publisher.publish(mood_message(mood, self._labels, self._frame_id))

    def _now(self) -> float:
        return self._node.get_clock().now().nanoseconds / 1e9
