# SPDX-License-Identifier: Apache-2.0
"""Reads the tensors in a model's files of weights as arrays of numpy; needs no torch."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import numpy as np
from safetensors import deserialize, safe_open

from ser_ros.files import check_plain

_TYPES = ('F16', 'F32')
"""How safetensors calls half and single precision."""

_FLOAT8 = 'F8_E4M3'
"""One sign bit, 4 of the exponent, 3 of the mantissa (Micikevicius et al. 2022, FP8 Formats for Deep Learning)."""


def each_tensor(file: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Yield name and values (float16 or float32) of each tensor of `file` in float8, half or single precision.

    Not of the others: numpy has no bfloat16. Raises what safetensors raises if the file is damaged.
    """
    check_plain(file)
    with safe_open(file, framework='numpy') as opened:
        types = {name: opened.get_slice(name).get_dtype() for name in opened.keys()}  # noqa: SIM118 - no dictionary
        yield from ((name, opened.get_tensor(name)) for name, kind in types.items() if kind in _TYPES)
    yield from _float8_tensors(file, [name for name, kind in types.items() if kind == _FLOAT8])


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
            small = [name for name in wanted if opened.get_slice(name).get_dtype() == _FLOAT8]
            read |= {name: opened.get_tensor(name) for name in wanted if name not in small}
        read |= _float8_tensors(folder / file, small)
    return read


def _float8_tensors(file: Path, names: Collection[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield name and values (float16, which holds them all) of tensors in float8, for which numpy has no type."""
    if not names:
        return
    for name, tensor in deserialize(file.read_bytes()):  # type: ignore[no-untyped-call]
        if name in names:
            yield name, _from_float8(np.frombuffer(tensor['data'], np.uint8)).reshape(tensor['shape'])


def _from_float8(codes: np.ndarray) -> np.ndarray:
    """Return as float16 what bytes say in E4M3. Raises ValueError if one says that it is no number."""
    rest = codes & 0x7F
    if (rest == 0x7F).any():
        raise ValueError('a weight in float8 is no number')
    # float16 has the same order of bits, one of the exponent more, and a bias of 15 for 7.
    halves = ((codes & 0x80).astype(np.uint16) << 8) | (rest.astype(np.uint16) << 7)
    return halves.view(np.float16) * np.float16(2.0**8)
