# SPDX-License-Identifier: Apache-2.0
"""An ensemble is the mean of its members, whatever the order of their labels."""

import numpy as np
import pytest

from ser_ros.recognition.estimate import Estimate
from ser_ros.training.evaluation.ensemble import Ensemble


class Scripted:
    """Answers every utterance with the same probabilities."""

    device = 'cpu'

    def __init__(self, name, **probabilities):
        self.name = name
        self.labels = tuple(probabilities)
        self._probabilities = np.array(list(probabilities.values()), dtype=np.float32)

    def classify(self, samples):
        return Estimate(self.labels, self._probabilities, 0.001)


def test_it_averages_by_label():
    ensemble = Ensemble([Scripted('one', happy=0.5, sad=0.3, calm=0.2), Scripted('two', calm=0.6, happy=0.1, sad=0.3)])
    estimate = ensemble.classify(np.zeros(16_000, dtype=np.float32))
    assert ensemble.labels == estimate.labels == ('happy', 'sad', 'calm')
    np.testing.assert_allclose(estimate.probabilities, [0.3, 0.3, 0.4], atol=1e-6)
    assert estimate.probabilities.dtype == np.float32
    assert estimate.label == 'calm'
    assert (ensemble.name, ensemble.device, ensemble.temperature) == ('one + two', 'cpu', 1.0)


@pytest.mark.parametrize('others', [{'happy': 1.0}, {'happy': 0.5, 'angry': 0.5}])
def test_other_labels_are_refused(refuses, others):
    with refuses("'one' says happy, sad", "'two' says", 'same labels'):
        Ensemble([Scripted('one', happy=0.5, sad=0.5), Scripted('two', **others)])
