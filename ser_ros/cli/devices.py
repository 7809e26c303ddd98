# SPDX-License-Identifier: Apache-2.0
"""`ros2 run ser_ros devices`: the microphones that `audio.device` can name."""

import argparse
import sys

from ser_ros.cli.sentences import ends_in_a_sentence
from ser_ros.cli.signals import loading

with loading():
    from ser_ros.audio.microphone import list_microphones
    from ser_ros.errors import SerError


@ends_in_a_sentence
def main(args: list[str] | None = None) -> int:
    """Print a table of input devices."""
    parser = argparse.ArgumentParser(
        prog='devices',
        description='List the microphones by index and name; audio.device takes either.',
        epilog='example: ros2 run ser_ros devices',
    )
    parser.parse_args(args)
    microphones = list_microphones()
    if not microphones:
        raise SerError('PortAudio sees no microphone; connect one, or start PulseAudio or PipeWire')
    print(f'{"index":>5}  {"channels":>8}  {"rate":>8}  name')
    for info in microphones:
        print(
            f'{info["index"]:>5}  {info["max_input_channels"]:>8}  '
            f'{info["default_samplerate"]:>5.0f} Hz  {info["name"]}'
        )
    return 0


if __name__ == '__main__':
    sys.exit(main())
