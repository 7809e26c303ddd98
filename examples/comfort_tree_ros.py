# SPDX-License-Identifier: Apache-2.0
"""comfort_tree.py under py_trees_ros, whose subscribers fill the blackboard and whose tools watch the tree.

Needs py_trees_ros: sudo apt install ros-$ROS_DISTRO-py-trees-ros
"""

from typing import Any

import py_trees
import py_trees_ros
import rclpy
from companion import create_tree
from py_trees.common import Access, ClearingPolicy, ParallelPolicy, Status
from py_trees_ros.subscribers import ToBlackboard
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from robot import Robot
from running import run
from std_msgs.msg import Bool

from ser_msgs.msg import Mood

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
"""As `mood` and `~/speaking` are published; with another durability the last message does not come at the start."""


class Presence(py_trees.behaviour.Behaviour):
    """Writes `present`: a node that was killed cannot take back that somebody speaks, so ask whether it is there."""

    def setup(self, **kwargs: Any) -> None:
        """Take the node of the tree."""
        self.node = kwargs['node']
        self.blackboard = self.attach_blackboard_client()
        self.blackboard.register_key('present', Access.WRITE)

    def update(self) -> Status:
        """Ask."""
        self.blackboard.present = self.node.count_publishers('ser/speaking') > 0
        return Status.SUCCESS


def create_root(node: Node) -> py_trees.composites.Parallel:
    """Return the tree beside what feeds it: a subscriber that waits for its first message holds nothing else up."""
    keep = ClearingPolicy.NEVER
    return py_trees.composites.Parallel(
        'root',
        policy=ParallelPolicy.SuccessOnAll(synchronise=False),
        children=[
            ToBlackboard('mood', 'mood', Mood, LATCHED, {'mood': None}, clearing_policy=keep),
            ToBlackboard('speaking', 'ser/speaking', Bool, LATCHED, {'speaking': 'data'}, clearing_policy=keep),
            Presence('presence'),
            create_tree(Robot(node)),
        ],
    )


def make_tree() -> Node:
    """Return the node of a tree that ticks ten times a second."""
    node = rclpy.create_node('comfort_tree')
    tree = py_trees_ros.trees.BehaviourTree(create_root(node))
    tree.setup(node=node, timeout=15.0)
    tree.tick_tock(period_ms=100.0)
    return node


if __name__ == '__main__':
    run(make_tree, __doc__)
