# SPDX-License-Identifier: Apache-2.0
"""Many lives of a node in one process leave nothing behind; tools/measuring/measure_lifecycle.py has their memory."""

import gc
import os
import threading

import numpy as np
import pytest
import rclpy
import soundfile
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from ser_ros.audio.file import FileSource
from ser_ros.node.node import SerNode
from ser_ros.node.recorder import Recorder
from ser_ros.pipeline.pipeline import Pipeline
from ser_ros.recognition.classifier import Classifier
from ser_ros.testing.process_cost import descriptors, threads

WARM_UP, LIVES = 3, 12
"""How often a node lives before and after it is looked at first: pools of threads have found their size by then."""

MADE = (Classifier, FileSource, Pipeline, Recorder)
"""What a life makes that is large, or holds something open."""


@pytest.fixture
def node(tmp_path, ros_domain):
    """A node on a file that it hears without end."""
    sound = 0.01 * np.random.default_rng(0).standard_normal(16_000 * 600)
    soundfile.write(tmp_path / 'noise.wav', sound, 16_000)
    context = rclpy.Context()
    rclpy.init(context=context)
    values = {
        'audio.source': 'file',
        'audio.file': str(tmp_path / 'noise.wav'),
        'autostart': False,
        'record.directory': str(tmp_path / 'recorded'),
    }
    overrides = [Parameter(name, value=value) for name, value in values.items()]
    made = SerNode(context=context, parameter_overrides=overrides)
    yield made
    made.destroy_node()
    rclpy.shutdown(context=context)


def blocks(node) -> int:
    status = node._snapshot().pipeline
    return status.blocks if status else 0


def live_once(node) -> None:
    # One executor for each life: after a callback it holds what it had waited for, the last life's services included.
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
    while blocks(node) < 2:
        executor.spin_once(timeout_sec=0.01)
    assert node.trigger_deactivate() == TransitionCallbackReturn.SUCCESS
    assert node.trigger_cleanup() == TransitionCallbackReturn.SUCCESS
    executor.remove_node(node)
    executor.shutdown()


def left_behind(node) -> dict[str, int]:
    gc.collect()
    objects = gc.get_objects()
    return {
        'threads of Python': threading.active_count(),
        'descriptors': descriptors(os.getpid()),
        'publishers': len(list(node.publishers)),
        'subscriptions': len(list(node.subscriptions)),
        'services': len(list(node.services)),
        'timers': len(list(node.timers)),
        'guards': len(list(node.guards)),
    } | {kind.__name__: sum(type(each) is kind for each in objects) for kind in MADE}


def test_many_lives_leave_nothing_behind(node):
    for _ in range(WARM_UP):
        live_once(node)
    before, running = left_behind(node), threads(os.getpid())
    for _ in range(LIVES):
        live_once(node)
    assert left_behind(node) == before
    assert threads(os.getpid()) <= running
