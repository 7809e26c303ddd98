# SPDX-License-Identifier: Apache-2.0
"""The tree without ROS: a made blackboard, tick by tick."""

from pathlib import Path

import py_trees
import pytest
from companion import COMFORT, SURE_ENOUGH, create_tree
from made_moods import NOBODY, made_mood
from py_trees.common import Access, Status

from ser_msgs.msg import Emotion

MOODS = [Emotion.NEUTRAL, Emotion.CALM, Emotion.HAPPY, Emotion.ANGRY, Emotion.DISGUST, Emotion.SURPRISED]


class Stage:
    """The tree on a blackboard of its own."""

    def __init__(self, robot):
        py_trees.blackboard.Blackboard.clear()
        self.tree = py_trees.trees.BehaviourTree(create_tree(robot))
        self.blackboard = py_trees.blackboard.Client()
        for key in ('present', 'speaking', 'mood'):
            self.blackboard.register_key(key, Access.WRITE)

    def tick(self, **values) -> str:
        """Write `values`, tick once, and return which behaviour the tree ended at."""
        for key, value in values.items():
            self.blackboard.set(key, value)
        self.tree.tick()
        assert self.tree.root.status is Status.RUNNING
        return self.tree.tip().name


@pytest.fixture
def stage(robot):
    return Stage(robot)


def test_with_an_empty_blackboard_it_idles(stage, robot):
    assert stage.tick() == stage.tick(present=True) == stage.tick(speaking=False) == 'idle'
    assert robot.deeds == []


def test_it_looks_up_once_while_somebody_speaks_and_away_afterwards(stage, robot):
    assert {stage.tick(present=True, speaking=True) for _ in range(3)} == {'look up, keep quiet'}
    assert robot.deeds == ['up']
    assert stage.tick(speaking=False) == 'idle'
    assert robot.deeds == ['up', 'away']
    stage.tick(speaking=True)
    assert robot.deeds == ['up', 'away', 'up']


@pytest.mark.parametrize('mood', COMFORT)
def test_it_comforts_once_however_often_the_mood_is_published(stage, robot, mood):
    for utterances in (1, 2, 3):
        stage.tick(present=True, mood=made_mood(mood, utterances=utterances))
        stage.tick()
    assert robot.deeds == [COMFORT[mood]]


def test_it_comforts_again_when_the_mood_has_come_anew(stage, robot):
    for mood in (made_mood(Emotion.SAD, since=10), NOBODY, made_mood(Emotion.SAD, since=100)):
        stage.tick(present=True, mood=mood)
    stage.tick(mood=made_mood(Emotion.FEARFUL, since=120))
    assert robot.deeds == [COMFORT[Emotion.SAD]] * 2 + [COMFORT[Emotion.FEARFUL]]


def test_each_voice_is_comforted(stage, robot):
    for voice in ('anna', 'ben', 'anna', 'ben'):
        stage.tick(present=True, mood=made_mood(Emotion.SAD, voice=voice))
    assert robot.deeds == [COMFORT[Emotion.SAD]] * 2


@pytest.mark.parametrize('mood', [*map(made_mood, MOODS), made_mood(Emotion.UNKNOWN), NOBODY, made_mood('bored')])
def test_it_comforts_nobody_who_needs_none(stage, robot, mood):
    assert stage.tick(present=True, mood=mood) == 'idle'
    assert robot.deeds == []


@pytest.mark.parametrize(('confidence', 'deeds'), [(SURE_ENOUGH, 1), (SURE_ENOUGH - 0.01, 0)])
def test_it_acts_only_if_it_is_sure_enough(stage, robot, confidence, deeds):
    stage.tick(present=True, mood=made_mood(Emotion.SAD, confidence=confidence))
    assert len(robot.deeds) == deeds


def test_it_keeps_quiet_until_they_have_ended(stage, robot):
    stage.tick(present=True, speaking=True, mood=made_mood(Emotion.SAD))
    assert robot.deeds == ['up']
    stage.tick(speaking=False)
    assert robot.deeds == ['up', 'away', COMFORT[Emotion.SAD]]


def test_it_is_busy_for_as_long_as_it_speaks(stage, robot):
    robot.is_speaking = True
    assert stage.tick(present=True, mood=made_mood(Emotion.SAD)) == stage.tick() == 'comfort, once'
    robot.is_speaking = False
    assert stage.tick() == 'idle'
    assert robot.deeds == [COMFORT[Emotion.SAD]]


def test_what_a_dead_node_said_last_is_not_acted_on(stage, robot):
    stage.tick(present=True, speaking=True)
    assert stage.tick(present=False, mood=made_mood(Emotion.SAD)) == 'idle'
    assert robot.deeds == ['up', 'away']


def test_the_documentation_shows_the_tree(robot):
    page = (Path(__file__).resolve().parents[2] / 'docs' / 'behaviours.md').read_text(encoding='utf-8')
    assert py_trees.display.ascii_tree(create_tree(robot)) in page
