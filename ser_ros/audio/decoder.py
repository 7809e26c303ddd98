# SPDX-License-Identifier: Apache-2.0
"""Decodes a sound file from its start to where its sound really ends."""

import os
from pathlib import Path

import numpy as np
import soundfile

from ser_ros.audio.headers import (
    CUT,
    DAMAGED,
    MORE,
    TRIFLE,
    Patches,
    count_of_frames,
    ogg_end,
    read_length,
    second_flac,
)
from ser_ros.errors import SerError

_NO_STREAM = 7
"""Error of libsndfile whose text is that the file does not exist: mpg123 has found no frame."""
_UNKNOWN = 1 << 62
"""Frames from which libsndfile's number stands for an unknown length."""
_LONGEST_MP3 = 64
"""Times the size of an MP3 file that libsndfile is told, because it stops at the length that it estimates from the bit
rate of the first frame; the highest rate is 40 times the lowest (ISO/IEC 11172-3, 13818-3)."""
_ID3V1 = 128
"""Bytes of a tag at the end of an MP3 file."""
_MP3_SLACK = 0.2
"""Seconds; what an encoder pads at both ends is not always counted."""


class Decoder:
    """The frames of a sound file, one after the other, whatever length its header announces.

    Attributes:
        rate: Hz.
        channels: Number of channels.
        holds_float: Whether the samples are stored as float and so may exceed full scale.
        position: Number of frames that have been decoded.
        damage: What stopped the decoder; '' if it came to the end of the file.
        flaw: CUT, MORE or DAMAGED, as far as is known; '' for none.
    """

    def __init__(self, path: Path):
        """Open `path`. Raises SerError if it is no sound file."""
        self.position = 0
        self.damage = ''
        self.flaw = ''
        self._altered: _Altered | None = None
        self._file: soundfile.SoundFile | None = None
        try:
            self._raw = path.open('rb', buffering=0)
        except OSError as error:
            raise _unreadable(path, error.strerror) from None
        try:
            self._open()
        except (soundfile.SoundFileError, OSError) as error:
            is_empty = self._size() == 0
            self.close()
            raise _unreadable(path, 'it is empty' if is_empty else _text(error)) from None

    def _open(self) -> None:
        self._length = read_length(self._raw)
        self._is_sized = self._length is not None and self._length.present is not None
        if self._length is not None and self._is_sized and self._length.patches:
            file = self._start_altered(self._length.patches)
        else:
            file = self._start()
        self._counts: tuple[int, bytes] | None = None
        if file.format == 'OGG':
            self.flaw = ogg_end(self._raw)
            file = self._start()
        elif file.format == 'FLAC' and (end := second_flac(self._raw)):
            # Without its end libsndfile would decode the other's frames, too, whatever their rate.
            self.flaw = MORE
            file = self._start_altered(size=end)
        elif file.format == 'FLAC':
            file = self._start()
        elif file.format == 'MP3':
            self._counts = count_of_frames(self._raw)
            file = self._start_altered(size=self._size() if self._counts else _LONGEST_MP3 * self._size())
        self.rate: int = file.samplerate
        self.channels: int = file.channels
        self.holds_float: bool = file.subtype in ('FLOAT', 'DOUBLE')
        self._is_mp3 = file.format == 'MP3'
        # The length of Ogg stands on its last page, and that of MP3 is an estimate unless the encoder states it.
        is_open = bool(self.flaw) or (self._is_mp3 and not self._counts) or file.frames >= _UNKNOWN
        self._frames: int | None = None if is_open else file.frames

    def announced(self, frames: int) -> int | None:
        """Return the frames that the header of a file with `frames` announces, None if it leaves that open."""
        length = self._length
        if length is None:
            is_near = self._frames is not None and abs(self._frames - frames) < _MP3_SLACK * self.rate
            return frames if is_near else self._frames
        if length.present is None:
            return length.announced
        if not self._frames or length.announced is None or length.announced == length.present or frames < self._frames:
            return self._frames
        bytes_each = length.present // self._frames
        if bytes_each and length.present // bytes_each == self._frames:
            return length.announced // bytes_each
        return round(self._frames * length.announced / length.present)  # packed

    def frames_expected(self) -> int | None:
        """Return how many frames there should be, None if that is open."""
        return self._frames if self._length is None or self._is_sized else self._length.announced

    def frames_by_size(self) -> int | None:
        """Return how many frames there are if that follows from the size of the file, None if only decoding tells."""
        return self._frames if self._is_sized else None

    def read(self, count: int) -> np.ndarray:
        """Return the next frames, float32, shape (n, channels); n is less than `count` only at the end."""
        frames = self._read(count)
        if len(frames) < count and self._goes_on():
            return np.concatenate([frames, self._read(count - len(frames))])
        return frames

    def seek(self, position: int) -> bool:
        """Go to frame `position`, and return whether the file allows it."""
        assert self._file is not None
        try:
            self._file.seek(position)
        except soundfile.SoundFileError:
            return False
        self.position = position
        return True

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self._raw.close()

    def _size(self) -> int:
        return os.fstat(self._raw.fileno()).st_size

    def _start(self) -> '_Sequential':
        self._raw.seek(0)
        # The descriptor and not the name: soundfile takes a name that ends in .raw for samples without a header.
        self._altered, self._file = None, _Sequential(self._raw.fileno(), closefd=False)
        return self._file

    def _start_altered(self, patches: Patches = (), *, size: int | None = None) -> '_Sequential':
        self._altered = _Altered(self._raw.fileno(), patches, self._size() if size is None else size)
        self._file = _Sequential(self._altered)
        return self._file

    def _read(self, count: int) -> np.ndarray:
        frames = self._decode(count)
        while self._is_mp3 and self.damage and len(frames) < count:
            # Behind what it does not understand, a tag or damage, mpg123 finds the next frame if it is asked again.
            assert self._altered is not None
            begin, self.damage = self._altered.tell(), ''
            if self._altered.rest() <= 0:
                self.flaw = self.flaw or CUT
                break
            more = self._decode(count - len(frames))
            if len(more):
                self.flaw = DAMAGED
            elif not self.damage or self._altered.tell() == begin:
                break
            frames = np.concatenate([frames, more])
        return frames

    def _decode(self, count: int) -> np.ndarray:
        assert self._file is not None
        # An error does not tell how many frames were decoded before it: those that are no longer NaN.
        frames = np.full((count, self.channels), np.nan, dtype=np.float32)
        try:
            frames = self._file.read(out=frames)
        except soundfile.SoundFileError as error:
            written = np.flatnonzero(~np.isnan(frames).all(axis=1))
            # Behind the announced end libsndfile writes zeros.
            most = max(self._file.frames - self.position, 0)
            frames = frames[: min(written[-1] + 1, most) if len(written) else 0]
            self.damage = _text(error)
        if self._altered is not None and self._altered.failure is not None:
            raise self._altered.failure
        self.position += len(frames)
        return frames

    def _goes_on(self) -> bool:
        """Return whether there may be more frames behind the announced end, and go there."""
        altered, length = self._altered, self._length
        if self._is_mp3 and self._counts and altered is not None and altered.rest() > TRIFLE:
            # Several files were joined, and the first counts its own frames; without the count mpg123 goes on.
            patches: Patches = (self._counts,)
            self._counts = None
        elif altered is None and length is not None and length.patches and length.announced == self.position:
            patches = length.patches
        else:
            return False
        self.damage = ''
        try:
            self._start_altered(patches, size=self._size() * (_LONGEST_MP3 if self._is_mp3 else 1))
        except soundfile.SoundFileError:
            return False
        return self.seek(self.position)


class _Sequential(soundfile.SoundFile):  # type: ignore[misc]  # soundfile has no types
    """Reads on as long as the decoder yields frames; soundfile asks a seekable file for no more than it announces."""

    def seekable(self) -> bool:
        return False


class _Altered:
    """A file for libsndfile in which some bytes of the header, or the size, are others.

    Attributes:
        failure: What was raised while libsndfile was reading; it has no other way out.
    """

    def __init__(self, descriptor: int, patches: Patches, size: int):
        self.failure: BaseException | None = None
        self._descriptor = descriptor
        self._patches = patches
        self._true_size = os.fstat(descriptor).st_size
        self._size = size
        self._position = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = max(offset + {os.SEEK_CUR: self._position, os.SEEK_END: self._size}.get(whence, 0), 0)
        return self._position

    def tell(self) -> int:
        return self._position

    def rest(self) -> int:
        """Return the bytes that have not been read."""
        return self._true_size - self._position

    def read(self, count: int) -> bytes:
        try:
            data = os.pread(self._descriptor, min(count, max(self._size - self._position, 0)), self._position)
        except OSError:
            data = b''  # as libsndfile takes it: what is missing is noticed at the end
        except BaseException as error:  # Ctrl-C
            self.failure = error
            return b''
        for begin, patch in self._patches:
            for at, byte in enumerate(patch, start=begin - self._position):
                if 0 <= at < len(data):
                    data = data[:at] + bytes([byte]) + data[at + 1 :]
        if not data and self._position == self._size - _ID3V1:
            data = bytes(count)  # mpg123 looks for a tag there, and fails without one byte
        self._position += len(data)
        return data


def _unreadable(path: Path, reason: str | None) -> SerError:
    return SerError(f'{path} cannot be read as sound ({reason}); give a WAV or FLAC file')


def _text(error: Exception) -> str:
    if getattr(error, 'code', None) == _NO_STREAM:
        return 'no sound is found in it'
    return str(getattr(error, 'error_string', error)).strip().rstrip('.').removeprefix('Error : ')
