# SPDX-License-Identifier: Apache-2.0
"""What /proc says of this very process."""

import os
import threading
import time

import pytest

from ser_ros.testing.process_cost import cpu_seconds, descriptors, memory_megabytes, threads


def test_cpu_time_is_that_of_the_process():
    before, clock = cpu_seconds(os.getpid()), time.process_time()
    while time.process_time() - clock < 0.2:
        sum(range(1000))
    # /proc counts in hundredths of a second, and other threads of this process may have worked between the readings.
    assert cpu_seconds(os.getpid()) - before == pytest.approx(time.process_time() - clock, abs=0.1)


def test_memory_that_is_taken_is_its_own():
    held, own = memory_megabytes(os.getpid())
    block = bytearray(os.urandom(50_000_000))
    held_after, own_after = memory_megabytes(os.getpid())
    # What else the interpreter takes or gives back meanwhile is far less.
    assert held_after - held == pytest.approx(50, abs=25) and own_after - own == pytest.approx(50, abs=25)
    assert own_after <= held_after and len(block)


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
