# SPDX-License-Identifier: Apache-2.0
"""Moves finished folders into place at once, and reports a full disk whichever library met it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ser_ros.errors import SerError
from ser_ros.system_errors import tells_of_a_full_disk


@contextmanager
def full_disk_told(work: Path, cure: str) -> Iterator[None]:
    """Turn the error of a full disk, on which the folder `work` is, into a SerError that ends with `cure`."""
    try:
        yield
    except Exception as error:
        if tells_of_a_full_disk(error):
            raise SerError(f'the disk of {work} is full; {cure}') from None
        raise


def work_folder(folder: Path) -> Path:
    """Return where the unfinished work on the new folder `folder` is kept: beside it, on the same disk."""
    return folder.with_name(f'.{folder.name}.partial')


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
