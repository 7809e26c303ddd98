# SPDX-License-Identifier: Apache-2.0
"""Runs a ROS node until it finishes, Ctrl-C, SIGTERM, or a fault that the user can cure."""

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
"""Seconds after which the executor checks for a signal if nothing else happens."""


def run_node(
    make_node: Callable[[], Any], args: list[str] | None, *, begin: Callable[[Any], bool] = lambda node: True
) -> int:
    """Spin a node until its future `finished` is done, which holds the exit code, or a signal comes (0).

    `begin` is called first and returns whether the node could start (otherwise 1). A SerError is printed as a sentence
    (1), and so are arguments that ROS refuses; a parameter file without a section for the node is reported in its log.
    """
    node = None
    for number in _SIGNALS:
        signal.signal(number, signal.default_int_handler)
    try:
        init_ros(args)
        node = make_node()
        for file in parameter_files(args):
            if sentence := stray_file(file, node.get_fully_qualified_name()):
                node.get_logger().warning(sentence)
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
        # A shutdown of ROS in the middle of a call makes that call fail; anything else is a fault.
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

    The signal raises nothing: in the middle of a callback, or while rclpy turns a message into a Python object, a
    KeyboardInterrupt would be lost or become a RuntimeError. Only a SIGTERM after another signal interrupts, as `ros2
    launch` sends after 5 s, in case a callback takes long (loading a large model).
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
