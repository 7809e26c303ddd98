# SPDX-License-Identifier: Apache-2.0
"""`ros2 run ser_ros ser_node`: the node, until Ctrl-C, SIGTERM or the end of the file it listens to."""

import signal
import sys

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation

from ser_ros.errors import SerError

RCLError = rclpy_implementation.RCLError


def main(args: list[str] | None = None) -> int:
    """Run the node; return its exit code."""
    try:
        from ser_ros.node.node import SerNode
    except ImportError as error:
        if error.name is None or not error.name.startswith('ser_msgs'):
            raise
        print(
            'ser_ros: the package ser_msgs is not built or not sourced; build it '
            '(`colcon build --base-paths src src/ser_ros/ser_msgs`) and source install/setup.bash',
            file=sys.stderr,
        )
        return 1
    node = None
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        # Not rclpy's own handlers: they take ROS away at once, and the node could not say any more that nobody speaks.
        rclpy.init(args=args, signal_handler_options=rclpy.SignalHandlerOptions.NO)
        node = SerNode()
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        if node.autostart and not node.bring_up():
            return 1
        executor.spin_until_future_complete(node.finished)
        return node.finished.result() if node.finished.done() else 0
    except SerError as error:
        print(f'ser_ros: {error}', file=sys.stderr)
        return 1
    except (KeyboardInterrupt, ExternalShutdownException):
        return 0
    except RCLError:
        # A signal that shuts ROS down in the middle of a call makes that call fail; anything else is a fault.
        if rclpy.ok():
            raise
        return 0
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()


if __name__ == '__main__':
    sys.exit(main())
