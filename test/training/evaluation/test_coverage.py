# SPDX-License-Identifier: Apache-2.0
"""Withholding unsure answers: how much is left, and how much of it is right."""

import numpy as np

from ser_ros.training.evaluation.coverage import LEAST_CONFIDENCES, coverage


def test_the_surer_answers_are_counted():
    probabilities = np.array([[0.9, 0.1], [0.62, 0.38], [0.3, 0.7], [0.48, 0.52]])
    points = coverage(probabilities, np.array([0, 1, 1, 0]), np.array([True, False]))
    found = {point.least_confidence: (point.coverage, point.accuracy, point.emotion_accuracy) for point in points}
    assert tuple(found) == LEAST_CONFIDENCES and LEAST_CONFIDENCES[0] == 0.0
    assert found[0.0] == found[0.5] == (1.0, 0.5, 0.5)
    assert found[0.6] == (0.75, 2 / 3, 1.0)
    assert found[0.75] == (0.25, 1.0, None)
    assert found[0.95] == (0.0, None, None)
