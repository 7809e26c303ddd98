# SPDX-License-Identifier: Apache-2.0
"""Which topics of a bag carry the sound, and what their messages look like."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rosbags.interfaces import Connection, MessageDefinitionFormat
from rosbags.typesys import Stores, get_types_from_idl, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from ser_ros.annotation.bag import Bag
from ser_ros.audio.packets import AUDIO_TYPES, INFO_TYPE, AudioType, audio_type
from ser_ros.errors import SerError, reason

_PACKAGE = 'audio_common_msgs/msg/'
_DEFINITIONS = {
    f'{_PACKAGE}AudioStamped': {
        'AudioData': 'float32[] float32_data\nint32[] int32_data\nint16[] int16_data\nint8[] int8_data\n'
        'uint8[] uint8_data',
        'AudioInfo': 'int32 format\nint32 channels\nint32 rate\nint32 chunk',
        'Audio': 'audio_common_msgs/AudioData audio_data\naudio_common_msgs/AudioInfo info',
        'AudioStamped': 'std_msgs/Header header\naudio_common_msgs/Audio audio',
    },
    INFO_TYPE: {
        'AudioInfo': 'uint8 channels\nuint32 sample_rate\nstring sample_format\nuint32 bitrate\nstring coding_format',
    },
    f'{_PACKAGE}AudioData': {'AudioData': 'uint8[] data'},
    f'{_PACKAGE}AudioDataStamped': {
        'AudioData': 'uint8[] data',
        'AudioDataStamped': 'std_msgs/Header header\naudio_common_msgs/AudioData audio',
    },
}
"""Type -> the definitions that it needs, for bags without any (SQLite before ROS 2 Iron).

AudioStamped belongs to one of the two packages that are called audio_common_msgs (mgonzs13's), all others to the other
one (ros-drivers').
"""


@dataclass(frozen=True)
class AudioTopics:
    """Where the sound is.

    Attributes:
        audio: What was recorded of the topic with the sound.
        info: What was recorded of the topic with AudioInfo; empty if there is none.
        kind: How the messages with the sound are read.
        store: Knows the types of both topics.
    """

    audio: tuple[Connection, ...]
    info: tuple[Connection, ...]
    kind: AudioType
    store: Typestore

    @property
    def name(self) -> str:
        """Of the topic with the sound."""
        return self.audio[0].topic


def choose_topics(bag: Bag, topic: str | None, info_topic: str | None) -> AudioTopics:
    """Return the topics of these names, or the only candidates. Raises SerError."""
    audio = _choose(bag, topic, tuple(AUDIO_TYPES), '--topic', 'audio')
    if not audio:
        listed = ', '.join(sorted({found.topic for found in bag.connections})) or 'none'
        raise SerError(
            f'the bag {bag.path} has no topic with audio messages ({", ".join(AUDIO_TYPES)}); its topics are: {listed}'
        )
    kind = _kind(bag, audio[0])
    info = _choose(bag, info_topic, (INFO_TYPE,), '--info-topic', 'AudioInfo') if kind.needs_info else ()
    return AudioTopics(audio, info, kind, _store((*audio[:1], *info[:1])))


def _kind(bag: Bag, audio: Connection) -> AudioType:
    fields = [name for name, _ in _store([audio]).fielddefs[audio.msgtype][1]]
    kind = audio_type(audio.msgtype, fields)
    if kind is None:
        raise SerError(
            f'{audio.topic} of {bag.path} holds {audio.msgtype} with the fields {", ".join(fields)}, which are not '
            f'those of {AUDIO_TYPES[audio.msgtype].origin}; choose another topic with --topic'
        )
    return kind


def check_new_topic(bag: Bag, topic: str) -> str:
    """Return `topic`, which the bag must not have. Raises SerError."""
    if any(connection.topic == topic for connection in bag.connections):
        raise SerError(f'the bag {bag.path} has a topic {topic} already; give another name with --emotion-topic')
    return topic


def _choose(bag: Bag, topic: str | None, types: Sequence[str], option: str, what: str) -> tuple[Connection, ...]:
    fitting = [connection for connection in bag.connections if connection.msgtype in types]
    if topic is not None:
        fitting = [connection for connection in fitting if connection.topic == topic]
        if not fitting:
            raise SerError(
                f'the bag {bag.path} has no topic {topic} with {what} messages; '
                f'`ros2 bag info {bag.path}` lists its topics and types'
            )
    names = sorted({connection.topic for connection in fitting})
    if len(names) > 1:
        raise SerError(f'the bag {bag.path} has several {what} topics ({", ".join(names)}); choose one with {option}')
    kinds = {connection.msgtype for connection in fitting}
    if len(kinds) > 1:
        raise SerError(f'the topic {names[0]} of {bag.path} holds messages of several types; annotate needs one')
    return tuple(fitting)


def _store(connections: Iterable[Connection]) -> Typestore:
    store = get_typestore(Stores.ROS2_JAZZY)
    for connection in connections:
        try:
            definitions = _definitions(connection)
        except Exception as error:
            # Any exception: the bag's text may be anything.
            raise SerError(
                f'what the bag says about {connection.msgtype} cannot be read ({reason(error)}); record it again'
            ) from None
        store.register({name: fields for name, fields in definitions.items() if name.startswith(_PACKAGE)})
    return store


def _definitions(connection: Connection) -> dict[str, Any]:
    text = connection.msgdef.data
    if connection.msgdef.format == MessageDefinitionFormat.MSG:
        return get_types_from_msg(text, connection.msgtype)
    if connection.msgdef.format == MessageDefinitionFormat.IDL:
        return {
            name: fields for part in text.split(f'{"=" * 80}\n') for name, fields in _definitions_in_idl(part).items()
        }
    found: dict[str, Any] = {}
    for name, definition in _DEFINITIONS.get(connection.msgtype, {}).items():
        found |= get_types_from_msg(definition, f'{_PACKAGE}{name}')
    return found


def _definitions_in_idl(part: str) -> dict[str, Any]:
    # Each part of what rosbag2 writes begins with a line that names it.
    text = part.partition('\n')[2] if part.startswith('IDL: ') else part
    return get_types_from_idl(text) if text.strip() else {}
