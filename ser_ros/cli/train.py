# SPDX-License-Identifier: Apache-2.0
"""`ros2 run ser_ros train`: fine-tunes speech encoders and measures them as the node runs them."""

import sys

from ser_ros.cli.repeatable import repeatable
from ser_ros.cli.sentences import ends_in_a_sentence
from ser_ros.cli.train_options import FOLDERS, parser
from ser_ros.extras import require_extra


@ends_in_a_sentence
def main(args: list[str] | None = None) -> int:
    """Train and measure what is asked for; print the figures."""
    args = sys.argv[1:] if args is None else args
    options_parser = parser()
    options = options_parser.parse_args(args)
    require_extra('train', 'train')
    # Late, for it needs what a robot has not installed.
    from ser_ros.cli.train_run import run

    return run(options, repeatable(args, options_parser, folders=FOLDERS, models=('--model',)))


if __name__ == '__main__':
    sys.exit(main())
