# SPDX-License-Identifier: Apache-2.0
"""The last layer, fitted in one go."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from ser_ros.training.learning.linear_head import fit_linear_head

LABELS, WIDTH = 3, 6


@pytest.fixture
def made():
    """Return states, truth and the scale."""
    draw = np.random.default_rng(0)
    truth = draw.integers(LABELS, size=300)
    centroids = draw.normal(scale=1.0, size=(LABELS, WIDTH))
    return centroids[truth] + draw.normal(size=(300, WIDTH)) * np.arange(1, WIDTH + 1), truth, np.arange(1.0, WIDTH + 1)


def everything(truth):
    return np.ones((len(truth), LABELS), dtype=bool)


def even(truth):
    return np.full(len(truth), 1.0 / len(truth))


def test_it_is_the_logistic_regression_of_scikit_learn(made):
    states, truth, scale = made
    head = fit_linear_head(states, truth, everything(truth), even(truth), scale, penalty=0.01)
    # Its penalty is half the sum of squares over C, beside the sum of losses.
    other = LogisticRegression(C=1.0 / (2 * 0.01 * len(truth)), max_iter=1000, tol=1e-8)
    other.fit((states - states.mean(axis=0)) / scale, truth)
    np.testing.assert_allclose(head.weights, other.coef_ / scale, atol=1e-3)
    answers = states @ head.weights.T + head.bias
    assert (answers.argmax(axis=1) == truth).mean() > 0.5
    assert head.losses[-1] < head.losses[0] == pytest.approx(np.log(LABELS))


def test_labels_that_an_utterance_does_not_tell_of_count_neither_for_nor_against(made):
    states, truth, scale = made
    known = everything(truth)
    silent = np.arange(len(truth)) % 2 == 0
    known[silent & (truth != 2), 2] = False
    rest = fit_linear_head(states, truth, known, even(truth), scale, penalty=0.01)
    told = fit_linear_head(states, truth, everything(truth), even(truth), scale, penalty=0.01)
    assert rest.bias[2] - rest.bias[:2].mean() > told.bias[2] - told.bias[:2].mean()


def test_an_utterance_of_no_share_is_as_if_it_were_not_there(made):
    states, truth, scale = made
    half = np.arange(len(truth)) < 150
    with_them = fit_linear_head(states, truth, everything(truth), half / 150, scale, penalty=0.01)
    without = fit_linear_head(
        states[half], truth[half], everything(truth[half]), even(truth[half]), scale, penalty=0.01
    )
    np.testing.assert_allclose(with_them.weights, without.weights, atol=1e-4)


def test_a_larger_penalty_leaves_smaller_weights(made):
    states, truth, scale = made
    small, large = (fit_linear_head(states, truth, everything(truth), even(truth), scale, p) for p in (0.01, 1.0))
    assert np.abs(large.weights).max() < 0.5 * np.abs(small.weights).max()
