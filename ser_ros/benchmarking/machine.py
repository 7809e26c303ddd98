# SPDX-License-Identifier: Apache-2.0
"""The machine that a figure was measured on."""

import datetime
import os
import platform
from importlib.metadata import PackageNotFoundError, version

from ser_ros.extras import missing_packages
from ser_ros.machine import cpu_name

_PACKAGES = ('onnxruntime', 'torch', 'transformers', 'numpy')


def describe_machine() -> dict[str, str]:
    """Return hardware and versions, by name."""
    memory = os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30
    installed = {package: _version(package) for package in _PACKAGES}
    threads_of_torch, gpu = _torch()
    return {
        'CPU': f'{cpu_name()}, {os.cpu_count()} cores{threads_of_torch}',
        'memory': f'{memory:.0f} GiB',
        'GPU': gpu,
        'software': ', '.join(
            [
                f'{platform.system()} {platform.release()}',
                f'Python {platform.python_version()}',
                *(f'{package} {number}' for package, number in installed.items()),
            ]
        ),
        'date': datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%d %H:%M UTC'),
    }


def _torch() -> tuple[str, str]:
    """Return the number of threads of torch, and the GPU it sees, as text."""
    if missing_packages('torch'):
        return '', 'not looked for, as torch is not installed'
    import torch

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else 'none'
    return f', torch on {torch.get_num_threads()} thread(s)', gpu


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return 'not installed'
