# SPDX-License-Identifier: Apache-2.0
"""The tree of comfort_tree.py: py_trees and three keys of its blackboard, whoever fills them.

`present` (bool): the node that hears is there; `speaking` (bool): somebody speaks; `mood` (ser_msgs/Mood).
"""

import operator
from typing import Any

import py_trees
from py_trees.behaviours import CheckBlackboardVariableValue, Running
from py_trees.common import Access, ComparisonExpression, Status
from py_trees.composites import Selector, Sequence

from ser_msgs.msg import Emotion

COMFORT = {
    Emotion.SAD: 'You sound sad. Shall we talk about it?',
    Emotion.FEARFUL: 'You sound frightened. I am here with you.',
}
SURE_ENOUGH = 0.3
"""Least confidence to act on; by chance it is 0.125 with eight labels. Ask for more where a mistake costs more."""


class LookUp(py_trees.behaviour.Behaviour):
    """Looks at whoever speaks, and does nothing else, until the tree moves on."""

    def __init__(self, robot: Any):
        """Take a `robot` with `look`."""
        super().__init__('look up, keep quiet')
        self.robot = robot

    def initialise(self) -> None:
        """Look up, once."""
        self.robot.look('up')

    def update(self) -> Status:
        """Go on."""
        return Status.RUNNING

    def terminate(self, new_status: Status) -> None:
        """Look away, if it has looked up."""
        if self.status is Status.RUNNING:
            self.robot.look('away')


class Comfort(py_trees.behaviour.Behaviour):
    """Says something kind, once for each time that the mood has become what it is."""

    def __init__(self, robot: Any):
        """Take a `robot` with `say` and `is_speaking`."""
        super().__init__('comfort, once')
        self.robot = robot
        self.comforted: dict[str, Any] = {}
        self.blackboard = self.attach_blackboard_client()
        self.blackboard.register_key('mood', Access.READ)

    def update(self) -> Status:
        """Speak, and be busy for as long as that takes."""
        mood = self.blackboard.mood
        if self.comforted.get(mood.voice) != mood.since:
            self.comforted[mood.voice] = mood.since
            self.robot.say(COMFORT[mood.mood])
        return Status.RUNNING if self.robot.is_speaking else Status.FAILURE


def create_tree(robot: Any) -> Selector:
    """Return the tree for a `robot` with `look`, `say` and `is_speaking`; keys that are not there yet are not true."""
    present = CheckBlackboardVariableValue('ears are there', ComparisonExpression('present', True, operator.eq))
    speaking = CheckBlackboardVariableValue('somebody speaks', ComparisonExpression('speaking', True, operator.eq))
    sounds = [
        CheckBlackboardVariableValue(f'sounds {mood}', ComparisonExpression('mood.mood', mood, operator.eq))
        for mood in COMFORT
    ]
    sure = CheckBlackboardVariableValue(
        'sure enough', ComparisonExpression('mood.confidence', SURE_ENOUGH, operator.ge)
    )
    listen = Sequence('listen', memory=False, children=[speaking, LookUp(robot)])
    low = Selector('sounds low', memory=False, children=sounds)
    comfort = Sequence('comfort', memory=False, children=[low, sure, Comfort(robot)])
    act = Selector('act', memory=False, children=[listen, comfort])
    attend = Sequence('attend', memory=False, children=[present, act])
    return Selector('companion', memory=False, children=[attend, Running('idle')])
