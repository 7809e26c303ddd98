# SPDX-License-Identifier: Apache-2.0
"""One run at a time works in a folder; the system takes the lock of a killed run away."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from ser_ros.errors import SerError

LOCK = 'lock'
"""Name of the file in the folder; it holds the id of the process that has locked it."""


@contextlib.contextmanager
def held(work: Path) -> Iterator[None]:
    """Hold the folder `work`, made if missing, for this run; at the end it is removed if nothing was written into it.

    On a network disk that knows no locks the folder is not held. Only the main process of a run may call this.

    Raises:
        SerError: Another run holds it.
    """
    file = _locked(work)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # the run has removed the folder, or the disk has gone
            if [path.name for path in work.iterdir()] == [LOCK]:
                (work / LOCK).unlink()
                work.rmdir()
        os.close(file)


def _locked(work: Path) -> int:
    """Return the descriptor of the lock's file, which another run may just be removing."""
    while True:
        with contextlib.suppress(FileNotFoundError):
            work.mkdir(parents=True, exist_ok=True)
            file = os.open(work / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                _lock(file, work)
                if os.path.samestat(os.fstat(file), (work / LOCK).stat()):
                    os.ftruncate(file, 0)
                    os.write(file, str(os.getpid()).encode())
                    return file
            except BaseException:
                os.close(file)
                raise
            os.close(file)


def _lock(file: int, work: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        process = os.read(file, 20).decode(errors='replace')
        named = f' (process {process})' if process.isdigit() else ''
        raise SerError(
            f'another run{named} is at work in {work}, for the same --out; wait for it, or choose another --out'
        ) from None
    except OSError:
        pass  # a network disk without locks
