# SPDX-License-Identifier: Apache-2.0
"""The last layer, fitted in one go."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from ser_ros.training.learning.linear_head import fit_linear_head, penalty_axes

LABELS, WIDTH = 3, 6


@pytest.fixture
def made():
    """Return states, truth and the axes of the penalty."""
    draw = np.random.default_rng(0)
    truth = draw.integers(LABELS, size=300)
    centroids = draw.normal(scale=1.0, size=(LABELS, WIDTH))
    deviations = np.arange(1.0, WIDTH + 1)
    return centroids[truth] + draw.normal(size=(300, WIDTH)) * deviations, truth, np.diag(1.0 / deviations)


def everything(truth):
    return np.ones((len(truth), LABELS), dtype=bool)


def even(truth):
    return np.full(len(truth), 1.0 / len(truth))


def test_it_is_the_logistic_regression_of_scikit_learn(made):
    states, truth, axes = made
    head = fit_linear_head(states, truth, everything(truth), even(truth), axes, penalty=0.01)
    # Its penalty is half the sum of squares over C, beside the sum of losses.
    other = LogisticRegression(C=1.0 / (2 * 0.01 * len(truth)), max_iter=1000, tol=1e-8)
    other.fit((states - states.mean(axis=0)) @ axes, truth)
    np.testing.assert_allclose(head.weights, other.coef_ @ axes, atol=1e-3)
    answers = states @ head.weights.T + head.bias
    assert (answers.argmax(axis=1) == truth).mean() > 0.5
    assert head.losses[-1] < head.losses[0] == pytest.approx(np.log(LABELS))


def test_labels_that_an_utterance_does_not_tell_of_count_neither_for_nor_against(made):
    states, truth, axes = made
    known = everything(truth)
    silent = np.arange(len(truth)) % 2 == 0
    known[silent & (truth != 2), 2] = False
    rest = fit_linear_head(states, truth, known, even(truth), axes, penalty=0.01)
    told = fit_linear_head(states, truth, everything(truth), even(truth), axes, penalty=0.01)
    assert rest.bias[2] - rest.bias[:2].mean() > told.bias[2] - told.bias[:2].mean()


def test_an_utterance_of_no_share_is_as_if_it_were_not_there(made):
    states, truth, axes = made
    half = np.arange(len(truth)) < 150
    with_them = fit_linear_head(states, truth, everything(truth), half / 150, axes, penalty=0.01)
    without = fit_linear_head(states[half], truth[half], everything(truth[half]), even(truth[half]), axes, penalty=0.01)
    np.testing.assert_allclose(with_them.weights, without.weights, atol=1e-4)


def test_a_larger_penalty_leaves_smaller_weights(made):
    states, truth, axes = made
    small, large = (fit_linear_head(states, truth, everything(truth), even(truth), axes, p) for p in (0.01, 1.0))
    assert np.abs(large.weights).max() < 0.5 * np.abs(small.weights).max()


def test_the_penalty_measures_elements_or_whitened_directions():
    draw = np.random.default_rng(0)
    rest = draw.normal(size=(2000, WIDTH)) @ draw.normal(size=(WIDTH, WIDTH))
    elements = penalty_axes(rest, 0.0)
    np.testing.assert_allclose(elements, np.diag(1.0 / np.sqrt((rest**2).mean(axis=0))), atol=1e-6)

    def spread(whitening):
        """Return by what factor the largest deviation of a direction exceeds the least."""
        deviations = np.linalg.svd(rest @ penalty_axes(rest, whitening), compute_uv=False)
        return deviations[0] / deviations[-1]

    assert spread(1.0) < 1.5 < spread(0.5) < spread(0.0)
