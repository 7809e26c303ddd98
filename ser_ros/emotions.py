# SPDX-License-Identifier: Apache-2.0
"""The emotions of RAVDESS: their codes, order and names; and what any model's emotions may be called."""

import re
import unicodedata
from collections.abc import Sequence

RAVDESS_CODES = {
    '01': 'neutral',
    '02': 'calm',
    '03': 'happy',
    '04': 'sad',
    '05': 'angry',
    '06': 'fearful',
    '07': 'disgust',
    '08': 'surprised',
}
"""Third field of a RAVDESS file name -> emotion (Livingstone and Russo 2018, PLoS ONE 13(5) e0196391)."""

LABELS = tuple(RAVDESS_CODES.values())
"""The eight emotions in the order of their RAVDESS codes; the default order of a model's labels."""

UNKNOWN = 'unknown'
"""Published instead of a label when the model is less sure than `emotion.min_confidence`."""

ROS4HRI_EXPRESSIONS = {
    'neutral': 'neutral',
    'calm': 'neutral',
    'happy': 'happy',
    'sad': 'sad',
    'angry': 'angry',
    'fearful': 'scared',
    'disgust': 'disgusted',
    'surprised': 'surprised',
}
"""Emotion -> its name in hri_msgs/Expression of ROS4HRI (REP-155).

It has no word for calm: RAVDESS recorded calm as a second baseline besides neutral, to be heard as neutral with a
slightly pleasant tone, so neutral is the nearest. It has none for `unknown` either, nor for the labels of other models.
"""

_PLACEHOLDER = re.compile(r'LABEL_\d+', re.IGNORECASE)
"""What transformers calls the outputs of a classifier that was given no names."""

_NUMBER = re.compile(r'[-+]?[\d.,]+(?:e[-+]?\d+)?|[-+]?(?:nan|inf)', re.IGNORECASE)

_DIMENSIONS = frozenset({'arousal', 'activation', 'dominance', 'valence', 'pleasure', 'control'})
"""Of emotion, measured rather than told apart (Russell and Mehrabian 1977)."""


def name_problem(name: object) -> str:
    """Return why an emotion cannot be called `name`, '' if it can: the rule for tables and for model folders.

    The text follows on the name, as in "'LABEL_0' is a placeholder".
    """
    if not isinstance(name, str):
        return 'is no text'
    kinds = [unicodedata.category(character) for character in name]
    if {'Cc', 'Cs', 'Zl', 'Zp'} & set(kinds) or all(kind[0] in 'ZC' for kind in kinds):
        return 'is not a line of visible text'
    if _PLACEHOLDER.fullmatch(name.strip()):
        return 'is a placeholder that transformers writes where no name is given'
    if _NUMBER.fullmatch(name.strip()):
        return 'is a number, no name'
    return ''


def names_problem(names: Sequence[str]) -> str:
    """Return why a model cannot choose from `names`, of which each is right by itself; '' if it can.

    The text is a sentence without its end, which follows on "the labels are ...".
    """
    if len({name.strip() for name in names}) != len(names) or len(names) < 2:
        return 'a model needs two or more that are different'
    if {name.strip().casefold() for name in names} <= _DIMENSIONS:
        return 'these are measures, no emotions to choose from'
    return ''
