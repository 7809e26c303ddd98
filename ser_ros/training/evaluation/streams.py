# SPDX-License-Identifier: Apache-2.0
"""Orders of utterances as a robot meets them: who speaks, in which mood, one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ser_ros.recognition.adaptation import ORDINARY

WARM_UP = 10
"""Ordinary utterances that come first in a mostly ordinary stream, and are not counted."""

RUN = 20
"""Utterances of one emotion in a row, after as many ordinary ones."""

AFTER_CHANGE = 10
"""Utterances in another room that are not counted: the time to get used to it."""

_RUNS_PER_LABEL = 5
_LONGEST = 1500
"""Utterances; a longer stream changes no figure by more than its error."""


@dataclass(frozen=True, eq=False)
class Stream:
    """Clips in the order in which one microphone hears them.

    Attributes:
        order: int, shape (utterances,), index of each clip; a clip may come again.
        counted: bool, same shape; which of them figures are made of.
    """

    order: np.ndarray
    counted: np.ndarray


def balanced(truth: np.ndarray, seed: int) -> list[Stream]:
    """Return all clips, shuffled."""
    return [_whole(np.random.default_rng(seed).permutation(len(truth))[:_LONGEST])]


def by_voice(voices: Sequence[str] | np.ndarray, seed: int) -> list[Stream]:
    """Return a stream for each voice that is known (not ''): all its clips, shuffled."""
    names = np.asarray(voices, dtype=np.str_)
    draw = np.random.default_rng(seed)
    return [_whole(draw.permutation(np.flatnonzero(names == name))) for name in np.unique(names[names != ''])]


def by_voice_met(voices: Sequence[str] | np.ndarray, met: Sequence[str] | np.ndarray, seed: int) -> list[Stream]:
    """Return the streams of `by_voice`, each after all that the same voice has said before, which is not counted.

    An index of `len(voices)` and more is that utterance in `met`, less `len(voices)`. No stream of a voice that is not
    in `met`.
    """
    names, before = np.asarray(voices, dtype=np.str_), np.asarray(met, dtype=np.str_)
    draw = np.random.default_rng(seed + 1)
    streams = []
    for stream in by_voice(voices, seed):
        known = draw.permutation(np.flatnonzero(before == names[stream.order[0]]))
        if len(known):
            order = np.concatenate([known + len(names), stream.order])
            streams.append(Stream(order, np.arange(len(order)) >= len(known)))
    return streams


def mostly_ordinary(truth: np.ndarray, labels: Sequence[str] | np.ndarray, share: float, seed: int) -> list[Stream]:
    """Return all other clips among so many ordinary ones, some of them again, that these are `share`; 0 < share < 1.

    It begins with WARM_UP ordinary ones. None if there are no ordinary clips, or no others.
    """
    draw = np.random.default_rng(seed)
    ordinary, others = _split(truth, labels)
    if not len(ordinary) or not len(others):
        return []
    others = draw.permutation(others)[: round(_LONGEST * (1.0 - share))]
    wanted = WARM_UP + round(len(others) * share / (1.0 - share))
    turns = [draw.permutation(ordinary) for _ in range(-(-wanted // len(ordinary)))]
    ordinary = np.concatenate(turns)[:wanted]
    order = np.concatenate([ordinary[:WARM_UP], draw.permutation(np.concatenate([ordinary[WARM_UP:], others]))])
    return [Stream(order, np.arange(len(order)) >= WARM_UP)]


def one_emotion(truth: np.ndarray, labels: Sequence[str] | np.ndarray, seed: int) -> list[Stream]:
    """Return RUN ordinary utterances and then RUN of one other label, which are counted; some draws for each label."""
    draw = np.random.default_rng(seed)
    ordinary, _ = _split(truth, labels)
    if not len(ordinary):
        return []
    streams = []
    for index, label in enumerate(labels):
        clips = np.flatnonzero(truth == index)
        if label in ORDINARY or not len(clips):
            continue
        for _ in range(_RUNS_PER_LABEL):
            order = np.concatenate([_take(draw, ordinary), _take(draw, clips)])
            streams.append(Stream(order, np.arange(2 * RUN) >= RUN))
    return streams


def in_turn(voices: Sequence[str] | np.ndarray, together: int, seed: int) -> list[Stream]:
    """Return streams of `together` voices that take turns, until every voice was in one; fewer voices give none."""
    names = np.asarray(voices, dtype=np.str_)
    draw = np.random.default_rng(seed)
    known = draw.permutation(np.unique(names[names != '']))
    streams = []
    for start in range(0, len(known) - together + 1, together):
        queues = [draw.permutation(np.flatnonzero(names == name)) for name in known[start : start + together]]
        shortest = min(map(len, queues))
        streams.append(_whole(np.stack([queue[:shortest] for queue in queues], axis=1).ravel()))
    return streams


def change_of_room(truth: np.ndarray, seed: int) -> tuple[list[Stream], list[Stream]]:
    """Return a stream that changes the room in the middle, and one that was in the second room all along.

    An index of `len(truth)` and more is that clip, less `len(truth)`, in the second room. In both the same utterances
    are counted: those after the first AFTER_CHANGE in the second half.
    """
    clips = len(truth)
    order = np.random.default_rng(seed).permutation(clips)[:_LONGEST]
    second_half = np.arange(len(order)) >= len(order) // 2
    counted = np.arange(len(order)) >= len(order) // 2 + AFTER_CHANGE
    return [Stream(order + clips * second_half, counted)], [Stream(order + clips, counted)]


def _whole(order: np.ndarray) -> Stream:
    return Stream(order, np.ones(len(order), dtype=bool))


def _split(truth: np.ndarray, labels: Sequence[str] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of the ordinary clips, and of the others."""
    is_ordinary = np.isin(np.asarray(labels)[truth], ORDINARY)
    return np.flatnonzero(is_ordinary), np.flatnonzero(~is_ordinary)


def _take(draw: np.random.Generator, clips: np.ndarray) -> np.ndarray:
    return draw.choice(clips, RUN, replace=len(clips) < RUN)
