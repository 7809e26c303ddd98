# SPDX-License-Identifier: Apache-2.0
"""The hardware and the packages of a run."""

import importlib.metadata
import os
import platform
from typing import Any

import torch
import transformers

from ser_ros.machine import cpu_name

_PACKAGES = ('torchaudio', 'datasets', 'scikit-learn', 'accelerate')


def environment() -> dict[str, Any]:
    """Return the hardware and the versions that affect speed and figures."""
    if torch.cuda.is_available():
        hardware = torch.cuda.get_device_name()
    else:
        threads = torch.get_num_threads()
        hardware = f'CPU {cpu_name()}, {threads} thread{"s" * (threads > 1)} of {os.cpu_count()} cores'
    return {
        'hardware': hardware,
        'versions': {
            'python': platform.python_version(),
            'torch': torch.__version__,
            'transformers': transformers.__version__,
            **_installed(_PACKAGES),
        },
    }


def _installed(packages: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
