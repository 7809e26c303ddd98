# SPDX-License-Identifier: Apache-2.0
"""`ros2 run ser_ros mic_node`: publishes a microphone, until Ctrl-C or SIGTERM."""

import argparse
import sys

from ser_ros.cli.sentences import ends_in_a_sentence
from ser_ros.cli.signals import loading

with loading():
    from ser_ros.cli.ros_arguments import own_arguments
    from ser_ros.cli.spinning import run_node


@ends_in_a_sentence
def main(args: list[str] | None = None) -> int:
    """Run the node; return its exit code."""
    parser = argparse.ArgumentParser(
        prog='mic_node',
        description='Publish a microphone on the topic `audio`, for a `ser` node with audio.source:=topic.',
        epilog="example: ros2 run ser_ros mic_node --ros-args -p audio.device:='USB' -p audio.channel:=-1; "
        '`ros2 run ser_ros devices` lists the microphones',
    )
    parser.parse_args(own_arguments(args))
    # Imported late, so that `--help` does not wait for it.
    with loading():
        from ser_ros.node.mic_node import MicNode

    return run_node(MicNode, args)


if __name__ == '__main__':
    sys.exit(main())
