# SPDX-License-Identifier: Apache-2.0
"""Runs a ROS node to its end: its own, Ctrl-C, SIGTERM, or a fault that the user can cure."""

import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.task import Future

from ser_ros.cli.ros_arguments import init_ros, parameter_files
from ser_ros.errors import SerError
from ser_ros.node.stray_parameters import stray_file

RCLError = rclpy_implementation.RCLError
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_LONGEST_WAIT = 0.5
"""Seconds after which the executor looks for a signal, where nothing else happens."""


def run_node(
    make_node: Callable[[], Any], args: list[str] | None, *, begin: Callable[[Any], bool] = lambda node: True
) -> int:
    """Spin a node until its future `finished` is done, which holds the exit code, or a signal comes (0).

    `begin` is called before and returns whether the node could begin (else 1). A SerError is printed as a sentence (1),
    and so are arguments that ROS refuses; a parameter file that does not speak to the node is told in its log.
    """
    node = None
    for number in _SIGNALS:
        signal.signal(number, signal.default_int_handler)
    try:
        init_ros(args)
        node = make_node()
        for file in parameter_files(args):
            if told := stray_file(file, node.get_fully_qualified_name()):
                node.get_logger().warning(told)
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        if not begin(node):
            return 1
        _spin(executor, node.finished)
        return node.finished.result() if node.finished.done() else 0
    except SerError as error:
        print(f'ser_ros: {error}', file=sys.stderr)
        return 1
    except (KeyboardInterrupt, ExternalShutdownException):
        return 0
    except RCLError:
        # Whoever shuts ROS down in the middle of a call makes that call fail; anything else is a fault.
        if rclpy.ok():
            raise
        return 0
    finally:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()


def _spin(executor: SingleThreadedExecutor, finished: Future) -> None:
    """Spin until `finished` is done or a signal comes.

    The signal raises nothing: in the middle of a callback, or where rclpy turns a message into a Python object, a
    KeyboardInterrupt would be lost or become a RuntimeError. Only a SIGTERM after another signal interrupts, as from
    `ros2 launch` after 5 s, where a callback takes long (the loading of a large model).
    """
    signals: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if signals and number == signal.SIGTERM:
            raise KeyboardInterrupt
        signals.append(number)

    for number in _SIGNALS:
        signal.signal(number, note)
    while not signals and not finished.done():
        executor.spin_once(_LONGEST_WAIT)
