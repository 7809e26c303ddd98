# SPDX-License-Identifier: Apache-2.0
"""Scores against figures worked out by hand."""

import pytest

from ser_ros.training.evaluation import score

LABELS = ('neutral', 'angry', 'sad')
TRUTH = ['neutral'] * 6 + ['angry'] * 2
ANSWERS = ['neutral'] * 5 + ['sad'] + ['angry', 'neutral']


def test_scores_are_what_they_are_by_hand():
    scores = score(TRUTH, ANSWERS, LABELS)
    assert scores.clips == 8
    assert scores.accuracy == pytest.approx(6 / 8)
    assert scores.unweighted_recall == pytest.approx((5 / 6 + 1 / 2) / 2)
    f1_neutral, f1_angry = 2 * 5 / (2 * 5 + 1 + 1), 2 * 1 / (2 * 1 + 0 + 1)
    assert scores.macro_f1 == pytest.approx((f1_neutral + f1_angry) / 2)
    assert scores.confusion == ((5, 0, 1), (1, 1, 0), (0, 0, 0))
    assert 'neutral' in scores.report and 'sad' not in scores.report


def test_perfect_answers_score_one():
    scores = score(TRUTH, TRUTH, LABELS)
    assert (scores.accuracy, scores.unweighted_recall, scores.macro_f1) == (1.0, 1.0, 1.0)
