# SPDX-License-Identifier: Apache-2.0
"""Greets whoever has spoken, once, by the mood in their voice, and does not interrupt them.

`mood` and `~/speaking` are latched: a greeter that starts in the middle of a conversation knows at once how it stands.
"""

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from robot import Robot
from running import run
from std_msgs.msg import Bool

from ser_msgs.msg import Emotion, Mood

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
"""As both topics are published: reliable, and the last message is kept for those who come later."""

GREETINGS = {
    Emotion.HAPPY: 'Hello! Good to hear you so cheerful.',
    Emotion.SAD: 'Hello. Take your time, I am listening.',
    Emotion.FEARFUL: 'Hello. It is quiet here, and I am with you.',
    Emotion.ANGRY: 'Hello. What can I do for you?',
}
NEUTRAL_GREETING = 'Hello.'
"""For all other moods, and for Emotion.UNKNOWN, which is no mood: too little was heard, or nothing sure."""


class Greeter(Node):
    """Greets each voice once a visit; a visit is over when the node has heard nothing of it lately."""

    def __init__(self) -> None:
        """Wait for somebody."""
        super().__init__('greeter')
        self._robot = Robot(self)
        self._mood = Mood()
        self._is_quiet = False
        self._greeted: set[str] = set()
        self.create_subscription(Mood, 'mood', self._on_mood, LATCHED)
        self.create_subscription(Bool, 'ser/speaking', self._on_speaking, LATCHED)
        self.create_timer(0.2, self._greet)

    def _on_mood(self, mood: Mood) -> None:
        self._mood = mood
        if mood.utterances == 0:
            self._greeted.discard(mood.voice)

    def _on_speaking(self, speaking: Bool) -> None:
        self._is_quiet = not speaking.data

    def _greet(self) -> None:
        mood = self._mood
        if self._is_quiet and mood.utterances > 0 and mood.voice not in self._greeted:
            self._greeted.add(mood.voice)
            self._robot.say(GREETINGS.get(mood.mood, NEUTRAL_GREETING))


if __name__ == '__main__':
    run(Greeter, __doc__)
