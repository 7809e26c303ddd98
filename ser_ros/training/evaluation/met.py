# SPDX-License-Identifier: Apache-2.0
"""What people whom a model knows have said before a test: clips of theirs that trained it."""

from collections import Counter
from collections.abc import Iterable

from ser_ros.training.data.clip import Clip

_MOST_MET = 50
"""Utterances of a voice that trained, by which the model then knows it; the mean over more is hardly another."""


def met_clips(tested: Iterable[Clip], trained: Iterable[Clip]) -> list[Clip]:
    """Return the clips that trained and are of voices that are tested, of each voice the first few."""
    voices = {clip.voice for clip in tested} - {''}
    of_voice: Counter[str] = Counter()
    met = []
    for clip in trained:
        of_voice[clip.voice] += 1
        if clip.voice in voices and of_voice[clip.voice] <= _MOST_MET:
            met.append(clip)
    return met
