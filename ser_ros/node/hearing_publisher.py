# SPDX-License-Identifier: Apache-2.0
"""The topic `~/hearing`: what the node hears right now, published only while somebody subscribes."""

from rclpy.lifecycle import LifecycleNode
from rclpy.qos import QoSProfile

from ser_msgs.msg import Hearing
from ser_ros.node.messages import to_time
from ser_ros.pipeline.reading import Reading

_QOS = QoSProfile(depth=10)
"""Reliable, so that every subscriber matches; one that asks for best effort, as the view does, costs no answers."""


class HearingPublisher:
    """The publisher of a configured node; the listener's thread asks it and gives it readings."""

    def __init__(self, node: LifecycleNode, frame_id: str):
        """Create it; `frame_id` is that of the microphone."""
        self._node = node
        self._publisher = node.create_lifecycle_publisher(Hearing, '~/hearing', _QOS)
        self._message = Hearing()
        self._message.header.frame_id = frame_id

    def is_wanted(self) -> bool:
        """Return whether somebody subscribes."""
        return self._publisher.get_subscription_count() > 0

    def publish(self, reading: Reading) -> None:
        """Publish what is heard."""
        message = self._message
        message.header.stamp = to_time(reading.time)
        message.level = reading.level
        message.floor = reading.floor
        message.speech_probability = reading.speech_probability
        message.state = reading.state.value
        message.gate = reading.gate.value if reading.gate else ''
        self._publisher.publish(message)

    def destroy(self) -> None:
        """Take it off the node."""
        self._node.destroy_lifecycle_publisher(self._publisher)
