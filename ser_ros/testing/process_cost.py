# SPDX-License-Identifier: Apache-2.0
"""What a process uses of the machine. Linux only, because of /proc."""

import os
from pathlib import Path

_TICKS = os.sysconf('SC_CLK_TCK')


def cpu_seconds(process: int) -> float:
    """Return the CPU time of all threads of `process` so far."""
    # The name, in brackets, may hold blanks.
    fields = Path(f'/proc/{process}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory_megabytes(process: int) -> tuple[float, float]:
    """Return the memory of `process`, and how much of it is not shared, 10^6 bytes."""
    kilobytes = _kilobytes(process)
    own = kilobytes['Private_Clean'] + kilobytes['Private_Dirty']
    return kilobytes['Rss'] * 1.024e-3, own * 1.024e-3


def anonymous_megabytes(process: int) -> float:
    """Return the memory of `process` that holds no file, 10^6 bytes.

    The pages of files come and go with what else the machine runs, and would hide a growth.
    """
    return _kilobytes(process)['Anonymous'] * 1.024e-3


def threads(process: int) -> int:
    """Return how many threads `process` has."""
    return len(list(Path(f'/proc/{process}/task').iterdir()))


def descriptors(process: int) -> int:
    """Return how many files, sockets and pipes `process` has open."""
    return len(list(Path(f'/proc/{process}/fd').iterdir()))


def _kilobytes(process: int) -> dict[str, int]:
    lines = Path(f'/proc/{process}/smaps_rollup').read_text().splitlines()
    entries = dict(line.split(':', 1) for line in lines if 'kB' in line)
    return {name: int(value.split()[0]) for name, value in entries.items()}
