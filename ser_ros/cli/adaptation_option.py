# SPDX-License-Identifier: Apache-2.0
"""The options `--no-adaptation` and `--ordinary-share`."""

import argparse

from ser_ros.errors import SerError
from ser_ros.recognition.adaptation import AdaptationConfig


def add_adaptation(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        '--no-adaptation',
        action='store_true',
        help='answer each utterance as if nothing had been heard before it in the same recording',
    )
    add_ordinary_share(parser)


def add_ordinary_share(parser: argparse.ArgumentParser) -> None:
    """Add the option `--ordinary-share` alone."""
    parser.add_argument(
        '--ordinary-share',
        type=_share,
        default=AdaptationConfig.ordinary_share,
        metavar='SHARE',
        help='share of the utterances that is expected to be ordinary speech (neutral, calm) when adapting (default: '
        f'{AdaptationConfig.ordinary_share:g})',
    )


def adaptation_config(options: argparse.Namespace) -> AdaptationConfig:
    """Return what the options ask for."""
    return AdaptationConfig(enabled=not options.no_adaptation, ordinary_share=options.ordinary_share)


def _share(text: str) -> float:
    share = float(text)
    if not 0.01 <= share <= 0.99:
        raise SerError(f'--ordinary-share {text} is not a share that can be expected; give one from 0.01 to 0.99')
    return share
