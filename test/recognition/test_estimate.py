# SPDX-License-Identifier: Apache-2.0
"""What an estimate is taken for."""

import numpy as np
import pytest

from ser_ros.recognition.estimate import Estimate

ESTIMATE = Estimate(('calm', 'sad'), np.array([0.25, 0.75], dtype=np.float32), 0.0)


def test_the_most_probable_label_is_the_estimate():
    assert (ESTIMATE.label, ESTIMATE.confidence) == ('sad', 0.75)


@pytest.mark.parametrize(('min_confidence', 'emotion'), [(0.0, 'sad'), (0.75, 'sad'), (0.76, 'unknown')])
def test_below_the_least_confidence_it_is_unknown(min_confidence, emotion):
    assert ESTIMATE.emotion(min_confidence) == emotion
