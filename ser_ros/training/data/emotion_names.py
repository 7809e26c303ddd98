# SPDX-License-Identifier: Apache-2.0
"""Finds emotions that were mistyped in a table."""

import difflib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence


def emotion_problems(emotions: Sequence[str], allowed: Sequence[str] = (), *, singles: bool = False) -> list[str]:
    """Return what is wrong with each of `emotions`, '' if nothing is.

    Args:
        emotions: One for each row.
        allowed: The emotions that may occur. If none are given any may, except one that differs from another only by
            upper and lower case, and, without `singles`, one that occurs only once.
        singles: Whether an emotion may occur only once.
    """
    counts = Counter(emotions)
    usual_spelling: dict[str, str] = {}
    for emotion, _ in counts.most_common():
        usual_spelling.setdefault(_unspelled(emotion), emotion)

    def problem(emotion: str) -> str:
        usual = usual_spelling[_unspelled(emotion)]
        if not emotion:
            return 'the emotion is empty'
        if allowed and emotion not in allowed:
            return f"the emotion '{emotion}' is not one of {', '.join(allowed)}{_nearest(emotion, allowed)}"
        if not allowed and emotion != usual:
            return f"the emotion '{emotion}' is written '{usual}' in other rows"
        if not allowed and not singles and counts[emotion] == 1:
            frequent = [other for other in counts if counts[other] > 1]
            return f"the emotion '{emotion}' occurs only once, too rarely to learn{_nearest(emotion, frequent)}"
        return ''

    return [problem(emotion) for emotion in emotions]


def _unspelled(emotion: str) -> str:
    """Return a name in lower case, with single spaces and accents in one encoding."""
    return ' '.join(unicodedata.normalize('NFKC', emotion).casefold().split())


def _nearest(emotion: str, names: Iterable[str]) -> str:
    by_key = {_unspelled(name): name for name in names if name}
    near = difflib.get_close_matches(_unspelled(emotion), by_key, n=1)
    return f"; did you mean '{by_key[near[0]]}'?" if near else ''
