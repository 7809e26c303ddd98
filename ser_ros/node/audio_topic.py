# SPDX-License-Identifier: Apache-2.0
"""Subscribes to sound in whichever form it is published."""

import importlib

from rclpy.node import Node
from rclpy.qos import QoSProfile, qos_profile_sensor_data

from ser_ros.audio.packets import AUDIO_TYPES, INFO_TYPE, PacketDecoder
from ser_ros.audio.topic import TopicSource
from ser_ros.errors import SerError

_LOOK_PERIOD = 0.2
"""Seconds between looks for who publishes."""

_INFO_QOS = QoSProfile(depth=1)
"""Volatile: it hears latched publishers too, and those that repeat themselves, as ros-drivers' does every five seconds."""


class AudioTopicSubscription:
    """Feeds a source from a topic, and takes the message type of whoever publishes there, also when that changes."""

    def __init__(self, node: Node, topic: str, info_topic: str, rate: int, source: TopicSource):
        """Begin to look for a publisher; `rate` in Hz is for messages that cannot say theirs."""
        self._node = node
        self._topic = node.resolve_topic_name(topic)
        self._info_topic = info_topic
        self._rate = rate
        self._source = source
        self._type = ''
        self._subscriptions: list = []
        self._timer = node.create_timer(_LOOK_PERIOD, self._look)
        self._look()

    def destroy(self) -> None:
        """End the subscriptions and the search."""
        self._node.destroy_timer(self._timer)
        self._unsubscribe()

    def _look(self) -> None:
        types = {info.topic_type for info in self._node.get_publishers_info_by_topic(self._topic)}
        if not types or self._type in types:
            return
        self._unsubscribe()
        try:
            self._subscribe(_choose(types, self._topic))
        except SerError as error:
            self._source.complain(str(error))

    def _subscribe(self, message_type: str) -> None:
        message = load_message(message_type)
        self._decoder = PacketDecoder(message_type, rate=self._rate)
        self._subscriptions.append(
            self._node.create_subscription(message, self._topic, self._on_message, qos_profile_sensor_data)
        )
        if self._decoder.needs_info:
            info = load_message(INFO_TYPE)
            self._subscriptions.append(self._node.create_subscription(info, self._info_topic, self._on_info, _INFO_QOS))
        self._type = message_type
        self._source.complain('')
        self._node.get_logger().info(f'hearing {message_type} on {self._topic}')

    def _unsubscribe(self) -> None:
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions.clear()
        self._type = ''

    def _on_message(self, message) -> None:
        try:
            packet = self._decoder.decode(message)
        except SerError as error:
            self._source.refuse(str(error))
        else:
            if packet is not None:
                self._source.push(packet)

    def _on_info(self, info) -> None:
        self._decoder.note_info(info)


def installed_types() -> list[str]:
    """Return those of AUDIO_TYPES whose packages are installed, the most telling first."""
    found = []
    for message_type in AUDIO_TYPES:
        try:
            load_message(message_type)
        except SerError:
            continue
        found.append(message_type)
    return found


def load_message(message_type: str) -> type:
    """Return the class of a message type such as 'std_msgs/msg/Bool'. Raises SerError where it is not installed."""
    package, _, name = message_type.split('/')
    try:
        return getattr(importlib.import_module(f'{package}.msg'), name)
    except (ImportError, AttributeError):
        raise SerError(
            f'the message type {message_type} is not installed here; install or build the same package {package} as the '
            'microphone node uses (two packages have that name), and source it'
        ) from None


def _choose(types: set[str], topic: str) -> str:
    known = [message_type for message_type in AUDIO_TYPES if message_type in types]
    if not known:
        raise SerError(
            f'on {topic} comes {", ".join(sorted(types))}, which holds no sound that is read here; '
            f'publish one of {", ".join(AUDIO_TYPES)}, or correct audio.topic'
        )
    return known[0]
