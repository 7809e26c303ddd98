# SPDX-License-Identifier: Apache-2.0
"""Writes a copy of a rosbag2 with one topic added."""

import heapq
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from rosbags.interfaces import Connection, ConnectionExtRosbag2, MessageDefinitionFormat, Qos
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys.store import Typestore

from ser_ros.annotation.bag import Bag
from ser_ros.annotation.existing_files import refuse_existing
from ser_ros.errors import SerError
from ser_ros.files import whole_folder

_VERSION: Final = 8
"""Of the copy's metadata: the last one whose QoS older distributions can read."""

_NO_HASH = f'RIHS01_{0:064}'
"""Placeholder for the hash of a type that the bag does not contain."""


@dataclass(frozen=True)
class AddedTopic:
    """What the copy holds beyond the original.

    Attributes:
        messages: (nanoseconds, CDR), in the order of time.
    """

    name: str
    kind: str
    qos: Qos
    messages: Sequence[tuple[int, bytes | memoryview]]


def copy_bag(bag: Bag, out: Path, *, added: AddedTopic, store: Typestore, on_progress: Callable[[int], None]) -> None:
    """Write a copy of `bag`, which is open, to the folder `out`, with `added`, whose type `store` knows.

    Every message is copied as it is, even of unknown types. The storage stays the same: a compressed SQLite bag is
    compressed again, an MCAP copy always is. `on_progress` is called with the number of messages after each. `out`
    appears when it is complete. Raises SerError if it exists already or cannot be written, or the bag is truncated.
    """
    refuse_existing([out])
    try:
        # The writer names its file after the folder.
        with whole_folder(out) as folder, _writer(bag, folder) as writer:
            _copy(bag, writer, added, store, on_progress)
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, 'strerror', None) or error
        raise SerError(f'{out} cannot be written ({reason}); free some space or give another --out') from None


def _writer(bag: Bag, folder: Path) -> Writer:
    plugin = StoragePlugin.MCAP if bag.is_mcap else StoragePlugin.SQLITE3
    writer = Writer(folder, version=_VERSION, storage_plugin=plugin)
    writer.set_compression(CompressionMode.STORAGE if bag.is_mcap else bag.compression, CompressionFormat.ZSTD)
    for key, value in bag.custom_data.items():
        writer.set_custom_data(key, str(value))
    return writer


def _copy(bag: Bag, writer: Writer, added: AddedTopic, store: Typestore, on_progress: Callable[[int], None]) -> None:
    copies: dict[int, Connection] = {}
    for connection in bag.connections:
        copies[connection.id] = _twin(writer, connection) or _copy_connection(writer, connection, store)
    new = writer.add_connection(added.name, added.kind, typestore=store, offered_qos_profiles=[added.qos])
    copied = 0

    def originals() -> Iterator[tuple[int, Connection, bytes]]:
        nonlocal copied
        for connection, timestamp, data in bag.messages():
            copied += 1
            yield timestamp, copies[connection.id], data

    additions = ((timestamp, new, data) for timestamp, data in added.messages)
    for timestamp, connection, data in heapq.merge(originals(), additions, key=lambda message: message[0]):
        writer.write(connection, timestamp, data)
        on_progress(copied)
    if copied != bag.message_count:
        raise SerError(
            f'the bag {bag.path} holds {copied} of the {bag.message_count} messages that it says it has, '
            'so its recording was cut off; `ros2 bag reindex` repairs it'
        )


def _twin(writer: Writer, connection: Connection) -> Connection | None:
    """Return the same topic of the copy, as when a publisher came twice; the writer accepts each only once."""
    for other in writer.connections:
        if (other.topic, other.msgtype, other.ext) == (connection.topic, connection.msgtype, connection.ext):
            return other
    return None


def _copy_connection(writer: Writer, connection: Connection, store: Typestore) -> Connection:
    definition: dict[str, Any] = {'msgdef': connection.msgdef.data, 'rihs01': connection.digest or _NO_HASH}
    if connection.msgdef.format == MessageDefinitionFormat.NONE:
        if connection.msgtype in store.types:
            # Readers that find one definition in a bag expect all of them there.
            definition = {'typestore': store}
        elif writer.storage_plugin is StoragePlugin.SQLITE3:
            # The writer would write an empty definition: a message without fields. MCAP needs one.
            writer.added_types.add(connection.msgtype)
    extra = cast(ConnectionExtRosbag2, connection.ext)  # only bags of ROS 2 are read
    return writer.add_connection(
        connection.topic,
        connection.msgtype,
        serialization_format=extra.serialization_format,
        offered_qos_profiles=extra.offered_qos_profiles,
        **definition,
    )
