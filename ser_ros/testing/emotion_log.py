# SPDX-License-Identifier: Apache-2.0
"""Collects the emotions that nodes publish."""

import time
from collections.abc import Callable

from rclpy.node import Node
from rclpy.qos import QoSProfile

from ser_msgs.msg import Emotion

_DEPTH = 1000
"""Messages that are queued while the subscriber is busy."""


class EmotionLog:
    """Every message on one topic.

    Attributes:
        messages: in order of arrival.
        arrivals: their times of `time.monotonic()`.
    """

    def __init__(self, node: Node, topic: str, on_message: Callable[[Emotion], None] | None = None):
        """Subscribe `node`, which others spin; `on_message` is called with each message after it has been stored."""
        self.messages: list[Emotion] = []
        self.arrivals: list[float] = []
        self._on_message = on_message
        self._subscription = node.create_subscription(Emotion, topic, self._take, QoSProfile(depth=_DEPTH))

    @property
    def finals(self) -> list[Emotion]:
        """Those that end an utterance."""
        return [message for message in self.messages if message.is_final]

    def _take(self, message: Emotion) -> None:
        self.arrivals.append(time.monotonic())
        self.messages.append(message)
        if self._on_message is not None:
            self._on_message(message)
