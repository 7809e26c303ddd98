# SPDX-License-Identifier: Apache-2.0
"""Decodes a sound file from its start to where its sound really ends."""

import os
from pathlib import Path

import numpy as np
import soundfile

from ser_ros.audio.headers import CUT, DAMAGED, ogg_end, read_length, states_its_frames
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
        self._states_length = True
        self._altered: _Altered | None = None
        self._file: soundfile.SoundFile | None = None
        try:
            self._raw = path.open('rb', buffering=0)
        except OSError as error:
            raise _unreadable(path, error.strerror) from None
        try:
            self._open()
        except (soundfile.SoundFileError, OSError) as error:
            is_empty = os.fstat(self._raw.fileno()).st_size == 0
            self.close()
            raise _unreadable(path, 'it is empty' if is_empty else _text(error)) from None

    def _open(self) -> None:
        self._length = read_length(self._raw)
        if self._length and self._length.present is not None and self._length.patches:
            file = self._start_altered(self._length.patches)
        else:
            file = self._start()
        if file.format == 'OGG':
            self.flaw = ogg_end(self._raw)
            self._states_length = not self.flaw  # it stands on the last page
            file = self._start()
        elif file.format == 'MP3':
            self._states_length = states_its_frames(self._raw)
            file = self._start_altered(stretch=1 if self._states_length else _LONGEST_MP3)
        self._is_mp3 = file.format == 'MP3'
        self.rate: int = file.samplerate
        self.channels: int = file.channels
        self.holds_float: bool = file.subtype in ('FLOAT', 'DOUBLE')

    def announced(self, frames: int) -> int | None:
        """Return the frames that the header of a file with `frames` announces, None if it leaves that open."""
        length = self._length
        if length is not None and length.present:
            if length.announced is None or not frames:
                return length.announced
            bytes_each = length.present // frames
            if bytes_each and length.present // bytes_each == frames:
                return length.announced // bytes_each
            return round(frames * length.announced / length.present)  # packed
        expected = self.frames_expected()
        if length is None and expected is not None and abs(expected - frames) < _MP3_SLACK * self.rate:
            return frames
        return expected

    def frames_expected(self) -> int | None:
        """Return how many frames there should be, None if that is open."""
        assert self._file is not None
        if self._length is not None and self._length.present is None:
            return self._length.announced
        is_known = self._states_length and self._file.frames < _UNKNOWN
        return self._file.frames if is_known else None

    def frames_by_size(self) -> int | None:
        """Return how many frames there are if that follows from the size of the file, None if only decoding tells."""
        assert self._file is not None
        return self._file.frames if self._length is not None and self._length.present is not None else None

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

    def _start(self) -> '_Sequential':
        self._raw.seek(0)
        # The descriptor and not the name: soundfile takes a name that ends in .raw for samples without a header.
        self._altered, self._file = None, _Sequential(self._raw.fileno(), closefd=False)
        return self._file

    def _start_altered(self, patches: tuple[tuple[int, bytes], ...] = (), *, stretch: int = 1) -> '_Sequential':
        self._altered = _Altered(self._raw.fileno(), patches, stretch)
        self._file = _Sequential(self._altered)
        return self._file

    def _read(self, count: int) -> np.ndarray:
        frames = self._decode(count)
        while self._is_mp3 and self.damage and len(frames) < count:
            # Behind what it does not understand, a tag or damage, mpg123 finds the next frame if it is asked again.
            assert self._altered is not None
            begin, self.damage = self._altered.tell(), ''
            if begin >= self._altered.true_size:
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
        """Return whether a FLAC file, at the end that it announces, has more frames; go on with them."""
        length = self._length
        if length is None or not length.patches or length.announced != self.position or self._altered is not None:
            return False
        position, self.damage = self.position, ''
        try:
            self._start_altered(length.patches)
        except soundfile.SoundFileError:
            return False
        return self.seek(position)


class _Sequential(soundfile.SoundFile):  # type: ignore[misc]  # soundfile has no types
    """Reads on as long as the decoder yields frames; soundfile asks a seekable file for no more than it announces."""

    def seekable(self) -> bool:
        return False


class _Altered:
    """A file for libsndfile in which some bytes of the header, or the size, are others.

    Attributes:
        failure: What was raised while libsndfile was reading; it has no other way out.
        true_size: Bytes.
    """

    def __init__(self, descriptor: int, patches: tuple[tuple[int, bytes], ...], stretch: int):
        self.failure: BaseException | None = None
        self._descriptor = descriptor
        self._patches = patches
        self.true_size = os.fstat(descriptor).st_size
        self._size = self.true_size * stretch
        self._position = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = max(offset + {os.SEEK_CUR: self._position, os.SEEK_END: self._size}.get(whence, 0), 0)
        return self._position

    def tell(self) -> int:
        return self._position

    def read(self, count: int) -> bytes:
        try:
            data = os.pread(self._descriptor, count, self._position)
        except BaseException as error:  # also Ctrl-C
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
