# SPDX-License-Identifier: Apache-2.0
"""`ros2 run ser_ros mic_node`: publishes a microphone, until Ctrl-C or SIGTERM."""

import argparse
import signal
import sys

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.utilities import remove_ros_args

from ser_ros.errors import SerError

RCLError = rclpy_implementation.RCLError


def main(args: list[str] | None = None) -> int:
    """Run the node; return its exit code."""
    parser = argparse.ArgumentParser(
        prog='mic_node',
        description='Publish a microphone on the topic `audio`, for a `ser` node with audio.source:=topic.',
        epilog="example: ros2 run ser_ros mic_node --ros-args -p audio.device:='USB' -p audio.channel:=-1; "
        '`ros2 run ser_ros devices` lists the microphones',
    )
    parser.parse_args(remove_ros_args(['mic_node', *(sys.argv[1:] if args is None else args)])[1:])
    # Only now, for `--help` waits for nothing.
    from ser_ros.node.mic_node import MicNode

    node = None
    try:
        rclpy.init(args=args)
        node = MicNode()
        executor = SingleThreadedExecutor()
        executor.add_node(node)
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
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if node is not None:
            node.stop()
            node.destroy_node()
        rclpy.try_shutdown()


if __name__ == '__main__':
    sys.exit(main())
