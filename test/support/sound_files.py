# SPDX-License-Identifier: Apache-2.0
"""Sound files as bytes, and headers that announce what is not there."""

import io
import struct

import numpy as np
import soundfile

RATE = 16_000


def noise(frames: int, channels: int = 1) -> np.ndarray:
    """Return float32 noise, shape (n, channels), that 16 bits hold exactly and that never begins like a chunk."""
    levels = np.random.default_rng(frames).integers(-20_000, 20_000, (frames, channels))
    return (levels / 32768).astype(np.float32)


def sound_file(sound: np.ndarray, container: str, subtype: str | None = None, rate: int = RATE) -> bytes:
    """Return the file that libsndfile writes."""
    file = io.BytesIO()
    soundfile.write(file, sound, rate, format=container, subtype=subtype)
    return file.getvalue()


def with_bytes(content: bytes, at: int, new: bytes) -> bytes:
    """Return `content` with other bytes at a place."""
    return content[:at] + new + content[at + len(new) :]


def announcing(content: bytes, container: str, length: int) -> bytes:
    """Return a file whose header announces another length of its sound: in bytes, of FLAC in frames."""
    if container == 'FLAC':
        (packed,) = struct.unpack('>Q', content[18:26])
        return with_bytes(content, 18, struct.pack('>Q', packed >> 36 << 36 | length & (1 << 36) - 1))
    mark, place, form, besides = {
        'WAV': (b'data', 4, '<I', 0),
        'RF64': (b'ds64', 16, '<Q', 0),
        'W64': (b'data', 16, '<Q', 24),
        'AIFF': (b'SSND', 4, '>I', 8),
        'AU': (b'.snd', 8, '>I', 0),
        'CAF': (b'data', 4, '>Q', 4),
    }[container]
    most = 256 ** struct.calcsize(form) - 1
    return with_bytes(content, content.index(mark) + place, struct.pack(form, min(length + besides, most)))
