# SPDX-License-Identifier: Apache-2.0
"""A fine-tuned teacher answers for the voice, in the order of the data's labels, and is asked once."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import SeamlessM4TFeatureExtractor, Wav2Vec2BertConfig

from ser_ros.emotions import LABELS
from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.frontend import Frontend
from ser_ros.training.data.clip import Clip
from ser_ros.training.data.recordings import Recording
from ser_ros.training.finetuning.teacher_classifier import TeacherClassifier
from ser_ros.training.learning.dataset import VariantFeatures
from ser_ros.training.learning.recipe import Augmentation

FRONTEND = Frontend(SeamlessM4TFeatureExtractor(stride=4), Wav2Vec2BertConfig())


def features_of(**augmentation):
    return VariantFeatures(FRONTEND, Augmentation(whole_clip_probability=1.0, **augmentation), seed=0)


@pytest.fixture
def recording(made_sound):
    return Recording(Clip(Path('a'), 'a', ''), made_sound('chord', 1.0), (0.0, 1.0))


def test_it_says_what_the_model_says_of_the_voice_without_noise(random_weight_model, recording):
    features = features_of(noise_probability=1.0, noise_snr=(0.0, 0.0))
    teacher = TeacherClassifier(random_weight_model, LABELS, features, temperature=1.0)
    expected = Classifier.load(random_weight_model, 'cpu', 'torch').classify(recording.samples).probabilities
    np.testing.assert_allclose(teacher(recording, 0).numpy(), expected, atol=0.02)


def test_its_answers_come_in_the_order_of_the_data(random_weight_model, recording):
    forward = TeacherClassifier(random_weight_model, LABELS, features_of(), temperature=1.0)(recording, 0)
    backward = TeacherClassifier(random_weight_model, LABELS[::-1], features_of(), temperature=1.0)(recording, 0)
    assert len(set(forward.tolist())) == len(LABELS)
    torch.testing.assert_close(forward.flip(0), backward, rtol=0, atol=1e-6)


def test_a_temperature_softens(random_weight_model, recording):
    sharp, soft = (
        TeacherClassifier(random_weight_model, LABELS, features_of(), temperature=temperature)(recording, 0)
        for temperature in (1.0, 4.0)
    )
    assert soft.max() < sharp.max() and float(soft.sum()) == pytest.approx(1.0, abs=1e-5)


def test_a_variant_is_answered_once(random_weight_model, recording, monkeypatch):
    teacher = TeacherClassifier(random_weight_model, LABELS, features_of(variants=2, speed=(0.8, 1.2)), temperature=1.0)
    asked = []
    monkeypatch.setattr(teacher, '_answer', lambda samples, ask=teacher._answer: asked.append(1) or ask(samples))
    answers = [teacher(recording, epoch) for epoch in range(4)]
    assert len(asked) == 2 and torch.equal(answers[0], answers[2]) and not torch.equal(answers[0], answers[1])


def test_other_labels_are_refused(random_weight_model, refuses):
    with refuses('has the labels', 'happiness', 'same labels'):
        TeacherClassifier(random_weight_model, ('happiness', 'calm'), features_of(), temperature=1.0)
