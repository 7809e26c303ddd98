# SPDX-License-Identifier: Apache-2.0
"""Speaks to running nodes over real DDS, in real time, and takes the time of every answer."""

import threading
import time
from collections.abc import Callable, Sequence

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile, qos_profile_sensor_data
from std_msgs.msg import Int16MultiArray

from ser_msgs.msg import Emotion
from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.benchmarking.schedule import PACKET
from ser_ros.errors import SerError

_DISCOVERY_TIMEOUT = 30.0
_LAST_WORDS = 2.0
"""Seconds after the last packet for the last answer."""


class Speaker:
    """A ROS node that plays sound on `audio` as a microphone would, and hears the nodes' emotions."""

    def __enter__(self) -> 'Speaker':
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self._node = rclpy.create_node('ser_benchmark', context=self._context)
        self._audio = self._node.create_publisher(Int16MultiArray, 'audio', qos_profile_sensor_data)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._spinning = threading.Thread(target=self._executor.spin, daemon=True)
        self._spinning.start()
        self._received: dict[str, list[tuple[float, Emotion]]] = {}
        self._subscriptions: list = []
        return self

    def __exit__(self, *exception) -> None:
        self._executor.shutdown()
        self._spinning.join()
        self._node.destroy_node()
        rclpy.shutdown(context=self._context)

    def hear(self, topics: Sequence[str]) -> None:
        """Subscribe to the nodes' emotions and wait until they and `audio` are connected. Raises SerError."""
        for topic in topics:
            received = self._received[topic] = []
            self._subscriptions.append(
                self._node.create_subscription(
                    Emotion,
                    topic,
                    lambda message, received=received: received.append((time.monotonic(), message)),
                    QoSProfile(depth=1000),
                )
            )
        deadline = time.monotonic() + _DISCOVERY_TIMEOUT
        while self._audio.get_subscription_count() < len(topics) or any(
            not self._node.count_publishers(topic) for topic in topics
        ):
            if time.monotonic() > deadline:
                raise SerError('the nodes are not found over DDS; does a firewall keep this machine from itself?')
            time.sleep(_DISCOVERY_TIMEOUT / 300)

    def play(self, sound: np.ndarray, on_progress: Callable[[float], None] = lambda seconds: None) -> list[float]:
        """Publish `sound` (float32, 16 kHz, whole packets) as fast as it sounds; return when each packet went out.

        The times are those of `time.monotonic()`.
        """
        packets = (sound.clip(-1.0, 1.0) * 32767).astype(np.int16).reshape(-1, PACKET)
        began, sent = time.monotonic(), []
        for index, packet in enumerate(packets):
            time.sleep(max(0.0, began + (index + 1) * PACKET / SAMPLE_RATE - time.monotonic()))
            message = Int16MultiArray(data=packet.tolist())
            sent.append(time.monotonic())
            self._audio.publish(message)
            on_progress((index + 1) * PACKET / SAMPLE_RATE)
        return sent

    def take(self, topic: str, count: int) -> list[tuple[float, Emotion]]:
        """Return (when it came, message) of all messages on `topic`, once `count` final ones or no more have come."""
        received = self._received[topic]
        deadline = time.monotonic() + _LAST_WORDS
        while sum(message.is_final for _, message in received) < count and time.monotonic() < deadline:
            time.sleep(_LAST_WORDS / 100)
        return list(received)
