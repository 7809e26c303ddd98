# SPDX-License-Identifier: Apache-2.0
"""Two hundred lives of a node in one process leave nothing behind."""

import ctypes
import gc
import os
import threading
from pathlib import Path

import numpy as np
import psutil
import pytest
import rclpy
import soundfile
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from ser_ros.node.node import SerNode

WARM_UP = 40
"""Cycles after which allocators, caches and thread pools have found their size."""

WINDOWS, WINDOW = 8, 20
"""What is left behind in every cycle grows in each of these windows, so many cycles long; an allocator that takes
another piece from the system, megabytes at a time, does so in a few."""

GROWTH = 25e3
"""Bytes that a cycle may leave in half of the windows: less than any of the things that it makes."""


@pytest.fixture
def node(tmp_path, random_weight_model):
    """A node on a file that it hears without end, on a domain of its own."""
    sound = 0.01 * np.random.default_rng(0).standard_normal(16_000 * 600)
    soundfile.write(tmp_path / 'noise.wav', sound, 16_000)
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=1 + os.getpid() % 100)
    values = {
        'model.path': str(random_weight_model),
        'audio.source': 'file',
        'audio.file': str(tmp_path / 'noise.wav'),
        'autostart': False,
    }
    overrides = [Parameter(name, value=value) for name, value in values.items()]
    made = SerNode(context=context, parameter_overrides=overrides)
    yield made
    made.destroy_node()
    rclpy.shutdown(context=context)


def blocks(node) -> int:
    status = node._snapshot().pipeline
    return status.blocks if status else 0


def live_once(node, executor) -> None:
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
    while blocks(node) < 2:
        executor.spin_once(timeout_sec=0.01)
    assert node.trigger_deactivate() == TransitionCallbackReturn.SUCCESS
    assert node.trigger_cleanup() == TransitionCallbackReturn.SUCCESS


def left_behind(node) -> dict[str, int]:
    return {
        'threads of Python': threading.active_count(),
        'descriptors': len(list(Path('/proc/self/fd').iterdir())),
        'publishers': len(list(node.publishers)),
        'subscriptions': len(list(node.subscriptions)),
        'services': len(list(node.services)),
        'timers': len(list(node.timers)),
        'guards': len(list(node.guards)),
    }


def memory_in_use() -> int:
    """Bytes of this process, without what the allocator keeps of what was freed."""
    gc.collect()
    ctypes.CDLL('libc.so.6').malloc_trim(0)
    return psutil.Process().memory_info().rss


def test_two_hundred_lives_leave_nothing_behind(node):
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    for _ in range(WARM_UP):
        live_once(node, executor)
    memory = [memory_in_use()]
    before, threads = left_behind(node), psutil.Process().num_threads()
    for _ in range(WINDOWS):
        for _ in range(WINDOW):
            live_once(node, executor)
        memory.append(memory_in_use())
    assert left_behind(node) == before
    assert psutil.Process().num_threads() <= threads
    assert np.median(np.diff(memory)) / WINDOW < GROWTH, f'bytes after each {WINDOW} cycles: {memory}'
