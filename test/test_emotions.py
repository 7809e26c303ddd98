# SPDX-License-Identifier: Apache-2.0
"""The label set and how other conventions say it."""

from ser_ros.emotions import LABELS, ROS4HRI_EXPRESSIONS, UNKNOWN

EXPRESSIONS = {
    *('neutral', 'angry', 'sad', 'happy', 'surprised', 'disgusted', 'scared', 'pleading', 'vulnerable', 'despaired'),
    *('guilty', 'disappointed', 'embarrassed', 'horrified', 'skeptical', 'annoyed', 'furious', 'suspicious'),
    *('rejected', 'bored', 'tired', 'asleep', 'confused', 'amazed', 'excited'),
}
"""The constants of hri_msgs/Expression, versions 0.9 (ROS 1) and 2 (ROS 2)."""


def test_ros4hri_can_say_every_label():
    assert set(ROS4HRI_EXPRESSIONS) == set(LABELS)
    assert set(ROS4HRI_EXPRESSIONS.values()) <= EXPRESSIONS


def test_what_has_another_name_is_translated_and_unknown_is_not_guessed():
    assert ROS4HRI_EXPRESSIONS['fearful'] == 'scared'
    assert ROS4HRI_EXPRESSIONS['disgust'] == 'disgusted'
    assert UNKNOWN not in ROS4HRI_EXPRESSIONS
