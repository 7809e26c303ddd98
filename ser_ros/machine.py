# SPDX-License-Identifier: Apache-2.0
"""Names the hardware of this machine."""

import platform
from pathlib import Path


def cpu_name() -> str:
    """Return the name of the processor; its architecture if there is none."""
    try:
        lines = Path('/proc/cpuinfo').read_text(encoding='utf-8').splitlines()
    except OSError:
        lines = []
    names = (line.partition(':')[2].strip() for line in lines if line.startswith('model name'))
    return next(names, '') or platform.machine()
