# SPDX-License-Identifier: Apache-2.0
"""Why something that was taken for speech is not answered."""

from enum import Enum


class Rejection(Enum):
    """The reasons; the values are what diagnostics call them."""

    TOO_SHORT = 'too short'
    """The voice ended before `vad.min_speech`."""
    TOO_QUIET = 'too quiet'
    """Not louder than the room."""
    NOISE = 'noise'
    """Does not sound like a voice."""
    ROBOT_SPEECH = 'robot speech'
    """The robot itself was speaking at that time."""
    MUTED = 'muted by hand'
    """The service `~/listen` had switched listening off."""
