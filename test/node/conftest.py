# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for message packages that are not on PyPI, built once a session."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

INTERFACES = Path(__file__).resolve().parents[1] / 'interfaces'


@pytest.fixture(scope='session')
def interfaces(tmp_path_factory):
    """Return build(name): the variables by which a new process finds the stand-in package test/interfaces/<name>.

    One process can know one audio_common_msgs only, so this one does without.
    """
    built = {}

    def build(name: str) -> dict[str, str]:
        if name not in built:
            built[name] = build_interfaces(INTERFACES / name, tmp_path_factory.mktemp(name))
        return built[name]

    return build


def build_interfaces(source: Path, folder: Path) -> dict[str, str]:
    """Build and install the message package in `source` with cmake; return the variables by which it is found."""
    ros = os.environ['AMENT_PREFIX_PATH'].split(os.pathsep)
    environment = os.environ | {'CMAKE_PREFIX_PATH': os.pathsep.join(ros)}
    install = folder / 'install'
    options = ['-DBUILD_TESTING=OFF', f'-DCMAKE_INSTALL_PREFIX={install}', f'-DPython3_EXECUTABLE={sys.executable}']
    for command in (
        ['cmake', '-S', source, '-B', folder / 'build', *options],
        ['cmake', '--build', folder / 'build', '--target', 'install', '--parallel', '2'],
    ):
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, done.stdout[-3000:]
    modules = next(install.glob('lib/python*/site-packages'))
    return {
        'AMENT_PREFIX_PATH': os.pathsep.join([str(install), *ros]),
        'PYTHONPATH': join(modules, os.environ.get('PYTHONPATH')),
        'LD_LIBRARY_PATH': join(install / 'lib', os.environ.get('LD_LIBRARY_PATH')),
    }


def join(first: Path, others: str | None) -> str:
    """Put a folder before those of a variable."""
    return os.pathsep.join([str(first), *([others] if others else [])])
