# SPDX-License-Identifier: Apache-2.0
"""Files and folders that appear whole or not at all."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give the body a hidden name beside `path` to write to; the file becomes `path` at the end.

    It replaces an older one in one step. Where the body raises, nothing is left of it.
    """
    partial = path.with_name(f'.{path.name}.partial')
    try:
        yield partial
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give the body a folder to make, of the same name in a hidden one beside `path`; it becomes `path` at the end.

    The folder above is made where it lacks; `path` must not exist, unless it is an empty folder. Where the body raises,
    nothing is left of it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f'.{path.name}.', suffix='.partial', dir=path.parent))
    try:
        yield partial / path.name
        (partial / path.name).rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
