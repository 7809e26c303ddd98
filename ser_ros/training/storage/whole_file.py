# SPDX-License-Identifier: Apache-2.0
"""Files that a reader sees as they were before or as they are afterwards, never half."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a hidden file beside `path` to write into; it takes the place of `path` once all is written.

    After an error nothing of it is left, and `path` is as it was. Processes may write the same file at once.
    """
    partial = path.with_name(f'.{path.name}.{os.getpid()}.partial')
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str, *, errors: str = 'strict') -> None:
    """Write `text` as UTF-8. errors: as of `str.encode`."""
    with whole_file(path) as partial:
        partial.write_text(text, encoding='utf-8', errors=errors)
