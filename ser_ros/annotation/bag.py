# SPDX-License-Identifier: Apache-2.0
"""Reads a rosbag2 message by message."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rosbags.interfaces import Connection
from rosbags.rosbag2 import CompressionMode, Reader

from ser_ros.errors import SerError, reason

FILE_SUFFIXES = ('.db3', '.mcap')
"""Of a bag that is a single file; otherwise it is a folder."""


def is_bag(path: Path) -> bool:
    """Whether `path` is to be read as a bag: a folder, or a bag's file."""
    return path.is_dir() or path.suffix in FILE_SUFFIXES


class Bag:
    """A rosbag2 (SQLite or MCAP, compressed or not), opened for reading as a context; never in memory as a whole."""

    def __init__(self, path: Path):
        """Name the bag's folder or file."""
        self.path = path

    def __enter__(self) -> 'Bag':
        """Open it. Raises SerError if it is not a complete bag."""
        if not self.path.exists():
            raise SerError(
                f'the bag {self.path} does not exist; give the folder of a rosbag2, or its .mcap or .db3 file'
            )
        if self.path.is_dir() and not (self.path / 'metadata.yaml').is_file():
            raise SerError(
                f'{self.path} holds no metadata.yaml, so it is not a bag or its recording was cut off; '
                f'`ros2 bag reindex {self.path}` repairs a bag'
            )
        try:
            self._reader = Reader(self.path)
            self._reader.open()
            counts = [self._reader.message_count, *(connection.msgcount for connection in self._reader.connections)]
            if not all(isinstance(count, int) for count in counts):
                self._reader.close()
                raise ValueError('its message counts are not numbers')
        except Exception as error:
            raise self._unreadable(error) from None
        return self

    def __exit__(self, *exception: object) -> None:
        """Close it."""
        self._reader.close()

    @property
    def connections(self) -> Sequence[Connection]:
        """The topics, one for each publisher's type and QoS."""
        return self._reader.connections

    @property
    def start(self) -> int:
        """Nanoseconds; when the first message was received."""
        return self._reader.start_time

    @property
    def end(self) -> int:
        """Nanoseconds; after the last message was received."""
        return self._reader.end_time

    @property
    def message_count(self) -> int:
        """Number of messages that the bag states."""
        return self._reader.message_count

    @property
    def is_mcap(self) -> bool:
        """Whether it is stored as MCAP, otherwise as SQLite."""
        return self.path.suffix == '.mcap' or any(self.path.glob('*.mcap*'))

    @property
    def compression(self) -> CompressionMode:
        """How a SQLite bag is compressed."""
        return CompressionMode[(self._reader.compression_mode or 'none').upper()]

    @property
    def custom_data(self) -> dict[str, str]:
        """Custom metadata given to the recorder."""
        return self._reader.storage.metadata.custom or {}

    def messages(self, connections: Sequence[Connection] = ()) -> Iterator[tuple[Connection, int, bytes]]:
        """Yield (connection, nanoseconds when it was received, CDR) of `connections`, or of all, in the order of time.

        Raises SerError if the bag is truncated.
        """
        try:
            yield from self._reader.messages(connections)
        except Exception as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: Exception) -> SerError:
        # Any exception: databases, decompressors and parsers fail in their own ways on a damaged file.
        return SerError(
            f'the bag {self.path} cannot be read ({reason(error)}); is it complete? `ros2 bag info` shows it, '
            '`ros2 bag reindex` and `mcap recover` repair one that was cut off'
        )
