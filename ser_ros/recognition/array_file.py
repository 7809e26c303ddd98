# SPDX-License-Identifier: Apache-2.0
"""Reads numpy's .npz files that come from elsewhere."""

import io
import zipfile
from pathlib import Path

import numpy as np

from ser_ros.files import read_plain

_MOST_BYTES = 256 << 20
"""Four thousand labels of 1280 dimensions take a sixth of it."""


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays in `path` by name; no pickled ones.

    Raises:
        SerError: It is no plain file, or larger than any that ser_ros writes.
        FileNotFoundError: There is none.
        Exception: It is damaged; a damaged zip or array can fail anywhere in numpy.
    """
    content = io.BytesIO(read_plain(path, _MOST_BYTES))
    with zipfile.ZipFile(content) as packed:
        size = sum(member.file_size for member in packed.infolist())
    if size > _MOST_BYTES:
        raise ValueError(f'it unpacks to {size} bytes, where at most {_MOST_BYTES} are expected')
    content.seek(0)
    with np.load(content) as arrays:
        return dict(arrays)
