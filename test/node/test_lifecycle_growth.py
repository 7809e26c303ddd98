# SPDX-License-Identifier: Apache-2.0
"""Two hundred lives of a node in one process leave nothing behind."""

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

CYCLES = 200
WARM_UP = 40
"""Cycles after which allocators, caches and thread pools have found their size."""

GROWTH = 4e6
"""Bytes by which 160 cycles may grow: 25 kB each, less than any of the things that a cycle makes."""


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


def test_two_hundred_lives_leave_nothing_behind(node):
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    process = psutil.Process()
    for cycle in range(CYCLES):
        if cycle == WARM_UP:
            gc.collect()
            before, memory, threads = left_behind(node), process.memory_info().rss, process.num_threads()
        live_once(node, executor)
    gc.collect()
    assert left_behind(node) == before
    assert process.num_threads() <= threads
    grown = process.memory_info().rss - memory
    assert grown < GROWTH, f'{grown / 1e6:.1f} MB grown in {CYCLES - WARM_UP} cycles'
