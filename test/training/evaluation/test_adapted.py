# SPDX-License-Identifier: Apache-2.0
"""The answers in the reports are those of a robot that hears the same utterances in the same order."""

import numpy as np
import pytest

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.recognition.adapting_classifier import AdaptingClassifier
from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.model_output import ModelOutput
from ser_ros.training.data.clip import Clip
from ser_ros.training.data.recordings import Recording
from ser_ros.training.evaluation.adapted import answer_stream
from ser_ros.training.evaluation.evaluate import evaluate
from ser_ros.training.evaluation.streams import balanced
from ser_ros.training.learning.fit_prior import fit_prior

LABELS = ('neutral', 'angry', 'sad')
WIDTH = 4
WEIGHTS = np.random.default_rng(0).normal(scale=2.0, size=(3, WIDTH)).astype(np.float32)
STEP = 8_000
"""Samples from one window of an utterance of 1.5 s to the next."""


class Network:
    """A backend with windows of 1 s, whose pooled state is the first samples of the window."""

    kind, device, degraded, window, temperature, labels = 'made', 'cpu', '', 16_000, 2.0, LABELS

    def run(self, samples, cancellation):
        return ModelOutput(WEIGHTS @ samples[:WIDTH], samples[:WIDTH])


def test_utterances_of_several_windows_are_answered_as_on_a_robot():
    rng = np.random.default_rng(1)
    truth = np.arange(24) % 3
    recordings, pooled = [], []
    for number, label in enumerate(truth):
        samples = np.zeros(3 * STEP, dtype=np.float32)
        if number % 3 == 0:  # a short one, of one window
            samples = samples[: 2 * STEP]
        samples[:WIDTH], samples[STEP : STEP + WIDTH] = rng.normal(size=(2, WIDTH)) + 2.0 * np.eye(3, WIDTH)[label]
        clip = Clip(f'{number}.wav', str(number), LABELS[label], speaker=number % 4)
        recordings.append(Recording(clip, samples, (0.0, len(samples) / SAMPLE_RATE)))
        parts = [samples[:WIDTH], samples[STEP : STEP + WIDTH]]
        pooled.append(parts[0] if len(samples) == 2 * STEP else np.mean(parts, axis=0))
    durations = [len(one.samples) / SAMPLE_RATE for one in recordings]
    prior = fit_prior(np.stack(pooled), truth, [one.clip.voice for one in recordings], durations, LABELS, WEIGHTS)
    classifier = Classifier(Network(), name='made', prior=prior)
    (stream,) = balanced(truth, 0)
    reported = answer_stream(evaluate(classifier, recordings).spoken.utterance, classifier.temperature, stream, prior)
    robot = AdaptingClassifier(classifier)
    for row, index in enumerate(stream.order):
        estimate = robot.classify(recordings[index].utterance)
        robot.hear(estimate)
        np.testing.assert_allclose(reported[row], estimate.probabilities, atol=1e-5)
        assert estimate.doubt == pytest.approx(1.5**0.5 if index % 3 == 0 else 1.0)
