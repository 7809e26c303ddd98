# SPDX-License-Identifier: Apache-2.0
"""Measures what memory two hundred lives of a node in one process leave behind.

A node with the embedded default model is configured, activated, deactivated and cleaned up again and again; what a
cycle leaves behind grows in each window of them, while an allocator that takes another piece from the system does so in
a few. Needs the built workspace: `. ./env.bash`, then `python tools/measuring/measure_lifecycle.py`. Ends with 1 where
more than 25 kB are left in half of the windows.
"""

import argparse
import ctypes
import gc
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import rclpy
import soundfile
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from tqdm import tqdm

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.node.node import SerNode
from ser_ros.testing.domain import take_own_domain
from ser_ros.testing.process_cost import memory_megabytes

WARM_UP = 40
"""Cycles after which allocators, caches and thread pools have found their size."""

WINDOWS, WINDOW = 8, 20
GROWTH = 25.0
"""kB that a cycle may leave in half of the windows: less than any of the things that it makes."""

SOUND = 600.0
"""Seconds of noise, which no cycle hears to its end."""


def main() -> int:
    """Measure and print; return the exit code."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    take_own_domain()
    rclpy.init()
    with tempfile.TemporaryDirectory() as folder:
        noise = Path(folder) / 'noise.wav'
        soundfile.write(noise, 0.01 * np.random.default_rng(0).standard_normal(int(SOUND * SAMPLE_RATE)), SAMPLE_RATE)
        values = {'audio.source': 'file', 'audio.file': str(noise), 'autostart': False}
        node = SerNode(parameter_overrides=[Parameter(name, value=value) for name, value in values.items()])
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        memory = []
        for cycle in tqdm(range(WARM_UP + WINDOWS * WINDOW + 1), unit='cycle'):
            if cycle >= WARM_UP and (cycle - WARM_UP) % WINDOW == 0:
                memory.append(memory_in_use())
            live_once(node, executor)
        node.destroy_node()
    rclpy.try_shutdown()
    kilobytes = np.diff(memory) * 1000 / WINDOW
    print('kB that a cycle left, by window:', *(f'{value:.1f}' for value in kilobytes))
    print(f'median {np.median(kilobytes):.1f} kB, at most {GROWTH:.0f} allowed; {memory[-1]:.0f} MB at the end')
    return 0 if np.median(kilobytes) < GROWTH else 1


def live_once(node: SerNode, executor: SingleThreadedExecutor) -> None:
    """Lead the node through its lifecycle while a tenth of a second is heard."""
    node.trigger_configure()
    node.trigger_activate()
    for _ in range(10):
        executor.spin_once(timeout_sec=0.01)
    node.trigger_deactivate()
    node.trigger_cleanup()


def memory_in_use() -> float:
    """Return the MB of this process, without what the allocator keeps of what was freed."""
    gc.collect()
    ctypes.CDLL('libc.so.6').malloc_trim(0)
    return memory_megabytes(os.getpid())[0]


if __name__ == '__main__':
    sys.exit(main())
