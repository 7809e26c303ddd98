# SPDX-License-Identifier: Apache-2.0
"""Sounds that are no speech: told by the pooled state, answered with nothing, and not learned from."""

import shutil

import numpy as np
import pytest

from ser_ros.emotions import UNKNOWN
from ser_ros.recognition.adaptation_prior import AdaptationPrior
from ser_ros.recognition.adapting_classifier import AdaptingClassifier
from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.model_output import ModelOutput
from ser_ros.recognition.outliers import FILE, OutlierDetector, read_detector, write_detector

LABELS = ('neutral', 'angry')
DETECTOR = OutlierDetector(np.array([0.0, 1.0], dtype=np.float32), -3.0)
"""Whose outliers have more than 3 in the second dimension."""
PRIOR = AdaptationPrior(
    LABELS, np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32), np.ones(2, dtype=np.float32), typical_duration=0.1
)


class Network:
    """A backend whose pooled state and logits are the first samples of the sound."""

    kind, device, degraded, window, temperature, labels = 'made', 'cpu', '', None, 1.0, LABELS

    def run(self, samples, cancellation):
        return ModelOutput(samples[:2], samples[:2])


def sound(*pooled):
    samples = np.zeros(16_000, dtype=np.float32)
    samples[:2] = pooled
    return samples


SPEECH, LAUGH = sound(0.0, 2.0), sound(0.0, 4.0)


@pytest.fixture
def adapting():
    return AdaptingClassifier(Classifier(Network(), name='made', prior=PRIOR, detector=DETECTOR))


def test_of_what_is_no_speech_all_labels_are_equally_probable(adapting):
    for heard in range(2):
        laugh = adapting.classify(LAUGH)
        assert laugh.outlier and laugh.emotion(0.51) == UNKNOWN
        assert laugh.probabilities.tolist() == [0.5, 0.5] and laugh.heard == heard
        adapting.hear(adapting.classify(SPEECH))


def test_speech_is_answered_as_without_a_detector(adapting):
    without = AdaptingClassifier(Classifier(Network(), name='made', prior=PRIOR))
    for one in (adapting, without):
        one.hear(one.classify(SPEECH))
    speech, same = (one.classify(SPEECH) for one in (adapting, without))
    assert not speech.outlier and (speech.probabilities == same.probabilities).all() and speech.label == 'angry'


def test_a_laugh_teaches_the_ear_nothing(adapting):
    adapting.hear(adapting.classify(SPEECH))
    before = adapting.adaptation.offset()
    adapting.hear(adapting.classify(LAUGH))
    assert (adapting.adaptation.offset() == before).all() and adapting.adaptation.heard() == 1


def test_a_detector_comes_back_from_its_folder(tmp_path):
    assert read_detector(tmp_path, 2) is None
    write_detector(tmp_path, DETECTOR)
    again = read_detector(tmp_path, 2)
    assert (again.weights == DETECTOR.weights).all() and again.bias == DETECTOR.bias
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize(
    'values',
    [
        {'weights': np.zeros(3, np.float32), 'bias': np.float32(0)},
        {'weights': np.full(2, np.nan, np.float32), 'bias': np.float32(0)},
        {'weights': np.zeros(2, np.float32), 'bias': np.float32('inf')},
        {'weights': np.zeros(2, np.float32), 'bias': np.zeros(2, np.float32)},
        {'weights': np.zeros(2, np.float32)},
        {'weights': np.array(['a', 'b']), 'bias': np.float32(0)},
    ],
)
def test_a_detector_that_does_not_fit_is_refused(tmp_path, refuses, values):
    np.savez(tmp_path / FILE, **values)
    with refuses(FILE, 'cannot be used', 'remove the file'):
        read_detector(tmp_path, 2)


def test_a_model_with_a_damaged_detector_is_refused(adapting_model, tmp_path, refuses):
    model = shutil.copytree(adapting_model, tmp_path / 'model')
    (model / FILE).write_bytes(b'no arrays')
    with refuses(FILE, 'copy the model again'):
        Classifier.load(model, 'cpu', 'torch')


def test_a_model_loads_the_detector_of_its_folder(adapting_model, tmp_path):
    model = shutil.copytree(adapting_model, tmp_path / 'model')
    noise = np.random.default_rng(0).normal(scale=0.1, size=16_000).astype(np.float32)
    width = len(Classifier.load(model, 'cpu', 'torch').classify(noise).pooled)
    for bias, outlier in ((1.0, True), (-1.0, False)):
        write_detector(model, OutlierDetector(np.zeros(width, dtype=np.float32), bias))
        assert Classifier.load(model, 'cpu', 'torch').classify(noise).outlier is outlier
