# SPDX-License-Identifier: Apache-2.0
"""Why what the detector took for speech is none to answer."""

from enum import Enum


class Rejection(Enum):
    """The reasons; the values are what diagnostics call them."""

    TOO_SHORT = 'too short'
    """The voice ended before `SegmentationConfig.min_speech`."""
    TOO_QUIET = 'too quiet'
    """Not louder than the room."""
    NOISE = 'noise'
    """Does not sound like a voice."""
