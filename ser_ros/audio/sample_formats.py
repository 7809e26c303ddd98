# SPDX-License-Identifier: Apache-2.0
"""Samples of every number format, from bytes to float32."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

SAMPLE_FORMATS = {
    'S8': 'i1',
    'U8': 'u1',
    'S16LE': '<i2',
    'S16BE': '>i2',
    'S24LE': '<i3',
    'S24BE': '>i3',
    'S32LE': '<i4',
    'S32BE': '>i4',
    'F32LE': '<f4',
    'F32BE': '>f4',
    'F64LE': '<f8',
    'F64BE': '>f8',
}
"""GStreamer's names, which AudioInfo uses, and numpy's; numpy has no i3, `from_int24` reads those."""


def as_array(data: Any, dtype: DTypeLike) -> np.ndarray:
    """Return `data` (bytes, or a sequence of numbers) as an array of `dtype`, shape (n,)."""
    if isinstance(data, bytes | bytearray):
        return np.frombuffer(data, dtype=dtype)
    return np.ascontiguousarray(data, dtype=dtype)


def scaled(values: np.ndarray) -> np.ndarray:
    """Return samples of any type as float32, full scale -1..1; unsigned ones are silent at their middle."""
    kind, bits = values.dtype.kind, 8 * values.dtype.itemsize
    if kind == 'f':
        # Values that float32 cannot hold become infinite, and count as broken later.
        with np.errstate(over='ignore', invalid='ignore'):
            return values.astype(np.float32)
    if kind == 'u':
        values = values.astype(np.int16) - 128
    return values.astype(np.float32) / np.float32(2 ** (bits - 1))


def from_int24(content: np.ndarray, order: str) -> np.ndarray:
    """Return 3-byte samples (uint8, shape (3 n,)) as int32 whose lowest byte is 0: full scale is that of int32."""
    padded = np.zeros((len(content) // 3, 4), dtype=np.uint8)
    first = 1 if order == '<' else 0
    padded[:, first : first + 3] = content.reshape(-1, 3)
    return padded.reshape(-1).view(f'{order}i4')
