# SPDX-License-Identifier: Apache-2.0
"""Reads numpy's .npz files that come from elsewhere."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from ser_ros.errors import SerError, reason
from ser_ros.files import read_plain

Made = TypeVar('Made')

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


def read_part_of_model(path: Path, make: Callable[[dict[str, np.ndarray]], Made], *, cure: str) -> Made | None:
    """Return what `make` makes of the arrays in `path`, a file of a model folder; None if there is none.

    Args:
        path: Where it is.
        make: May raise SerError with what is wrong, and fail in any other way if arrays are missing or others.
        cure: What the file may be removed for.

    Raises:
        SerError: The file cannot be used.
    """
    try:
        return make(read_arrays(path))
    except FileNotFoundError:
        return None
    except SerError as error:
        problem = str(error).partition(';')[0]
    except Exception as error:  # a damaged zip or array can fail anywhere in numpy
        problem = reason(error)
    raise SerError(f'{path} cannot be used ({problem}); copy the model again, or remove the file to {cure}')
