# SPDX-License-Identifier: Apache-2.0
"""How much each clip of a training counts, so that no corpus, label or speaker drowns the others."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from ser_ros.training.data.clip import Clip

MOST_SPEAKERS = 24
"""A corpus counts by its speakers, but for no more than these, or one with many would leave little of the others."""


def chances(clips: Sequence[Clip], men_count: float = 1.0) -> np.ndarray:
    """Return the probability with which each clip is drawn: float64, shape (clips,), sums to 1.

    A corpus counts by its speakers, up to MOST_SPEAKERS, for those of a large one tell more of people; in each its
    labels are equal, of each label its speakers, a man `men_count` times, and of each speaker the clips.
    """
    groups = [(clip.corpus, (clip.corpus, clip.emotion), (clip.corpus, clip.emotion, clip.speaker)) for clip in clips]
    people = Counter(corpus for corpus, _ in {(clip.corpus, clip.speaker) for clip in clips})
    corpora = {corpus: min(number, MOST_SPEAKERS) for corpus, number in people.items()}
    labels = Counter(corpus for corpus, _ in {(corpus, label) for corpus, label, _ in groups})
    of_speaker = Counter(speaker for *_, speaker in groups)
    weights = {group[-1]: men_count if clip.sex == 'male' else 1.0 for group, clip in zip(groups, clips, strict=True)}
    of_label: dict[tuple[str, str], float] = defaultdict(float)
    for (corpus, emotion, _), weight in weights.items():
        of_label[corpus, emotion] += weight
    return np.array(
        [
            corpora[corpus]
            / sum(corpora.values())
            / labels[corpus]
            * (weights[speaker] / of_label[label])
            / of_speaker[speaker]
            for corpus, label, speaker in groups
        ]
    )
