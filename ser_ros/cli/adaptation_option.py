# SPDX-License-Identifier: Apache-2.0
"""The option `--no-adaptation`."""

import argparse

from ser_ros.recognition.adaptation import AdaptationConfig


def add_adaptation(parser: argparse.ArgumentParser) -> None:
    """Add the option."""
    parser.add_argument(
        '--no-adaptation',
        action='store_true',
        help='answer each utterance as if nothing had been heard before it in the same recording',
    )


def adaptation_config(options: argparse.Namespace) -> AdaptationConfig:
    """Return what the option asks for."""
    return AdaptationConfig(enabled=not options.no_adaptation)
