# SPDX-License-Identifier: Apache-2.0
"""Sound from a WAV or FLAC file."""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from ser_ros.audio.block import BLOCK_DURATION, AudioBlock
from ser_ros.audio.conversion import BlockConverter
from ser_ros.audio.source import LONGEST_PAUSE, EndOfAudio, check_channel
from ser_ros.errors import SerError

_FLOAT_SUBTYPES = ('FLOAT', 'DOUBLE')
_BLOCK_FRAMES = 1 << 20


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
        self._file: Any = None  # soundfile has no types

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
        """Always empty: a file waits."""
        return {}

    @property
    def problem(self) -> str:
        """Always '': a truncated file raises."""
        return ''

    @property
    def longest_pause(self) -> float:
        """That of all sources."""
        return LONGEST_PAUSE

    def open(self) -> None:
        """Open and check the file. Raises SerError for anything that is not a sound file with finite samples."""
        if self._file is None:
            self._file = open_sound_file(self._path)
            check_channel(self._channel, self._file.channels, f'the file {self._path}')

    def start(self) -> None:
        """Start at the first sample, now. Raises SerError if the file is too damaged for that."""
        _seek(self._file, 0, self._path)
        self._converter = BlockConverter(rate=self._file.samplerate, channel=self._channel, losses=Counter())
        self._start_time = self._clock()
        self._start_monotonic = time.monotonic()

    def read(self, timeout: float) -> AudioBlock | None:
        """Return the next block of about 32 ms. Raises EndOfAudio after the last, SerError if the file is truncated."""
        rate, position = self._file.samplerate, self._file.tell()
        if position >= self._file.frames:
            raise EndOfAudio
        count = min(round(rate * BLOCK_DURATION), self._file.frames - position)
        arrival = time.monotonic()
        if self._realtime:
            due = self._start_monotonic + (position + count) / rate
            if due > arrival + timeout:
                time.sleep(timeout)
                return None
            time.sleep(max(0.0, due - arrival))
            arrival = due
        frames = _read_frames(self._file, count, self._path)
        last = position + count >= self._file.frames
        return self._converter.convert(frames, self._start_time + position / rate, arrival, last=last)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def read_recording(path: str | Path, *, channel: int = 0) -> np.ndarray:
    """Return the whole file as float32, shape (n,), 16 kHz. Raises SerError."""
    path = Path(path)
    with open_sound_file(path) as file:
        return _decode(file, file.frames, path, channel)


def read_part(path: str | Path, start: float, duration: float, *, channel: int = 0) -> np.ndarray:
    """Return at most `duration` seconds of the file from `start` seconds on, decoded as by `read_recording`.

    The rest of the file is not read, and samples that are not numbers become silence. Raises SerError.
    """
    path = Path(path)
    with _open(path) as file:
        first = min(round(start * file.samplerate), file.frames)
        _seek(file, first, path)
        return _decode(file, min(round(duration * file.samplerate), file.frames - first), path, channel)


def open_sound_file(path: Path) -> soundfile.SoundFile:
    """Open `path` after checking that it holds sound with finite samples. Raises SerError."""
    file = _open(path)
    try:
        if file.frames == 0:
            raise SerError(f'{path} holds no samples; give a recording that is not empty')
        if file.subtype in _FLOAT_SUBTYPES and not _all_finite(file):
            raise SerError(f'{path} has samples that are not numbers (NaN or infinite); record or export it again')
    except SerError:
        file.close()
        raise
    return file


def _open(path: Path) -> soundfile.SoundFile:
    if not path.is_file():
        what = 'is not a file' if path.exists() else 'does not exist'
        raise SerError(f'the sound file {path} {what}; give the path of a WAV or FLAC file')
    try:
        return soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, OSError) as error:
        reason = 'it is empty' if path.stat().st_size == 0 else str(getattr(error, 'error_string', error)).rstrip('.')
        raise SerError(f'{path} cannot be read as sound ({reason}); give a WAV or FLAC file') from None


def _all_finite(file: soundfile.SoundFile) -> bool:
    finite = all(np.isfinite(frames).all() for frames in file.blocks(_BLOCK_FRAMES, dtype='float32'))
    file.seek(0)
    return finite


def _decode(file: soundfile.SoundFile, count: int, path: Path, channel: int) -> np.ndarray:
    """Return the next `count` frames as a source delivers them."""
    check_channel(channel, file.channels, f'the file {path}')
    converter = BlockConverter(rate=file.samplerate, channel=channel, losses=Counter())
    blocks = [np.empty(0, dtype=np.float32)]
    # Block by block, because a damaged header can announce more than fits into memory.
    while count > 0:
        frames = _read_frames(file, min(count, _BLOCK_FRAMES), path)
        count -= len(frames)
        blocks.append(converter.convert(frames, 0.0, 0.0, last=count == 0).samples)
    return np.concatenate(blocks)


def _seek(file: soundfile.SoundFile, frame: int, path: Path) -> None:
    try:
        file.seek(frame)
    except soundfile.LibsndfileError as error:
        raise SerError(f'{path} is damaged ({error.error_string}); give a whole recording') from None


def _read_frames(file: soundfile.SoundFile, count: int, path: Path) -> np.ndarray:
    """Return the next `count` frames, float32, shape (count, channels). Raises SerError if the file is truncated."""
    position, rate = file.tell(), file.samplerate
    try:
        frames = file.read(count, dtype='float32', always_2d=True)
    except soundfile.LibsndfileError:
        frames = np.empty((0, file.channels), dtype=np.float32)
    if len(frames) < count:
        lacking = f'breaks off at {position / rate:.1f} s of the {file.frames / rate:.1f} s that it announces'
        raise SerError(f'{path} {lacking}; give a whole recording')
    return frames
