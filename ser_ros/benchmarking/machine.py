# SPDX-License-Identifier: Apache-2.0
"""What a figure was measured on, and what a process takes of it. Linux only, as /proc is."""

import datetime
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ser_ros.extras import missing_packages

_PACKAGES = ('onnxruntime', 'torch', 'transformers', 'numpy')
_TICKS = os.sysconf('SC_CLK_TCK')


def describe_machine() -> dict[str, str]:
    """Return hardware and versions, by name."""
    memory = os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30
    installed = {package: _version(package) for package in _PACKAGES}
    threads_of_torch, gpu = _torch()
    return {
        'CPU': f'{_cpu_name()}, {os.cpu_count()} cores{threads_of_torch}',
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


def cpu_seconds(process: int) -> float:
    """Return what all threads of `process` have used so far."""
    # The name, in brackets, may hold blanks.
    fields = Path(f'/proc/{process}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory_megabytes(process: int) -> tuple[float, float]:
    """Return what `process` holds, and what of it is shared with nobody, 10^6 bytes."""
    entries = dict(
        line.split(':', 1) for line in Path(f'/proc/{process}/smaps_rollup').read_text().splitlines() if 'kB' in line
    )
    kilobytes = {name: int(value.split()[0]) for name, value in entries.items()}
    own = kilobytes['Private_Clean'] + kilobytes['Private_Dirty']
    return kilobytes['Rss'] * 1.024e-3, own * 1.024e-3


def threads(process: int) -> int:
    """Return how many threads `process` has."""
    return len(list(Path(f'/proc/{process}/task').iterdir()))


def _torch() -> tuple[str, str]:
    """Return on how many threads torch runs, and what GPU it sees, for people."""
    if missing_packages('torch'):
        return '', 'not looked for, as torch is not installed'
    import torch

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else 'none'
    return f', torch on {torch.get_num_threads()} thread(s)', gpu


def _cpu_name() -> str:
    for line in Path('/proc/cpuinfo').read_text().splitlines():
        if line.startswith('model name'):
            return line.partition(':')[2].strip()
    return platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return 'not installed'
