# SPDX-License-Identifier: Apache-2.0
"""Reads the tensors in a model's files of weights as arrays of numpy; needs no torch."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import numpy as np
from safetensors import safe_open

from ser_ros.files import check_plain

_TYPES = ('F16', 'F32')
"""How safetensors calls half and single precision."""


def each_tensor(file: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Yield name and values (float16 or float32) of each tensor of `file` in half or single precision.

    Not of the others: numpy has no bfloat16. Raises what safetensors raises if the file is damaged.
    """
    check_plain(file)
    with safe_open(file, framework='numpy') as opened:
        for name in opened.keys():  # noqa: SIM118 - it is no dictionary
            if opened.get_slice(name).get_dtype() in _TYPES:
                yield name, opened.get_tensor(name)


def read_tensors(folder: Path, names: Mapping[str, Collection[str]]) -> dict[str, np.ndarray]:
    """Return tensors (float16 or float32) by name, copied: the files are not needed any more.

    Args:
        folder: Of the model.
        names: File of weights in it -> names of the tensors that are wanted of it.

    Raises:
        Exception: A file or a tensor is missing or damaged; safetensors has many types for that.
    """
    read: dict[str, np.ndarray] = {}
    for file, wanted in names.items():
        check_plain(folder / file)
        with safe_open(folder / file, framework='numpy') as opened:
            read |= {name: opened.get_tensor(name) for name in wanted}
    return read
