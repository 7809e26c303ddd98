# SPDX-License-Identifier: Apache-2.0
"""The option `--answer-with`."""

import argparse


def add_answer_with(parser: argparse.ArgumentParser) -> None:
    """Add the option."""
    parser.add_argument(
        '--answer-with',
        default='',
        metavar='LABELS',
        help="labels that an answer can be, separated by commas, such as 'neutral, happy, sad, angry' (default: all of "
        "the model), as the node's parameter emotion.labels",
    )
