# SPDX-License-Identifier: Apache-2.0
"""Where a sound file keeps its sound, and how much its header announces.

libsndfile believes a header that announces less than there is, and adapts one that announces more without a word.
"""

import mmap
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_MOST_CHUNKS = 10_000
"""No recording has more; a damaged header may."""
_OPEN_32 = 0x7FFF0000
"""Bytes from which a length of 32 bits is what a program writes that does not know the length yet: 2 or 4 GiB less some
header (arecord, sox, ffmpeg)."""
_OPEN_64 = 1 << 62
TRIFLE = 4096
"""Bytes behind the announced sound that are taken for padding, not for more sound."""
_TAGS = (b'TAG', b'ID3', b'APETAGEX')
"""What players append to any file."""
_ID3_HEADER = 10
_MP3_COUNTS = (b'Xing', b'Info', b'VBRI')
"""Marks of the frame in which an encoder of MP3 states how many frames there are."""
_SEARCHED = 1 << 16
"""Bytes behind the announced sound that are looked at."""
_OGG_PAGE = struct.Struct('<4sBB20xB')
"""Mark, version, flags and number of segments of a page of Ogg (RFC 3533)."""
_OGG_FIRST, _OGG_LAST = 2, 4
CUT, MORE, DAMAGED = 'cut', 'more', 'damaged'
"""Flaws: the file has no end, another stream follows that libsndfile does not decode, or the decoder lost something."""
_FLAC_BEGINNING = b'fLaC\0\0\0\x22'
"""Mark and head of STREAMINFO, which other blocks follow (RFC 9639); eight bytes that no sound has by chance."""
_NIST_FRAMES = re.compile(rb'^sample_count -i (\d+)$', re.MULTILINE)
"""In the header of NIST SPHERE, 1024 bytes of text."""

Patches = tuple[tuple[int, bytes], ...]
"""Positions in a file, and the bytes that libsndfile is shown there."""


@dataclass(frozen=True)
class Length:
    """The length of a file's sound according to its header.

    Attributes:
        announced: In `unit`; None if the header leaves it open.
        present: In `unit`; None if only decoding tells.
        patches: Positions and bytes with which libsndfile decodes what is present; none if it does anyway.
    """

    announced: int | None
    present: int | None = None
    patches: Patches = ()


@dataclass(frozen=True)
class _Field:
    """A header's field with the length of the sound.

    Attributes:
        position: Of the field, in bytes.
        format: Of the field, for `struct`.
        start: Position of the sound.
        besides: What else the field counts, in bytes.
        chunk: Format of name and length of a chunk behind the sound; '' if none can be there.
        is_riff: Whether it is that of a RIFF file, whose length also stands in bytes 4 to 7.
    """

    position: int
    format: str
    start: int
    besides: int = 0
    chunk: str = ''
    is_riff: bool = False


def read_length(file: BinaryIO) -> Length | None:
    """Return what the header of a WAV, RF64, W64, AIFF, AU or CAF file says in bytes, of a FLAC or NIST file in frames.

    None for other formats, and for headers that are too damaged to find the sound.
    """
    size = file.seek(0, 2)
    try:
        begin = _after_id3(file)
        if _read(file, begin, 4) == b'fLaC':
            return _flac_length(file, begin)
        if stated := _NIST_FRAMES.search(_read(file, 0, 1024) if _read(file, 0, 7) == b'NIST_1A' else b''):
            return Length(int(stated[1]))
        field = _find_field(file, size)
        return _checked(file, size, field) if field and field.start < size else None
    except struct.error:  # the header breaks off
        return None


def count_of_frames(file: BinaryIO) -> tuple[int, bytes] | None:
    """Return the patch that hides from mpg123 how many frames an MP3 file states, None if it states none.

    A length without that is an estimate.
    """
    begin = _after_id3(file)
    head = _read(file, begin, TRIFLE)
    found = [head.index(mark) for mark in _MP3_COUNTS if mark in head]
    return (begin + min(found), bytes(4)) if found else None


def ogg_end(file: BinaryIO) -> str:
    """Return the flaw of an Ogg file: CUT, MORE, or '' for none."""
    size = file.seek(0, 2)
    position, flags = 0, 0
    while position < size:
        head = _read(file, position, _OGG_PAGE.size)
        if len(head) < _OGG_PAGE.size or not head.startswith(b'OggS'):
            break
        before = flags
        _, _, flags, segments = _OGG_PAGE.unpack(head)
        if flags & _OGG_FIRST and position and not before & _OGG_FIRST:
            return MORE
        position += _OGG_PAGE.size + segments + sum(file.read(segments))
    return '' if flags & _OGG_LAST and position <= size else CUT


def second_flac(file: BinaryIO) -> int | None:
    """Return the position of another FLAC file that was appended to this one, None if there is none."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        position = content.find(_FLAC_BEGINNING, _after_id3(file) + 1)
    return position if position >= 0 else None


def _read(file: BinaryIO, position: int, count: int) -> bytes:
    file.seek(position)
    return file.read(count)


def _unpack(file: BinaryIO, position: int, form: str) -> tuple:
    return struct.unpack(form, _read(file, position, struct.calcsize(form)))


def _after_id3(file: BinaryIO) -> int:
    head = _read(file, 0, _ID3_HEADER)
    if len(head) < _ID3_HEADER or not head.startswith(b'ID3'):
        return 0
    length = 0
    for byte in head[6:]:
        length = length << 7 | byte & 0x7F
    return _ID3_HEADER + length


def _flac_length(file: BinaryIO, begin: int) -> Length | None:
    """Return the total samples of STREAMINFO, the low 36 bits of 64; 0 stands for unknown (RFC 9639)."""
    (kind,) = _unpack(file, begin + 4, '>B')
    if kind & 0x7F:  # STREAMINFO must be the first block, but is not
        return None
    position = begin + 18
    (packed,) = _unpack(file, position, '>Q')
    total = packed & (1 << 36) - 1
    return Length(total or None, patches=((position, struct.pack('>Q', packed - total)),))


def _find_field(file: BinaryIO, size: int) -> _Field | None:
    head = _read(file, 0, 16)
    if head[8:12] == b'WAVE' and head[:4] in (b'RIFF', b'RIFX', b'RF64'):
        return _riff_field(file, size, '>' if head[:4] == b'RIFX' else '<')
    if head[:4] == b'FORM' and head[8:12] in (b'AIFF', b'AIFC'):
        found = dict(_chunks(file, 12, size, '>4sI', 0, 2))
        at = found.get(b'SSND')
        return None if at is None else _Field(at + 4, '>I', at + 16, 8, '>4sI')
    if head[:4] == b'riff':
        at = dict(_chunks(file, 40, size, '<4s12xQ', 24, 8)).get(b'data')
        return None if at is None else _Field(at + 16, '<Q', at + 24, 24, '<4s12xQ')
    if head[:4] == b'caff':
        at = dict(_chunks(file, 8, size, '>4sQ', 0, 1)).get(b'data')
        return None if at is None else _Field(at + 4, '>Q', at + 16, 4, '>4sQ')
    if head[:4] in (b'.snd', b'dns.'):
        order = '>' if head[:4] == b'.snd' else '<'
        return _Field(8, f'{order}I', _unpack(file, 4, f'{order}I')[0])
    return None


def _riff_field(file: BinaryIO, size: int, order: str) -> _Field | None:
    chunk = f'{order}4sI'
    found = dict(_chunks(file, 12, size, chunk, 0, 2))
    if b'data' not in found:
        return None
    start = found[b'data'] + 8
    if b'ds64' in found:
        return _Field(found[b'ds64'] + 16, '<Q', start, chunk=chunk)
    return _Field(start - 4, f'{order}I', start, chunk=chunk, is_riff=True)


def _chunks(
    file: BinaryIO, position: int, size: int, form: str, counted: int, alignment: int
) -> Iterator[tuple[bytes, int]]:
    """Yield name and position of each chunk up to the one with the sound.

    `form`: of name and length; `counted`: bytes of the chunk's own header in its length; chunks are padded to multiples
    of `alignment`.
    """
    header = struct.calcsize(form)
    for _ in range(_MOST_CHUNKS):
        if position + header > size:
            return
        name, length = _unpack(file, position, form)
        yield name, position
        if name in (b'data', b'SSND'):
            return
        body = max(length - counted, 0)
        position += header + -(-body // alignment) * alignment


def _checked(file: BinaryIO, size: int, field: _Field) -> Length:
    present = size - field.start
    (written,) = _unpack(file, field.position, field.format)
    announced = max(written - field.besides, 0)
    is_open = written >= (_OPEN_64 if field.format.endswith('Q') else _OPEN_32)
    if announced <= present and not _goes_on(file, size, field, announced, may_be_padded=announced > 0 and not is_open):
        return Length(announced, announced)
    return Length(None if is_open else announced, present, _announcing(present, field))


def _announcing(present: int, field: _Field) -> Patches:
    """Return the patches with which libsndfile decodes `present` bytes."""
    largest = 256 ** struct.calcsize(field.format) - 1
    if present + field.besides > largest and field.is_riff:
        # libsndfile takes this for a file that was not closed, and goes by its size.
        return (4, struct.pack(field.format, 8)), (field.position, struct.pack(field.format, 0))
    return ((field.position, struct.pack(field.format, min(present + field.besides, largest))),)


def _goes_on(file: BinaryIO, size: int, field: _Field, announced: int, *, may_be_padded: bool) -> bool:
    """Return whether the sound goes on behind its announced end, as where a recorder lost its power."""
    end = field.start + announced
    if end >= size:
        return False
    if may_be_padded and (size - end <= TRIFLE or not any(_read(file, end, _SEARCHED))):
        return False
    return not any(_is_chunk(file, position, size, field.chunk) for position in (end, end + announced % 2))


def _is_chunk(file: BinaryIO, position: int, size: int, form: str) -> bool:
    header = struct.calcsize(form)
    head = _read(file, position, max(header, 8))
    if head.startswith(_TAGS):
        return True
    if not form or len(head) < header:
        return False
    name, length = struct.unpack(form, head[:header])
    return name.isascii() and name.decode('ascii').isprintable() and position + length <= size
