# SPDX-License-Identifier: Apache-2.0
"""Finds emotions that were mistyped in a table, or that no model could be given."""

import difflib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from ser_ros.emotions import name_problem, names_problem
from ser_ros.errors import SerError


def emotion_problems(emotions: Sequence[str], allowed: Sequence[str] = (), *, for_training: bool = True) -> list[str]:
    """Return what is wrong with each of `emotions`, '' if nothing is.

    Args:
        emotions: One for each row.
        allowed: The emotions that may occur. If none are given any may, except one that differs from another only by
            upper and lower case.
        for_training: Whether a model learns them: each must then be a name, and without `allowed` occur twice.
    """
    counts = Counter(emotions)
    usual_spelling: dict[str, str] = {}
    for emotion, _ in counts.most_common():
        usual_spelling.setdefault(_unspelled(emotion), emotion)

    def problem(emotion: str) -> str:
        usual = usual_spelling[_unspelled(emotion)]
        if not emotion:
            return 'the emotion is empty'
        if for_training and (reason := name_problem(emotion)):
            return f'the emotion {emotion!r} {reason}; write what it is called'
        if allowed and emotion not in allowed:
            return f"the emotion '{emotion}' is not one of {', '.join(allowed)}{_nearest(emotion, allowed)}"
        if not allowed and emotion != usual:
            return f"the emotion '{emotion}' is written '{usual}' in other rows"
        if not allowed and for_training and counts[emotion] == 1:
            frequent = [other for other in counts if counts[other] > 1]
            return f"the emotion '{emotion}' occurs only once, too rarely to learn{_nearest(emotion, frequent)}"
        return ''

    return [problem(emotion) for emotion in emotions]


def refuse_labels(labels: Sequence[str], whose: str, *, for_training: bool = True) -> None:
    """Raise SerError if `labels`, which are `whose`, are not what a model can choose from.

    With `for_training` off they are only what a corpus calls its clips, and need to differ.
    """
    if len(set(labels)) < len(labels):
        raise SerError(f'{whose} name {_first_twice(labels)!r} twice; give each once')
    if not for_training:
        return
    for label in labels:
        if problem := name_problem(label):
            raise SerError(f'{whose} have {label!r}, which {problem}; write what the emotion is called')
    alike: dict[str, str] = {}
    for label in labels:
        other = alike.setdefault(_unspelled(label), label)
        if other != label:
            raise SerError(f'{whose} have {other!r} and {label!r}; write the same emotion the same everywhere')
    if problem := names_problem(labels):
        raise SerError(f'{whose} are {", ".join(labels)}: {problem}; give clips of emotions that have names')


def _first_twice(labels: Sequence[str]) -> str:
    return next(label for label, count in Counter(labels).items() if count > 1)


def _unspelled(emotion: str) -> str:
    """Return a name in lower case, with single spaces and accents in one encoding."""
    return ' '.join(unicodedata.normalize('NFKC', emotion).casefold().split())


def _nearest(emotion: str, names: Iterable[str]) -> str:
    by_key = {_unspelled(name): name for name in names if name}
    near = difflib.get_close_matches(_unspelled(emotion), by_key, n=1)
    return f"; did you mean '{by_key[near[0]]}'?" if near else ''
