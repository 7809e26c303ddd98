# SPDX-License-Identifier: Apache-2.0
"""What this machine is."""

import platform
from pathlib import Path


def cpu_name() -> str:
    """Return what the processor calls itself; its architecture where it does not say."""
    try:
        lines = Path('/proc/cpuinfo').read_text(encoding='utf-8').splitlines()
    except OSError:
        lines = []
    names = (line.partition(':')[2].strip() for line in lines if line.startswith('model name'))
    return next(names, '') or platform.machine()
