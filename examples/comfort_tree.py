# SPDX-License-Identifier: Apache-2.0
"""Looks up and keeps quiet while somebody speaks; comforts, once, whoever sounds sad or fearful. Needs py_trees.

The tree is create_tree() in companion.py. Here its blackboard is filled from the topics with plain rclpy, and in
comfort_tree_ros.py by the subscribers of py_trees_ros.
"""

import py_trees
from companion import create_tree
from py_trees.common import Access
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from robot import Robot
from running import run
from std_msgs.msg import Bool

from ser_msgs.msg import Mood

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
"""As `mood` and `~/speaking` are published: reliable, and the last message is kept for those who come later."""


class ComfortTree(Node):
    """Writes what the topics say to the blackboard, and ticks the tree ten times a second."""

    def __init__(self) -> None:
        """Subscribe, and begin to tick."""
        super().__init__('comfort_tree')
        self._tree = py_trees.trees.BehaviourTree(create_tree(Robot(self)))
        self._blackboard = py_trees.blackboard.Client(name='topics')
        for key in ('present', 'speaking', 'mood'):
            self._blackboard.register_key(key, Access.WRITE)
        self.create_subscription(Mood, 'mood', self._on_mood, LATCHED)
        self.create_subscription(Bool, 'ser/speaking', self._on_speaking, LATCHED)
        self.create_timer(0.1, self._tick)

    def _on_mood(self, mood: Mood) -> None:
        self._blackboard.mood = mood

    def _on_speaking(self, speaking: Bool) -> None:
        self._blackboard.speaking = speaking.data

    def _tick(self) -> None:
        # A node that was killed cannot take back that somebody speaks, so ask whether it is there.
        self._blackboard.present = self.count_publishers('ser/speaking') > 0
        self._tree.tick()


if __name__ == '__main__':
    run(ComfortTree, __doc__)
