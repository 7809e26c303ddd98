# SPDX-License-Identifier: Apache-2.0
"""`ros2 run ser_ros ser_node`: the node, until Ctrl-C, SIGTERM or the end of the file it listens to."""

import sys

from ser_ros.cli.spinning import run_node


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
    return run_node(SerNode, args, begin=lambda node: not node.autostart or node.bring_up())


if __name__ == '__main__':
    sys.exit(main())
