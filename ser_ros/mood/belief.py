# SPDX-License-Identifier: Apache-2.0
"""What a few answers say about a mood: the forward filter of a hidden Markov model whose states are the labels.

A mood is not seen in every utterance: people in any mood also speak ordinarily in between. So what is ordinary speaks
for an ordinary mood, but not much against another one. A mood stays from one utterance to the next, unless there was
silence in between: the longer it lasted, the less is known. An answer counts by its length, and by how sure it is: one
that could be anything changes nothing.

The constants were chosen on people that the models had not heard; docs/mood.md tells how, and what others gave.
"""

from collections.abc import Sequence

import numpy as np

from ser_ros.recognition.adaptation import ORDINARY

ORDINARY_SHARE = 0.5
"""Of the utterances in a mood, those that are ordinary speech."""

TRUST = 0.7
"""Exponent of an answer's likelihoods: utterances of one person are no independent witnesses."""

DOUBT = 0.02
"""Share of the answers that are taken for chance."""

CHANGE = 0.1
"""Chance that what was known no longer holds at the next utterance."""

FULL_LENGTH = 1.0
"""Seconds; a shorter utterance counts in proportion to its length."""


def nothing_known(labels: int) -> np.ndarray:
    """Return the belief before anything was heard: float64, shape (labels,), all the same."""
    return np.full(labels, 1.0 / labels)


def strength(belief: np.ndarray) -> np.ndarray:
    """Return how far beyond chance each label is: 0 if it is as probable as any, 1 if it is certain."""
    chance = 1.0 / len(belief)
    return np.asarray((belief - chance) / (1.0 - chance))


def faded(belief: np.ndarray, kept: float) -> np.ndarray:
    """Return `belief` with `kept` (0..1) of its strength left."""
    return nothing_known(len(belief)) * (1.0 - kept) + belief * kept


def with_answer(
    belief: np.ndarray, probabilities: np.ndarray, labels: Sequence[str], duration: float, silence: float
) -> np.ndarray:
    """Return the belief after one more answer: float64, shape (labels,), sums to 1.

    Args:
        belief: Before it.
        probabilities: The answer, shape (labels,).
        labels: Of both.
        duration: Seconds of speech.
        silence: How much of the memory has passed since the answer before, 0..1.
    """
    weight = TRUST * min(1.0, duration / FULL_LENGTH)
    before = faded(belief, (1.0 - CHANGE) * (1.0 - silence))
    after = before * _likelihoods(np.asarray(probabilities, dtype=np.float64), labels) ** weight
    return np.asarray(after / after.sum())


def _likelihoods(probabilities: np.ndarray, labels: Sequence[str]) -> np.ndarray:
    """Return how well each mood explains an answer, up to a factor."""
    is_ordinary = np.isin(labels, ORDINARY)
    ordinary = probabilities[is_ordinary].mean() if is_ordinary.any() else 0.0
    in_a_mood = (1.0 - ORDINARY_SHARE) * probabilities + ORDINARY_SHARE * ordinary
    return np.asarray(np.where(is_ordinary, probabilities, in_a_mood) + DOUBT / len(labels))
