# SPDX-License-Identifier: Apache-2.0
"""Moves finished folders into place at once, and reports a full disk whichever library met it."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ser_ros.errors import SerError

_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""No space, no quota, or a file larger than the file system or the user is allowed."""

_SIGNS = (
    'No space left on device',
    'Disk quota exceeded',
    'File too large',
    'PytorchStreamWriter failed',
    'file write failed',
    'unexpected pos ',
    'iostream error',
)
"""Messages of safetensors, Arrow and torch, which wrap the system's error in their own."""


def tells_of_a_full_disk(error: BaseException | None) -> bool:
    """Return whether `error`, or its cause, was a full disk."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _ERRORS:
            return True
        if any(sign in str(error) for sign in _SIGNS):
            return True
        error = error.__cause__ or error.__context__
    return False


@contextmanager
def full_disk_told(work: Path, cure: str) -> Iterator[None]:
    """Turn the error of a full disk, on which the folder `work` is, into a SerError that ends with `cure`."""
    try:
        yield
    except Exception as error:
        if tells_of_a_full_disk(error):
            raise SerError(f'the disk of {work} is full; {cure}') from None
        raise


def is_taken(folder: Path) -> bool:
    """Return whether a new folder would overwrite something; an empty folder does not count."""
    return folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))


def put_in_place(made: Path, folder: Path) -> None:
    """Rename the folder `made` to `folder`. Raises SerError that says where it is if that fails.

    An existing empty folder is kept, because it may be someone's working directory, or a mounted disk: everything is
    moved into it, config.json last, which makes it a model.
    """
    try:
        if folder.is_dir():
            for path in sorted(made.iterdir(), key=lambda path: path.name == 'config.json'):
                shutil.move(path, folder / path.name)
            made.rmdir()
            return
        folder.parent.mkdir(parents=True, exist_ok=True)
        made.rename(folder)
    except OSError as error:
        raise SerError(f'the model could not be moved to {folder} ({error.strerror}); it is whole in {made}') from None
