# SPDX-License-Identifier: Apache-2.0
"""Finished folders come to their place at once; a full disk is told by the errors of the libraries that write to it."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ser_ros.errors import SerError

_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""No space, no quota, a file larger than the file system or the user may have."""

_SIGNS = (
    'No space left on device',
    'Disk quota exceeded',
    'File too large',
    'PytorchStreamWriter failed',
    'file write failed',
    'unexpected pos ',
    'iostream error',
)
"""What safetensors, Arrow and torch say, which wrap the system's error into their own."""


def tells_of_a_full_disk(error: BaseException | None) -> bool:
    """Return whether `error`, or what it came from, was a disk without room."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _ERRORS:
            return True
        if any(sign in str(error) for sign in _SIGNS):
            return True
        error = error.__cause__ or error.__context__
    return False


@contextmanager
def full_disk_told(work: Path, cure: str) -> Iterator[None]:
    """Turn the error of a disk without room, on which the folder `work` lies, into a SerError that ends with `cure`."""
    try:
        yield
    except Exception as error:
        if tells_of_a_full_disk(error):
            raise SerError(f'the disk of {work} is full; {cure}') from None
        raise


def is_taken(folder: Path) -> bool:
    """Return whether something is there that a new folder would overwrite; an empty folder is nothing."""
    return folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))


def put_in_place(made: Path, folder: Path) -> None:
    """Rename the folder `made` to `folder`. Raises SerError that tells where it is if that fails.

    An empty folder that is there already stays, for it may be somebody's working directory, or a mounted disk: all is
    moved into it, and what makes it a model last.
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
