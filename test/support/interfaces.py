# SPDX-License-Identifier: Apache-2.0
"""Builds the stand-ins in test/interfaces for message packages that are not on PyPI, with the same fields."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

INTERFACES = Path(__file__).resolve().parents[1] / 'interfaces'

_DONE = 'done'
"""A file that says that a folder's build is whole."""


def interface_variables(name: str, cache: Path) -> dict[str, str]:
    """Return the variables by which a new process finds the package test/interfaces/<name>; build it where it is new.

    `cache` keeps what was built, for other test processes and for the next time: it takes half a minute.
    """
    folder = cache / f'{name}-{_state(INTERFACES / name)}'
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / 'lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / _DONE).exists():
            _build(INTERFACES / name, folder)
            (folder / _DONE).touch()
    modules = next((folder / 'install').glob('lib/python*/site-packages'))
    return {
        'AMENT_PREFIX_PATH': os.pathsep.join([str(folder / 'install'), os.environ['AMENT_PREFIX_PATH']]),
        'PYTHONPATH': _before(modules, os.environ.get('PYTHONPATH')),
        'LD_LIBRARY_PATH': _before(folder / 'install' / 'lib', os.environ.get('LD_LIBRARY_PATH')),
    }


def _state(source: Path) -> str:
    """Return a hash of all that the result hangs on: the sources, the interpreter, and the ROS 2 that there is."""
    ros = os.environ['AMENT_PREFIX_PATH'].split(os.pathsep)
    versions = [
        path.read_bytes()
        for prefix in ros
        for path in [Path(prefix, 'share/rosidl_cmake/package.xml')]
        if path.exists()
    ]
    content = [path.read_bytes() for path in sorted(source.rglob('*')) if path.is_file()]
    what = [sys.executable.encode(), sys.version.encode(), *(prefix.encode() for prefix in ros), *versions, *content]
    return hashlib.sha256(b'\0'.join(what)).hexdigest()[:12]


def _build(source: Path, folder: Path) -> None:
    """Build and install the message package in `source` with cmake."""
    prefixes = os.environ['AMENT_PREFIX_PATH']
    options = [
        '-DBUILD_TESTING=OFF',
        f'-DCMAKE_INSTALL_PREFIX={folder / "install"}',
        f'-DPython3_EXECUTABLE={sys.executable}',
    ]
    for command in (
        ['cmake', '-S', source, '-B', folder / 'build', *options],
        ['cmake', '--build', folder / 'build', '--target', 'install', '--parallel', '2'],
    ):
        done = subprocess.run(
            command,
            env=os.environ | {'CMAKE_PREFIX_PATH': prefixes},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, done.stdout[-3000:]
    shutil.rmtree(folder / 'build')


def _before(first: Path, others: str | None) -> str:
    """Put a folder before those of a variable."""
    return os.pathsep.join([str(first), *([others] if others else [])])
