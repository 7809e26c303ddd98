# SPDX-License-Identifier: Apache-2.0
"""Files and folders that appear whole or not at all, and files of others that are read only if they are plain ones."""

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ser_ros.errors import SerError

_OTHER_KINDS = {
    stat.S_IFIFO: 'a named pipe',
    stat.S_IFSOCK: 'a socket',
    stat.S_IFCHR: 'a device',
    stat.S_IFBLK: 'a device',
    stat.S_IFDIR: 'a folder',
}
"""Type of a file -> what it is called, if it is no plain file."""


def check_plain(path: Path, most_bytes: int | None = None) -> None:
    """Make sure that a library may open `path`: a plain file, or a link to one, of at most `most_bytes`.

    Raises:
        SerError: It is a named pipe, a socket, a device or a folder, or larger; to read it could take forever.
        OSError: It is not there, or may not be looked at.
    """
    _refuse_others(path, path.stat(), most_bytes)


def open_plain(path: Path) -> BinaryIO:
    """Open the plain file `path` for reading; see check_plain."""
    check_plain(path)
    # Without waiting: it may have become a pipe since.
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), 'rb')
    try:
        _refuse_others(path, os.fstat(file.fileno()), None)
    except SerError:
        file.close()
        raise
    return file


def read_plain(path: Path, most_bytes: int) -> bytes:
    """Return the content of the plain file `path`; see check_plain."""
    with open_plain(path) as file:
        _refuse_others(path, os.fstat(file.fileno()), most_bytes)
        return file.read(most_bytes)


def _refuse_others(path: Path, status: os.stat_result, most_bytes: int | None) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = _OTHER_KINDS.get(stat.S_IFMT(status.st_mode), 'something else')
        raise SerError(f'{path} is {kind}, where a plain file is expected; put the file itself there')
    if most_bytes is not None and status.st_size > most_bytes:
        raise SerError(
            f'{path} has {status.st_size} bytes, where at most {most_bytes} are expected; put the right file there'
        )


_SHOWN = 40
"""Characters of a name that the hidden one repeats: in UTF-8 up to 160 of the 255 bytes that a name may have."""


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a hidden file beside `path` to write into; it replaces `path` once everything is written.

    After an error nothing of it is left, and `path` is as it was. Several processes may write the same file at once.
    What is no plain file, such as /dev/null, is written itself, and never replaced.
    """
    if path.exists() and not path.is_file():
        yield path
        return
    partial = path.with_name(f'.{path.name[:_SHOWN]}.{os.getpid()}.partial')
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str, *, errors: str = 'backslashreplace') -> None:
    """Write `text` as UTF-8; the file appears whole.

    Args:
        path: The file.
        text: Its content.
        errors: As of `str.encode`, for the bytes of a file name that are no text.
    """
    with whole_file(path) as partial:
        partial.write_text(text, encoding='utf-8', errors=errors)


def as_utf8(text: str) -> str:
    """Return `text` with what UTF-8 cannot hold escaped: the bytes of a file name that are no text."""
    return text.encode('utf-8', errors='backslashreplace').decode('utf-8')


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield a folder to create, of the same name in a hidden one beside `path`; it becomes `path` at the end.

    Missing parent folders are created; `path` must not exist, unless it is an empty folder. After an error nothing of
    it is left.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f'.{path.name[:_SHOWN]}.', suffix='.partial', dir=path.parent))
    try:
        yield partial / path.name
        (partial / path.name).rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
