# SPDX-License-Identifier: Apache-2.0
"""Withholding unsure answers: how much is left, and how much of it is right."""

import numpy as np

from ser_ros.training.evaluation.coverage import LEAST_CONFIDENCES, coverage, ordinary_called_emotion


def test_the_surer_answers_are_counted():
    probabilities = np.array([[0.9, 0.1], [0.62, 0.38], [0.3, 0.7], [0.48, 0.52]])
    points = coverage(probabilities, np.array([0, 1, 1, 0]), np.array([True, False]))
    found = {point.least_confidence: (point.coverage, point.accuracy, point.emotion_accuracy) for point in points}
    assert tuple(found) == LEAST_CONFIDENCES and LEAST_CONFIDENCES[0] == 0.0
    assert found[0.0] == found[0.5] == (1.0, 0.5, 0.5)
    assert found[0.6] == (0.75, 2 / 3, 1.0)
    assert found[0.75] == (0.25, 1.0, None)
    assert found[0.95] == (0.0, None, None)


def test_only_ordinary_speech_that_is_called_an_emotion_counts_as_that():
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.45, 0.55], [0.6, 0.4], [0.1, 0.9]])
    truth, is_ordinary = np.array([0, 0, 0, 0, 1]), np.array([True, False])
    points = {point.least_confidence: point for point in coverage(probabilities, truth, is_ordinary)}
    assert [points[least].ordinary_called_emotion for least in (0.0, 0.6, 0.85)] == [0.5, 0.25, 0.0]
    assert ordinary_called_emotion(probabilities[4:], truth[4:], is_ordinary) is None
