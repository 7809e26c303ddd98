# SPDX-License-Identifier: Apache-2.0
"""What /proc says of this very process."""

import os
import threading
import time

import pytest

from ser_ros.benchmarking.machine import cpu_seconds, describe_machine, memory_megabytes, threads


def test_the_hardware_and_the_versions_are_named():
    machine = describe_machine()
    assert f'{os.cpu_count()} cores' in machine['CPU']
    assert all(word in machine['software'] for word in ('Python 3.', 'onnxruntime ', 'torch ', 'transformers '))
    assert machine['date'].startswith('20') and machine['GPU']


def test_cpu_time_is_that_of_the_process():
    before, clock = cpu_seconds(os.getpid()), time.process_time()
    while time.process_time() - clock < 0.1:
        sum(range(1000))
    # /proc counts in hundredths of a second.
    assert cpu_seconds(os.getpid()) - before == pytest.approx(time.process_time() - clock, abs=0.03)


def test_memory_that_is_taken_is_its_own():
    held, own = memory_megabytes(os.getpid())
    block = bytearray(os.urandom(50_000_000))
    held_after, own_after = memory_megabytes(os.getpid())
    assert held_after - held == pytest.approx(50, abs=5) and own_after - own == pytest.approx(50, abs=5)
    assert own_after <= held_after and len(block)


def test_threads_are_counted():
    before, end = threads(os.getpid()), threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    assert threads(os.getpid()) == before + 1
    end.set()
    thread.join()
