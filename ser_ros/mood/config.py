# SPDX-License-Identifier: Apache-2.0
"""How moods are smoothed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MoodConfig:
    """How long a mood lasts, and how easily it gives way to another.

    Attributes:
        memory: Seconds; a voice that has been silent for so long has no mood, and after less silence it is less sure.
        hysteresis: 0..1; by how much the probability of another mood must exceed that of the present one to take its
            place.
    """

    memory: float = 60.0
    hysteresis: float = 0.4
