# SPDX-License-Identifier: Apache-2.0
"""The one reader of sound files: it checks what a file is, trusts no length and no scale, and knows what to tell."""

from pathlib import Path

import numpy as np

from ser_ros.audio.conversion import ABSURD
from ser_ros.audio.decoder import Decoder
from ser_ros.audio.headers import CUT, DAMAGED, MORE
from ser_ros.audio.resampling import check_rate
from ser_ros.errors import SerError

_HOT = 32.0
"""Times full scale (30 dB above it) up to which float samples are taken as they are: recordings in float may exceed
full scale, while integers of 16 bits reach hundreds even in the softest speech."""
_HOT_SHARE = 0.01
"""Share of the samples, digital silence aside, that exceed _HOT if all are integers; fewer are faults."""
_FULL_SCALES = {2**15: 16, 2**23: 24, 2**31: 32}
"""Full scale of integers -> their bits."""
_OVERSHOOT = 2.0
"""Times full scale that integers reach which have been resampled, or whose channels have been added."""
_BLOCK_SAMPLES = 1 << 20
_END = 0.5
"""Seconds before the announced end from which a file is decoded to see whether it is there."""


class SoundReader:
    """A sound file, read from its first frame to where its sound ends.

    Attributes:
        rate: Hz.
        channels: Number of channels.
        scale: What the samples are divided by: 1, or the full scale of integers that were saved as float.
    """

    def __init__(self, path: str | Path, *, scale: float | None = None, mends: bool = False):
        """Open and check the file.

        Args:
            path: Any format, rate and channel count that libsndfile knows.
            scale: That of an earlier reading; without it a file with float samples is read once to find it.
            mends: Whether samples that are not numbers are let through as NaN, and told, instead of refused.

        Raises:
            SerError: It is no sound file, holds no sound, or has a rate or samples that no sound has.
        """
        self._path = Path(path)
        self._faults: list[str] = []
        self._remarks_on_length: list[str] = []
        _check_path(self._path)
        self._decoder = Decoder(self._path)
        try:
            self.rate, self.channels = self._decoder.rate, self._decoder.channels
            check_rate(self.rate, f'the sound in {self._path}')
            self._require_sound()
            self.scale = 1.0 if scale is None else scale
            if scale is None and self._decoder.holds_float:
                self.scale = self._find_scale(mends)
        except BaseException:
            self._decoder.close()
            raise

    def __enter__(self) -> 'SoundReader':
        """Return the reader."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the file."""
        self.close()

    @property
    def block(self) -> int:
        """Frames to read at a time, however many channels there are."""
        return max(_BLOCK_SAMPLES // self.channels, 1)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is to be told of the file, to follow its name; of its length only once the end has been reached."""
        return (*self._faults, *self._remarks_on_length)

    def read(self, count: int) -> np.ndarray:
        """Return the next frames, float32, shape (n, channels), full scale is 1; n < `count` only at the end."""
        frames = self._decoder.read(count)
        if len(frames) < count:
            self._note_end(self._decoder.position)
        return frames if self.scale == 1.0 else frames / np.float32(self.scale)

    def rewind(self) -> None:
        """Begin again at the first frame. The file is opened anew: not every format can go back."""
        self._decoder.close()
        self._decoder = Decoder(self._path)

    def seek(self, frame: int) -> None:
        """Go to `frame`, or to the end if the file is shorter."""
        if not self._decoder.seek(frame):
            self.rewind()
            while self._decoder.position < frame:
                if not len(self._decoder.read(min(frame - self._decoder.position, self.block))):
                    break

    def count_frames(self) -> int:
        """Return how many frames there are; of a long file as few as possible are decoded for it."""
        frames = self._decoder.frames_by_size()
        if frames is None:
            expected = self._decoder.frames_expected()
            self.rewind()
            if expected is not None and not self._decoder.seek(max(expected - round(_END * self.rate), 0)):
                self.rewind()
            begin = self._decoder.position
            if not self._read_on() and begin:  # the sound ends earlier
                self.rewind()
                self._read_on()
            frames = self._decoder.position
        self._note_end(frames)
        return frames

    def close(self) -> None:
        """Close the file."""
        self._decoder.close()

    def _require_sound(self) -> None:
        if not len(self._decoder.read(1)):
            reason = f' that can be decoded ({self._decoder.damage})' if self._decoder.damage else ''
            raise SerError(f'{self._path} holds no samples{reason}; give a recording that is not empty')
        self.rewind()

    def _find_scale(self, mends: bool) -> float:
        """Read the file, check its samples, and return its scale."""
        levels = _Levels()
        while len(frames := self._decoder.read(self.block)):
            levels.hear(frames)
        self._note_end(self._decoder.position)
        self.rewind()
        if levels.not_numbers and not mends:
            raise SerError(
                f'{self._path} has samples that are not numbers (NaN or infinite); record or export it again'
            )
        scale = levels.scale(self._path)
        if scale != 1.0:
            self._faults.append(
                f'has samples up to {levels.peak:.6g}, as if integers of {_FULL_SCALES[int(scale)]} bits had been '
                f'saved as float; they are divided by {scale:.0f}'
            )
        faults = levels.not_numbers + (levels.absurd if scale == 1.0 else 0)
        if faults:
            self._faults.append(f'has {faults} sample(s) that no sound has; they are read as silence')
        return scale

    def _read_on(self) -> int:
        before = self._decoder.position
        while len(self._decoder.read(self.block)):
            pass
        return self._decoder.position - before

    def _note_end(self, frames: int) -> None:
        """Compare the length with what was announced."""
        decoder, remarks = self._decoder, []
        announced = decoder.announced(frames)
        if announced is not None and announced != frames:
            difference = abs(announced - frames) / self.rate
            digits = 1 if difference >= 0.1 else 4
            there, said = f'{frames / self.rate:.{digits}f} s', f'{announced / self.rate:.{digits}f} s'
            if frames < announced:
                remarks.append(f'breaks off at {there} of the {said} that it announces; what is there is read')
            else:
                remarks.append(f'announces {said}, but {there} are there; all of it is read')
        elif announced is None and (decoder.damage or decoder.flaw == CUT):
            remarks.append(f'breaks off at {frames / self.rate:.1f} s, before its end is marked; what is there is read')
        if decoder.flaw == DAMAGED:
            remarks.append('is damaged; what can be decoded is read')
        if decoder.flaw == MORE:
            remarks.append(f'holds more than one stream; only the first {frames / self.rate:.1f} s are read')
        self._remarks_on_length = remarks


class _Levels:
    """What the samples of a file amount to."""

    def __init__(self) -> None:
        self.peak = 0.0
        self.not_numbers = 0
        self.absurd = 0
        self._hot = 0
        self._sounding = 0

    def hear(self, frames: np.ndarray) -> None:
        level = np.abs(frames)
        is_number = np.isfinite(level)
        self.not_numbers += int(level.size - np.count_nonzero(is_number))
        self.peak = max(self.peak, float(level.max(where=is_number, initial=0.0)))
        self.absurd += int(np.count_nonzero(level[is_number] > ABSURD))
        self._hot += int(np.count_nonzero(level[is_number] > _HOT))
        self._sounding += int(np.count_nonzero(level[is_number]))

    def scale(self, path: Path) -> float:
        if self._hot <= _HOT_SHARE * self._sounding:
            return 1.0
        for full_scale in _FULL_SCALES:
            if self.peak <= _OVERSHOOT * full_scale:
                return float(full_scale)
        raise SerError(
            f'{path} has samples up to {self.peak:.3g} times full scale, which no sound has; export it again'
        )


def _check_path(path: Path) -> None:
    try:
        if path.is_file():
            return
        what = 'is not a file' if path.exists() else 'does not exist'
    except OSError as error:
        what = f'cannot be opened ({error.strerror})'
    raise SerError(f'the sound file {path} {what}; give the path of a WAV or FLAC file')
