# SPDX-License-Identifier: Apache-2.0
"""Files and folders that appear whole or not at all."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

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
