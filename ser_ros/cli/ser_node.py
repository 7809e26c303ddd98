# SPDX-License-Identifier: Apache-2.0
"""`ros2 run ser_ros ser_node`: the node, until Ctrl-C, SIGTERM or the end of the file it listens to."""

import argparse
import json
import sys

from ser_ros.cli.sentences import ends_in_a_sentence
from ser_ros.cli.signals import loading

with loading():
    from ser_ros.cli.ros_arguments import own_arguments
    from ser_ros.cli.spinning import run_node
    from ser_ros.node.parameters import SPECS


@ends_in_a_sentence
def main(args: list[str] | None = None) -> int:
    """Run the node; return its exit code."""
    _parser().parse_args(own_arguments(args))
    try:
        with loading():
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


def _parser() -> argparse.ArgumentParser:
    width = max(len(spec.name) for spec in SPECS)
    parameters = '\n'.join(f'  {spec.name:{width}}  {spec.description} [{json.dumps(spec.default)}]' for spec in SPECS)
    return argparse.ArgumentParser(
        prog='ser_node',
        description="Publish the emotion in the speaker's voice on the topic `emotion`, once for every utterance.",
        epilog='examples:\n'
        '  ros2 run ser_ros ser_node\n'
        '  ros2 run ser_ros ser_node --ros-args -p audio.device:=USB -p vad.end_silence:=0.7\n'
        '  ros2 run ser_ros ser_node --ros-args --params-file my.yaml -r __ns:=/robot\n\n'
        f'parameters, with their defaults (`ros2 param describe` has their ranges):\n{parameters}',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


if __name__ == '__main__':
    sys.exit(main())
