# SPDX-License-Identifier: Apache-2.0
"""What the line for a prompt says."""

import pytest
from made_moods import NOBODY, made_mood
from prompt_line import prompt_line
from rclpy.time import Time

from ser_msgs.msg import Emotion

NOW = Time(seconds=50.9)
NO_CLAIM = 'this is how they sound, not how they feel.'


@pytest.mark.parametrize(
    ('mood', 'line'),
    [
        (
            made_mood(Emotion.SAD, confidence=0.7, utterances=4),
            f'The person has sounded sad for 40 s (confidence 0.7, 4 utterances); {NO_CLAIM}',
        ),
        (
            made_mood(Emotion.HAPPY, utterances=1, since=50, voice='anna'),
            f'The person with the voice anna has sounded happy for 0 s (confidence 0.8, 1 utterance); {NO_CLAIM}',
        ),
        (
            made_mood(Emotion.CALM, since=60),  # clocks of two machines differ
            f'The person has sounded calm for 0 s (confidence 0.8, 3 utterances); {NO_CLAIM}',
        ),
        (
            made_mood(Emotion.UNKNOWN, utterances=1),
            'The person has spoken (1 utterance), but how they sound is not clear.',
        ),
        (
            made_mood(Emotion.UNKNOWN, utterances=2, voice='anna'),
            'The person with the voice anna has spoken (2 utterances), but how they sound is not clear.',
        ),
        (NOBODY, 'Nobody has spoken lately.'),
    ],
)
def test_the_line(mood, line):
    assert prompt_line(mood, NOW) == line
