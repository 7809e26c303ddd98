# SPDX-License-Identifier: Apache-2.0
"""Whom the greeter greets, message by message."""

import pytest
import rclpy
from greeter import GREETINGS, NEUTRAL_GREETING, Greeter
from made_moods import NOBODY, made_mood
from std_msgs.msg import Bool

from ser_msgs.msg import Emotion

QUIET, SPEAKING = Bool(data=False), Bool(data=True)


@pytest.fixture
def greet(ros_domain, capfd):
    """Return a function: what a new greeter says when these messages come, in a room where nobody speaks just now."""

    def come(*messages):
        for message in messages:
            (greeter._on_speaking if isinstance(message, Bool) else greeter._on_mood)(message)
            greeter._greet()
        return [line.removeprefix('says: ') for line in capfd.readouterr().out.splitlines()]

    rclpy.init()
    greeter = Greeter()
    greeter._on_speaking(QUIET)
    yield come
    greeter.destroy_node()
    rclpy.shutdown()


@pytest.mark.parametrize('mood', GREETINGS)
def test_each_mood_has_its_greeting(greet, mood):
    assert greet(made_mood(mood)) == [GREETINGS[mood]]


@pytest.mark.parametrize('mood', [Emotion.UNKNOWN, Emotion.NEUTRAL, Emotion.CALM, 'bored'])
def test_all_other_moods_and_none_are_greeted_alike(greet, mood):
    assert greet(made_mood(mood)) == [NEUTRAL_GREETING]


def test_nobody_is_not_greeted(greet):
    assert greet(NOBODY) == []


def test_a_visit_is_greeted_once_whatever_the_mood_becomes(greet):
    moods = map(made_mood, (Emotion.UNKNOWN, Emotion.SAD, Emotion.SAD, Emotion.HAPPY))
    assert greet(*moods) == [NEUTRAL_GREETING]


def test_the_next_visit_is_greeted_again(greet):
    assert greet(made_mood(Emotion.SAD), NOBODY, NOBODY, made_mood(Emotion.SAD)) == [GREETINGS[Emotion.SAD]] * 2


def test_each_voice_is_greeted(greet):
    moods = [made_mood(Emotion.HAPPY, voice=voice) for voice in ('anna', 'ben', 'anna', 'ben')]
    assert greet(*moods) == [GREETINGS[Emotion.HAPPY]] * 2


def test_nobody_is_interrupted(greet):
    assert greet(SPEAKING, made_mood(Emotion.SAD)) == []
    assert greet(made_mood(Emotion.HAPPY)) == []
    assert greet(QUIET, SPEAKING, QUIET) == [GREETINGS[Emotion.HAPPY]]
