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
_SCAN_FRAMES = 1 << 20


class FileSource:
    """Plays a sound file: at its own pace, as a microphone would deliver it, or as fast as it is read.

    Any rate, channel count and sample format that libsndfile knows. Capture time begins at the clock's time of
    `start` and runs with the sound, whatever the pace.
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
        """True where the file is played at its own pace."""
        return self._realtime

    @property
    def losses(self) -> dict[str, int]:
        """Always empty: a file waits."""
        return {}

    @property
    def problem(self) -> str:
        """Always '': a file that breaks off raises."""
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
        """Begin at the first sample, now. Raises SerError where the file is too damaged for that."""
        try:
            self._file.seek(0)
        except soundfile.LibsndfileError as error:
            raise SerError(f'{self._path} is damaged ({error.error_string}); give a whole recording') from None
        self._converter = BlockConverter(rate=self._file.samplerate, channel=self._channel, losses=Counter())
        self._start_time = self._clock()
        self._start_monotonic = time.monotonic()

    def read(self, timeout: float) -> AudioBlock | None:
        """Return the next block of about 32 ms. Raises EndOfAudio after the last, SerError if the file breaks off."""
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
        try:
            frames = self._file.read(count, dtype='float32', always_2d=True)
        except soundfile.LibsndfileError:
            frames = np.empty((0, self._file.channels), dtype=np.float32)
        if len(frames) < count:
            lacking = f'breaks off at {position / rate:.1f} s of the {self._file.frames / rate:.1f} s that it announces'
            raise SerError(f'{self._path} {lacking}; give a whole recording')
        last = position + count >= self._file.frames
        return self._converter.convert(frames, self._start_time + position / rate, arrival, last=last)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def read_recording(path: str | Path, *, channel: int = 0) -> np.ndarray:
    """Return the whole file as float32, shape (n,), 16 kHz. Raises SerError."""
    source = FileSource(path, realtime=False, channel=channel)
    source.open()
    source.start()
    blocks = []
    try:
        while True:
            if (block := source.read(timeout=0.0)) is not None:
                blocks.append(block.samples)
    except EndOfAudio:
        return np.concatenate(blocks)
    finally:
        source.close()


def open_sound_file(path: Path) -> soundfile.SoundFile:
    """Open `path` after checking that it holds sound with finite samples. Raises SerError."""
    if not path.is_file():
        what = 'is not a file' if path.exists() else 'does not exist'
        raise SerError(f'the sound file {path} {what}; give the path of a WAV or FLAC file')
    try:
        file = soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, OSError) as error:
        reason = 'it is empty' if path.stat().st_size == 0 else str(getattr(error, 'error_string', error)).rstrip('.')
        raise SerError(f'{path} cannot be read as sound ({reason}); give a WAV or FLAC file') from None
    try:
        if file.frames == 0:
            raise SerError(f'{path} holds no samples; give a recording that is not empty')
        if file.subtype in _FLOAT_SUBTYPES and not _all_finite(file):
            raise SerError(f'{path} has samples that are not numbers (NaN or infinite); record or export it again')
    except SerError:
        file.close()
        raise
    return file


def _all_finite(file: soundfile.SoundFile) -> bool:
    finite = all(np.isfinite(frames).all() for frames in file.blocks(_SCAN_FRAMES, dtype='float32'))
    file.seek(0)
    return finite
