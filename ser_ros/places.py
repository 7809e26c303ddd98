# SPDX-License-Identifier: Apache-2.0
"""Places that a user names: the home folder, folders that are read, and outputs, which are tried before work begins."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ser_ros.errors import SerError
from ser_ros.system_errors import quoted, refusal, why

_PROBE = b'?' * 4096
"""A disk without room for this is full."""

_DEEPER = Path('x' * 100, 'x' * 100)
"""Names of files and folders within an output are not longer than this."""

_ATTEMPTS = 3
"""Another process may try a place at the same time, and take away the folders that both need for it."""


def home_folder(variable: str) -> Path:
    """Return the user's home, which may not exist.

    Args:
        variable: Of the environment; it names the place that is wanted in the home, if it is to be elsewhere.

    Raises:
        SerError: The home is not known.
    """
    try:
        return Path.home()
    except RuntimeError:
        raise SerError(
            f'there is no home folder: HOME is not set, and the system does not know the user {os.getuid()}; set HOME, '
            f'or {variable} to a folder'
        ) from None


def expanded(path: str | Path) -> Path:
    """Return `path` with a leading ~ replaced. Raises SerError if it is not known what that is."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise SerError(f'it is not known where {path} is, for that home is not known; give a whole path') from None


def exists(path: Path) -> bool:
    """Return whether there is anything at `path`, be it a link to nothing. Raises SerError if that cannot be told."""
    try:
        return _exists(path)
    except OSError as error:
        raise refusal(error) from None


def _exists(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def is_taken(folder: Path) -> bool:
    """Return whether a new folder would overwrite something; an empty folder does not count. Raises SerError."""
    try:
        return _exists(folder) and not (folder.is_dir() and not any(folder.iterdir()))
    except OSError as error:
        raise refusal(error) from None


def files_below(folder: Path) -> list[Path]:
    """Return the files below `folder` that are not hidden, in order.

    Raises:
        SerError: One of its folders may not be entered.
    """

    def refuse(error: OSError) -> None:
        raise refusal(error)

    found = []
    for place, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not is_hidden(name)]
        found += [Path(place, name) for name in names if not is_hidden(name)]
    return sorted(path for path in found if path.is_file())


def is_hidden(name: str) -> bool:
    """Return whether a file or folder of this name is none that people put there, such as the `._*` of macOS."""
    return (name.startswith('.') and name not in ('.', '..')) or name == '__MACOSX'


def refuse_taken(folder: Path, option: str = '--out') -> None:
    """Raise SerError if there is something at `folder` that a new folder would overwrite."""
    if is_taken(folder):
        raise SerError(f'{folder} exists already and is never overwritten; choose another {option} or remove it')


def check_can_be_made(path: Path, option: str = '--out', *, name: str = '') -> None:
    """Raise SerError unless a file or folder can be made at `path`; what is tried for it is gone afterwards.

    Call it before long work: a folder above may be a file, or not to be entered, or not writable, a name may be too
    long, a disk full. What exists at `path` must be writable itself.

    Args:
        path: The output.
        option: What the user calls it.
        name: Of what is made beside it first, if that is not the name of `path`.
    """
    try:
        _try(path, name or path.name)
    except (OSError, ValueError) as error:
        raise SerError(
            f'{option} {quoted(path)} cannot be written ({why(error)}); give a place in a folder of your own, with '
            'free space'
        ) from None


def _try(path: Path, name: str) -> None:
    if path.is_dir():
        _fill(path, name)
    elif _exists(path) and not os.access(path, os.W_OK, effective_ids=True):
        raise PermissionError('it exists and may not be changed')
    if name != path.name or not _exists(path):
        for attempt in range(_ATTEMPTS):
            try:
                with _made(path.absolute().parent) as parent:
                    _fill(parent, name)
                return
            except FileNotFoundError:
                if attempt == _ATTEMPTS - 1:
                    raise


def _fill(folder: Path, name: str) -> None:
    with tempfile.TemporaryDirectory(prefix='.', suffix='.partial', dir=folder) as place:
        (Path(place) / name / _DEEPER).mkdir(parents=True)
        (Path(place) / name / 'file').write_bytes(_PROBE)


@contextlib.contextmanager
def _made(folder: Path) -> Iterator[Path]:
    """Make `folder` with those above it, and take away afterwards what was not there before."""
    missing = []
    for place in (folder, *folder.parents):
        if place.exists():
            break
        missing.append(place)
    try:
        for place in reversed(missing):
            place.mkdir(exist_ok=True)
        yield folder
    finally:
        for place in missing:
            with contextlib.suppress(OSError):  # never made, or another process has put something there
                place.rmdir()
