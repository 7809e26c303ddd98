# SPDX-License-Identifier: Apache-2.0
"""What the examples act on and with."""

import pytest


class MadeRobot:
    """Notes what it is to do.

    Attributes:
        deeds: What it said and where it looked, in order.
        is_speaking: Set by the test.
    """

    def __init__(self):
        self.deeds = []
        self.is_speaking = False

    def say(self, text: str) -> None:
        self.deeds.append(text)

    def look(self, where: str) -> None:
        self.deeds.append(where)


@pytest.fixture
def robot():
    return MadeRobot()
