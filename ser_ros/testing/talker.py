# SPDX-License-Identifier: Apache-2.0
"""Speaks to a node over a topic, in real time."""

import array
import threading
import time
from collections import deque

import numpy as np
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from std_msgs.msg import Int16MultiArray

RATE = 16_000
"""Hz."""

BLOCK = 1600
"""Samples in each message."""

_ROOM = 0.0005
"""Standard deviation of the white noise while nothing is said: -66 dBFS."""


class Talker:
    """Publishes what it is to say, and a quiet room before and after it, on its own thread.

    Attributes:
        publisher: Of the messages; it stays when the talker falls silent.
    """

    def __init__(self, node: Node, topic: str, *, burst: int = 1):
        """Start with the room, published by `node` on `topic` as Int16MultiArray, `burst` messages at once."""
        self.publisher = node.create_publisher(Int16MultiArray, topic, qos_profile_sensor_data)
        self._burst = burst
        self._room = np.random.default_rng(0).normal(scale=_ROOM, size=BLOCK)
        self._blocks: deque[np.ndarray | None] = deque()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._talk, daemon=True)
        self._thread.start()

    @property
    def is_done(self) -> bool:
        """Whether everything is said."""
        return not self._blocks

    def say(self, sound: np.ndarray) -> None:
        """Say `sound` (float, shape (n,), 16 kHz) next."""
        padded = np.pad(sound, (0, -len(sound) % BLOCK))
        self._blocks.extend(padded.reshape(-1, BLOCK))

    def pause(self, blocks: int) -> None:
        """Publish nothing for `blocks` of 0.1 s."""
        self._blocks.extend([None] * blocks)

    def publish(self, sound: np.ndarray) -> None:
        """Publish `sound` (float, shape (n,), 16 kHz) in one message, now."""
        levels = np.round(np.clip(sound, -1, 1) * 32767).astype(np.int16)
        self.publisher.publish(Int16MultiArray(data=array.array('h', levels.tobytes())))

    def close(self) -> None:
        """Stop publishing for good."""
        self._ending.set()
        self._thread.join()

    def _talk(self) -> None:
        due = time.monotonic()
        while not self._ending.wait(max(0.0, due - time.monotonic())):
            due += self._burst * BLOCK / RATE
            for _ in range(self._burst):
                self._publish_next()

    def _publish_next(self) -> None:
        block = self._blocks[0] if self._blocks else self._room
        if block is not None:
            self.publish(block)
        if self._blocks:
            self._blocks.popleft()
