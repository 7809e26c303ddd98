# SPDX-License-Identifier: Apache-2.0
"""Moods as the node publishes them."""

from builtin_interfaces.msg import Time

from ser_msgs.msg import Emotion, Mood


def made_mood(mood: str, *, confidence=0.8, utterances=3, since=10, voice='') -> Mood:
    """Return a mood that has been what it is since `since` (seconds); an unknown one has no confidence."""
    if mood == Emotion.UNKNOWN:
        confidence = 0.0
    return Mood(mood=mood, confidence=confidence, utterances=utterances, since=Time(sec=since), voice=voice)


NOBODY = made_mood(Emotion.UNKNOWN, utterances=0)
"""What is published once nobody has spoken lately."""
