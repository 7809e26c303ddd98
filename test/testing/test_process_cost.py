# SPDX-License-Identifier: Apache-2.0
"""What /proc says of this very process."""

import os
import subprocess
import sys
import threading
import time

import pytest

from ser_ros.testing.process_cost import cpu_seconds, descriptors, threads

TAKE_MEMORY = """
import os
from ser_ros.testing.process_cost import memory_megabytes
print(*memory_megabytes(os.getpid()))
block = b'x' * 50_000_000
print(*memory_megabytes(os.getpid()))
"""


def test_cpu_time_is_that_of_the_process():
    before, clock = cpu_seconds(os.getpid()), time.process_time()
    while time.process_time() - clock < 0.2:
        sum(range(1000))
    # /proc counts in hundredths of a second, and other threads of this process may have worked between the readings.
    assert cpu_seconds(os.getpid()) - before == pytest.approx(time.process_time() - clock, abs=0.1)


def test_memory_that_is_taken_is_its_own():
    # In a process of its own, because this one has threads that take and give back memory meanwhile.
    done = subprocess.run([sys.executable, '-c', TAKE_MEMORY], capture_output=True, text=True, check=True)
    held, own, held_after, own_after = map(float, done.stdout.split())
    assert held_after - held == pytest.approx(50, abs=5) and own_after - own == pytest.approx(50, abs=5)
    assert own <= held and own_after <= held_after


def test_threads_are_counted():
    before, end = threads(os.getpid()), threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    assert threads(os.getpid()) == before + 1
    end.set()
    thread.join()


def test_descriptors_are_counted(tmp_path):
    before = descriptors(os.getpid())
    with (tmp_path / 'file').open('w'):
        assert descriptors(os.getpid()) == before + 1
