# SPDX-License-Identifier: Apache-2.0
"""The label set and how other conventions say it."""

import pytest

from ser_ros.emotions import LABELS, ROS4HRI_EXPRESSIONS, UNKNOWN, name_problem, names_problem

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


@pytest.mark.parametrize('name', [*LABELS, 'fröhlich', '喜び', 'anger/disgust', 'type 2', 'happy (loud)', '😀', 'a'])
def test_what_shows_something_is_a_name(name):
    assert name_problem(name) == ''


@pytest.mark.parametrize(
    'name',
    [
        *(None, 0, 1.0, True, ['happy'], '', ' ', '\u200b', 'a\nb', 'a\x00', '\ud800', 'LABEL_0', 'label_17'),
        *(' LABEL_0 ', '0', '-1', '1.0', '1e-3', 'nan', 'NaN', '-inf', '\u0661'),
    ],
)
def test_what_tells_nothing_is_no_name(name):
    assert name_problem(name)


def test_a_model_chooses_from_names_that_differ():
    assert names_problem(LABELS) == names_problem(('happy', 'valence')) == ''
    for names in ((), ('happy',), ('happy', 'happy'), ('happy', ' happy'), ('Arousal', 'valence')):
        assert names_problem(names)
