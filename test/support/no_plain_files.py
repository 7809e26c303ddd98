# SPDX-License-Identifier: Apache-2.0
"""What may stand where a plain file is expected."""

import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made, tempfile.TemporaryDirectory() as short:  # its path may be short only
        made.bind(f'{short}/s')
        Path(short, 's').rename(path)


NO_PLAIN_FILES: dict[str, Callable[[Path], object]] = {
    'a named pipe': os.mkfifo,
    'a socket': _socket,
    'a device': lambda path: path.symlink_to('/dev/zero'),
    'a folder': Path.mkdir,
}
"""What sentences call it -> how it is made at a path."""
