# SPDX-License-Identifier: Apache-2.0
"""Subscribes to audio in any of the supported message types."""

import importlib
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription
from rclpy.topic_endpoint_info import TopicEndpointInfo

from ser_ros.audio.packets import (
    AUDIO_TYPES,
    INFO_TYPE,
    ROS_DRIVERS,
    AudioType,
    PacketDecoder,
    StreamFormat,
    audio_type,
)
from ser_ros.audio.topic import TopicSource
from ser_ros.errors import SerError
from ser_ros.node.senders import Senders

_NANOSECONDS = 1_000_000_000
_LOOK_PERIOD = 0.2
"""Seconds between looks for publishers."""

_INFO_PATIENCE = 2.0
"""Seconds to wait for an AudioInfo after the first message when no publisher of it is known: one may be discovered
later."""

_UNKNOWN = '_NODE_NAME_UNKNOWN_'
"""What rmw calls nodes that are not discovered yet, and programs that use DDS without ROS."""

_AUDIO_QOS = QoSProfile(depth=100, reliability=ReliabilityPolicy.BEST_EFFORT)
"""Sensor data with a longer queue: the usual depth of five messages does not cover the pauses of a busy executor."""
_INFO_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
"""Requests the least, so that it matches every publisher; that of ros-drivers repeats its message every five
seconds."""


class AudioTopicSubscription:
    """Feeds a source from a topic, with the message type that is published there, also when that type changes."""

    def __init__(self, node: Node, topic: str, info_topic: str, assumed: StreamFormat, source: TopicSource):
        """Start looking for a publisher.

        Args:
            node: That listens.
            topic: Full name of the topic with the sound.
            info_topic: Full name of the topic with AudioInfo.
            assumed: The format of messages that do not state theirs.
            source: That is fed.
        """
        self._node = node
        self._topic = topic
        self._info_topic = info_topic
        self._assumed = assumed
        self._source = source
        self._senders = Senders(topic)
        self._type = ''
        self._subscriptions: list[Subscription] = []
        self._timer = node.create_timer(_LOOK_PERIOD, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._look()

    @property
    def remark(self) -> str:
        """One sentence if several publishers send sound, or one of them sends too much; '' otherwise."""
        return self._senders.remark(time.monotonic()) or self._source.remark

    def destroy(self) -> None:
        """End the subscriptions and the search."""
        self._node.destroy_timer(self._timer)
        self._unsubscribe()

    def _look(self) -> None:
        publishers = self._node.get_publishers_info_by_topic(self._topic)
        types = {info.topic_type for info in publishers}
        if not types:
            return
        names = [_full_name(info) for info in publishers if info.topic_type == self._type]
        self._senders.note_publishers(names, time.monotonic())
        if self._type in types:
            self._compare([bytes(info.topic_type_hash.value) for info in publishers if info.topic_type == self._type])
            return
        if self._subscriptions:
            # DDS allows one type for each name; the old one is released by the next look.
            self._unsubscribe()
            return
        try:
            self._subscribe(_choose(types, self._topic))
        except SerError as error:
            self._source.complain(str(error))

    def _subscribe(self, message_type: str) -> None:
        message, kind = load_message(message_type)
        self._decoder = PacketDecoder(kind, self._assumed)
        self._waiting_since: float | None = None
        # rclpy also accepts callbacks that take the message's info, but its type hints do not say so.
        callback: Callable[..., None] = self._on_message
        self._subscriptions.append(self._node.create_subscription(message, self._topic, callback, _AUDIO_QOS))
        info = load_info() if kind.needs_info else None
        if info is not None:
            self._subscriptions.append(self._node.create_subscription(info, self._info_topic, self._on_info, _INFO_QOS))
        self._type = message_type
        self._hash: bytes | None = None
        self._is_foreign = False
        self._source.complain('')
        self._node.get_logger().info(f'hearing {message_type} on {self._topic}')

    def _compare(self, hashes: list[bytes]) -> None:
        """Complain if no publisher has exactly the type that is subscribed to: DDS compares only the names."""
        if self._hash is None:
            mine = [
                info
                for info in self._node.get_subscriptions_info_by_topic(self._topic)
                if (info.node_name, info.node_namespace) == (self._node.get_name(), self._node.get_namespace())
            ]
            self._hash = bytes(mine[0].topic_type_hash.value) if mine else None
        # All zeros if a publisher's middleware does not report it.
        is_foreign = self._hash is not None and all(any(other) and other != self._hash for other in hashes)
        if is_foreign != self._is_foreign:
            self._is_foreign = is_foreign
            self._source.complain(_other_package(self._type, 'another package') if is_foreign else '')

    def _unsubscribe(self) -> None:
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions.clear()
        self._type = ''

    def _on_message(self, message: Any, info: dict[str, Any]) -> None:
        sent = info['source_timestamp'] / _NANOSECONDS
        # ROS 2 Humble has no numbers yet.
        number = info.get('publication_sequence_number')
        if not self._senders.keeps(number, sent, time.monotonic(), self._source.longest_pause):
            return
        try:
            packet = self._decoder.decode(message)
        except SerError as error:
            self._source.refuse(str(error))
            return
        if packet is None:
            self._wait_for_info()
        else:
            self._source.push(packet, sent=sent)

    def _wait_for_info(self) -> None:
        """Skip a message whose format is not known yet, or decide that no AudioInfo will come."""
        if self._node.count_publishers(self._info_topic):
            self._source.refuse(
                f'the format of the sound on {self._topic} is not known until an AudioInfo comes on '
                f'{self._info_topic}; if none comes, correct audio.info_topic'
            )
            return
        self._source.leave_out()
        now = time.monotonic()
        self._waiting_since = self._waiting_since or now
        if now - self._waiting_since > _INFO_PATIENCE:
            self._decoder.do_without_info()
            self._node.get_logger().warning(
                f'no one publishes an AudioInfo on {self._info_topic}: the sound on {self._topic} is assumed to be '
                f'{self._assumed.sample_rate} Hz with {self._assumed.channels} channel(s) of '
                f'{self._assumed.sample_format}, as audio.topic_rate and audio.topic_channels say'
            )

    def _on_info(self, info: Any) -> None:
        self._decoder.note_info(info)


def _full_name(info: TopicEndpointInfo) -> str:
    if info.node_name == _UNKNOWN:
        return 'a node without a name'
    return f'{info.node_namespace.rstrip("/")}/{info.node_name}'


def installed_types() -> list[str]:
    """Return those of AUDIO_TYPES whose packages are installed, the most informative first."""
    found = []
    for message_type in AUDIO_TYPES:
        try:
            load_message(message_type)
        except SerError:
            continue
        found.append(message_type)
    return found


def load_message(message_type: str) -> tuple[type, AudioType]:
    """Return the class of one of AUDIO_TYPES and how it is read. Raises SerError if it is not installed."""
    package, _, name = message_type.split('/')
    origin = AUDIO_TYPES[message_type].origin
    message = getattr(_load_package(package, message_type, origin), name, None)
    kind = audio_type(message_type, message.get_fields_and_field_types()) if message is not None else None
    if message is None or kind is None:
        raise SerError(_other_package(message_type, origin))
    return message, kind


def load_info() -> type | None:
    """Return the class of INFO_TYPE; None if its package, which must be installed, is too old to have it."""
    package, _, name = INFO_TYPE.split('/')
    return getattr(_load_package(package, INFO_TYPE, ROS_DRIVERS), name, None)


def _other_package(message_type: str, origin: str) -> str:
    package = message_type.partition('/')[0]
    return (
        f'the messages are {message_type} of {origin}, and the package {package} that is found here is another of that '
        'name; start this node in a shell that has sourced the other one, or have the sound published as '
        'std_msgs/msg/Int16MultiArray'
    )


def _load_package(package: str, message_type: str, origin: str) -> ModuleType:
    try:
        return importlib.import_module(f'{package}.msg')
    except ImportError:
        raise SerError(
            f'the messages are of the type {message_type}, but the package {package} is not installed or not sourced '
            f'here; install that of {origin}'
        ) from None


def _choose(types: set[str], topic: str) -> str:
    supported = [message_type for message_type in AUDIO_TYPES if message_type in types]
    if not supported:
        raise SerError(
            f'{topic} carries {", ".join(sorted(types))}, which is not a supported audio type; '
            f'publish one of {", ".join(AUDIO_TYPES)}, or correct audio.topic'
        )
    return supported[0]
