# SPDX-License-Identifier: Apache-2.0
"""Speaks to running nodes over real DDS, in real time, and takes the time of every answer."""

import array
import threading
import time
from collections.abc import Sequence

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import qos_profile_sensor_data
from std_msgs.msg import Int16MultiArray

from ser_msgs.msg import Emotion
from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.benchmarking.schedule import PACKET
from ser_ros.errors import SerError
from ser_ros.testing.emotion_log import EmotionLog

_DISCOVERY_TIMEOUT = 30.0
_LOOK_PERIOD = 0.05
_LAST_WORDS = 2.0
"""Seconds after the last packet for the last answer."""


class Speaker:
    """A ROS node that plays sound on topics as a microphone would, and hears the nodes' emotions."""

    def __enter__(self) -> 'Speaker':
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self._node = rclpy.create_node('ser_benchmark', context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._spinning = threading.Thread(target=self._executor.spin, daemon=True)
        self._spinning.start()
        self._logs: dict[str, EmotionLog] = {}
        self._publishers: dict = {}
        return self

    def __exit__(self, *exception: object) -> None:
        self._executor.shutdown()
        self._spinning.join()
        self._node.destroy_node()
        rclpy.shutdown(context=self._context)

    def connect(self, audio: str, emotions: Sequence[str]) -> None:
        """Prepare to play on `audio` to nodes that answer on `emotions`, and wait for them. Raises SerError."""
        publisher = self._node.create_publisher(Int16MultiArray, audio, qos_profile_sensor_data)
        self._publishers[audio] = publisher
        for topic in emotions:
            self._logs[topic] = EmotionLog(self._node, topic)
        deadline = time.monotonic() + _DISCOVERY_TIMEOUT
        while publisher.get_subscription_count() < len(emotions) or any(
            not self._node.count_publishers(topic) for topic in emotions
        ):
            if time.monotonic() > deadline:
                raise SerError(
                    f'the nodes did not connect to {audio} within {_DISCOVERY_TIMEOUT:.0f} s; '
                    'check whether a firewall blocks local connections'
                )
            time.sleep(_LOOK_PERIOD)

    def play(self, audio: str, packets: np.ndarray) -> list[float]:
        """Publish `packets` (int16, shape (n, PACKET), 16 kHz) on `audio` in real time.

        Returns the times of `time.monotonic()` at which the packets were handed to DDS.
        """
        publisher, sent = self._publishers[audio], []
        began = time.monotonic()
        for index, packet in enumerate(packets):
            message = Int16MultiArray(data=array.array('h', packet.tobytes()))
            time.sleep(max(0.0, began + (index + 1) * PACKET / SAMPLE_RATE - time.monotonic()))
            sent.append(time.monotonic())
            publisher.publish(message)
        return sent

    def take(self, topic: str, count: int) -> list[tuple[float, Emotion]]:
        """Return (when it came, message) of all messages on `topic`, once `count` final ones or no more have come."""
        log = self._logs[topic]
        deadline = time.monotonic() + _LAST_WORDS
        while len(log.finals) < count and time.monotonic() < deadline:
            time.sleep(_LOOK_PERIOD)
        messages = list(log.messages)
        return list(zip(log.arrivals, messages, strict=False))
