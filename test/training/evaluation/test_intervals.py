# SPDX-License-Identifier: Apache-2.0
"""Intervals of the recall are those of a bootstrap over speakers."""

import numpy as np
import pytest

from ser_ros.training.evaluation.intervals import recall_interval
from ser_ros.training.evaluation.scores import Group


def speaker(**by_label):
    clips, right = (sum(counts) for counts in zip(*by_label.values(), strict=True))
    return Group(clips=clips, accuracy=right / clips, by_label=by_label)


def test_speakers_who_are_alike_leave_no_doubt():
    interval = recall_interval({name: speaker(happy=(4, 3), sad=(2, 1)) for name in 'abc'}, 18)
    assert (interval.low, interval.high, interval.speakers) == (pytest.approx(0.625), pytest.approx(0.625), 3)


def test_it_is_as_wide_as_a_mean_over_speakers_lets_expect():
    rng = np.random.default_rng(0)
    right = rng.binomial(100, 0.5 + 0.1 * rng.standard_normal(40).clip(-2, 2))
    interval = recall_interval(
        {str(who): speaker(happy=(100, count)) for who, count in enumerate(right.tolist())}, 4000
    )
    half = 1.96 * (right / 100).std() / np.sqrt(40)
    assert interval.high - interval.low == pytest.approx(2 * half, rel=0.1)
    assert interval.low < right.mean() / 100 < interval.high


def test_a_label_that_only_one_speaker_has_counts_where_he_is_drawn():
    interval = recall_interval({'a': speaker(happy=(2, 2)), 'b': speaker(happy=(2, 2), sad=(2, 0))}, 6)
    assert (interval.low, interval.high) == (0.5, 1.0)


@pytest.mark.parametrize(
    ('speakers', 'clips'),
    [
        ({}, 3),
        ({'a': speaker(happy=(3, 1))}, 3),
        ({'a': speaker(happy=(3, 1)), 'b': speaker(happy=(3, 1))}, 7),
        ({name: Group(clips=2, accuracy=0.5, by_label={}) for name in 'ab'}, 4),
    ],
    ids=['nobody', 'one speaker', 'clips of nobody', 'labels that were not kept'],
)
def test_without_speakers_there_is_none(speakers, clips):
    assert recall_interval(speakers, clips) is None
