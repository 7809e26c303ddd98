# SPDX-License-Identifier: Apache-2.0
"""Sound from a WAV or FLAC file: played, whole, or in parts."""

import contextlib
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ser_ros.audio.block import BLOCK_DURATION, AudioBlock
from ser_ros.audio.conversion import BlockConverter
from ser_ros.audio.reader import SoundReader
from ser_ros.audio.source import LONGEST_PAUSE, EndOfAudio, check_channel


class FileSource:
    """Plays a sound file: at its own pace, as a microphone would deliver it, or as fast as it is read.

    Any rate, channel count and sample format that libsndfile knows. Capture time begins at the clock's time of
    `start` and runs with the sound, at either pace.
    """

    def __init__(
        self, path: str | Path, *, realtime: bool = True, channel: int = 0, clock: Callable[[], float] = time.time
    ):
        """`clock` returns seconds and stamps the first sample; `channel` is 0-based, -1 for the mean of all."""
        self._path = Path(path)
        self._realtime = realtime
        self._channel = channel
        self._clock = clock
        self._reader: SoundReader | None = None
        self._remarks: tuple[str, ...] = ()
        self._losses: Counter[str] = Counter()

    @property
    def description(self) -> str:
        """Name of the file."""
        return f'file {self._path}'

    @property
    def live(self) -> bool:
        """True if the file is played at its own pace."""
        return self._realtime

    @property
    def losses(self) -> dict[str, int]:
        """Samples that no sound has; a file loses nothing else, because it waits."""
        return dict(self._losses)

    @property
    def problem(self) -> str:
        """Always '': a file that cannot be played is refused."""
        return ''

    @property
    def remark(self) -> str:
        """What is to be told of the file, though it can be played; '' if nothing. Its length is known at its end."""
        return '; '.join(f'{self._path} {remark}' for remark in self._remarks)

    @property
    def longest_pause(self) -> float:
        """That of all sources."""
        return LONGEST_PAUSE

    def open(self) -> None:
        """Open and check the file. Raises SerError for anything that is not a sound file with finite samples."""
        if self._reader is None:
            with contextlib.ExitStack() as opened:
                reader = opened.enter_context(SoundReader(self._path))
                check_channel(self._channel, reader.channels, f'the file {self._path}')
                opened.pop_all()
            self._reader, self._remarks = reader, reader.remarks

    def start(self) -> None:
        """Start at the first sample, now. Raises SerError if the file cannot be read any more."""
        reader = self._opened()
        reader.rewind()
        self._converter = BlockConverter(rate=reader.rate, channel=self._channel, losses=self._losses)
        self._position = 0
        self._has_ended = False
        self._start_time = self._clock()
        self._start_monotonic = time.monotonic()

    def read(self, timeout: float) -> AudioBlock | None:
        """Return the next block of about 32 ms. Raises EndOfAudio after the last."""
        if self._has_ended:
            raise EndOfAudio
        reader, position = self._opened(), self._position
        count = round(reader.rate * BLOCK_DURATION)
        arrival = time.monotonic()
        if self._realtime:
            due = self._start_monotonic + (position + count) / reader.rate
            if due > arrival + timeout:
                time.sleep(timeout)
                return None
            time.sleep(max(0.0, due - arrival))
        frames = reader.read(count)
        self._position += len(frames)
        if self._realtime:
            arrival = self._start_monotonic + self._position / reader.rate
        # What a file holds is not known before its end.
        self._has_ended = len(frames) < count
        if self._has_ended:
            self._remarks = reader.remarks
        block = self._converter.convert(
            frames, self._start_time + position / reader.rate, arrival, last=self._has_ended
        )
        if self._has_ended and not len(block.samples):
            raise EndOfAudio
        return block

    def close(self) -> None:
        """Close the file."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _opened(self) -> SoundReader:
        assert self._reader is not None, 'a source is opened before it is started and read'
        return self._reader


def read_recording(path: str | Path, *, channel: int = 0, remarks: list[str] | None = None) -> np.ndarray:
    """Return the whole file as float32, shape (n,), 16 kHz, full scale 1. Raises SerError.

    What is to be told of the file, to follow its name, is added to `remarks`.
    """
    with SoundReader(path) as reader:
        samples = _decoded(reader, None, path, channel)
        if remarks is not None:
            remarks += reader.remarks
        return samples


def read_part(path: str | Path, start: float, duration: float, *, scale: float, channel: int = 0) -> np.ndarray:
    """Return at most `duration` seconds of the file from `start` seconds on, decoded as by `read_recording`.

    The rest of the file is not read; `scale` is what a `SoundReader` has found for the whole. Samples that are not
    numbers become silence. Raises SerError.
    """
    with SoundReader(path, scale=scale) as reader:
        reader.seek(round(start * reader.rate))
        return _decoded(reader, round(duration * reader.rate), path, channel)


def check_recording(path: str | Path, *, channel: int | None = None) -> float:
    """Return the seconds of sound of a file that can be read, as far as is known before. Raises SerError."""
    with SoundReader(path) as reader:
        if channel is not None:
            check_channel(channel, reader.channels, f'the file {path}')
        return reader.count_frames() / reader.rate


def _decoded(reader: SoundReader, count: int | None, path: str | Path, channel: int) -> np.ndarray:
    """Return the next `count` frames, or all that follow, as a source delivers them."""
    check_channel(channel, reader.channels, f'the file {path}')
    converter = BlockConverter(rate=reader.rate, channel=channel, losses=Counter())
    blocks = [np.empty(0, dtype=np.float32)]
    last = False
    while not last:
        due = reader.block if count is None else min(count, reader.block)
        frames = reader.read(due)
        count = None if count is None else count - len(frames)
        last = len(frames) < due or count == 0
        blocks.append(converter.convert(frames, 0.0, 0.0, last=last).samples)
    return np.concatenate(blocks)
