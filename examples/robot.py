# SPDX-License-Identifier: Apache-2.0
"""Stands where your robot's head and voice are: it prints what it would do, and takes the time that speaking takes."""

from rclpy.node import Node
from rclpy.timer import Timer
from std_msgs.msg import Bool

SECONDS_PER_LETTER = 0.06
"""Of speech, roughly."""


class Robot:
    """A head that looks and a voice that speaks; on `robot_speaking` it says that it does, so as not to hear itself."""

    def __init__(self, node: Node):
        """Speak and look on behalf of `node`."""
        self._node = node
        self._robot_speaking = node.create_publisher(Bool, 'robot_speaking', 1)
        self._end_of_speech: Timer | None = None

    @property
    def is_speaking(self) -> bool:
        """Whether it has not finished its last sentence."""
        return self._end_of_speech is not None

    def say(self, text: str) -> None:
        """Begin to say `text`; return at once."""
        self._robot_speaking.publish(Bool(data=True))
        print('says:', text, flush=True)
        if self._end_of_speech is not None:
            self._end_of_speech.destroy()
        self._end_of_speech = self._node.create_timer(SECONDS_PER_LETTER * len(text), self._fall_silent)

    def look(self, where: str) -> None:
        """Look 'up' or 'away'."""
        print('looks', where, flush=True)

    def _fall_silent(self) -> None:
        if self._end_of_speech is not None:
            self._end_of_speech.destroy()
        self._end_of_speech = None
        self._robot_speaking.publish(Bool(data=False))
