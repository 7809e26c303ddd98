# SPDX-License-Identifier: Apache-2.0
"""Runs a node as a program."""

import argparse
import signal
from collections.abc import Callable
from types import FrameType

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import remove_ros_args


def run(make_node: Callable[[], Node], description: str) -> None:
    """Answer --help with `description`, or run a node until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args(remove_ros_args()[1:])
    signals: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        signals.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    # With the handlers of rclpy, ROS would end in the middle of a callback, which then fails.
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = make_node()
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    while not signals:
        executor.spin_once(timeout_sec=0.2)
    node.destroy_node()
    rclpy.shutdown()
