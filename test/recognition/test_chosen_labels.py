# SPDX-License-Identifier: Apache-2.0
"""Which labels an answer can be: what the list may say, and what becomes of the others."""

import shutil

import numpy as np
import pytest

from ser_ros.emotions import LABELS
from ser_ros.errors import SettingError
from ser_ros.recognition.adapting_classifier import AdaptingClassifier
from ser_ros.recognition.chosen_labels import choose_labels
from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.outliers import OutlierDetector, write_detector

FOUR = 'neutral,happy, sad ,angry'
IS_ONE = np.isin(LABELS, ('neutral', 'happy', 'sad', 'angry'))
NOISE = np.random.default_rng(0).normal(scale=0.1, size=16_000).astype(np.float32)


@pytest.mark.parametrize('text', ['', ' ', ' , '])
def test_an_empty_list_leaves_all(text):
    assert choose_labels(text, LABELS) == LABELS


def test_the_order_is_the_models():
    assert choose_labels('angry, neutral,,angry', LABELS) == ('neutral', 'angry')


@pytest.mark.parametrize(
    ('text', 'facts'),
    [
        ('neutral, hapy', ("has 'hapy'", 'neutral, calm, happy', "did you mean 'happy'?")),
        ('Happy, sad', ("has 'Happy'", "did you mean 'happy'?")),
        ('sad', ("leaves 'sad' as the only answer", 'at least 2')),
    ],
)
def test_what_cannot_be_chosen_is_one_sentence(refuses, text, facts):
    with refuses('emotion.labels', *facts):
        choose_labels(text, LABELS)
    with pytest.raises(SettingError) as refused:
        choose_labels(text, LABELS)
    assert refused.value.sentence('--answer-with').startswith('--answer-with ')


def test_an_answer_is_shared_out_among_the_chosen(adapting_model):
    open_to_all = Classifier.load(adapting_model, 'cpu', 'torch').classify(NOISE)
    chosen = Classifier.load(adapting_model, 'cpu', 'torch', chosen_labels=FOUR).classify(NOISE)
    assert chosen.labels == ('neutral', 'happy', 'sad', 'angry')
    expected = open_to_all.probabilities[IS_ONE]
    assert chosen.probabilities == pytest.approx(expected / expected.sum(), abs=1e-6)


def test_a_sound_that_is_no_speech_is_even_among_the_chosen(adapting_model, tmp_path):
    model = shutil.copytree(adapting_model, tmp_path / 'model')
    width = len(Classifier.load(model, 'cpu', 'torch').classify(NOISE).pooled)
    write_detector(model, OutlierDetector(np.zeros(width, dtype=np.float32), 1.0))
    answer = Classifier.load(model, 'cpu', 'torch', chosen_labels=FOUR).classify(NOISE)
    assert answer.outlier and answer.probabilities.tolist() == [0.25] * 4


def test_the_ear_gets_used_to_what_it_hears_by_them_alone(adapting_model):
    adapting = AdaptingClassifier(Classifier.load(adapting_model, 'cpu', 'torch', chosen_labels=FOUR))
    for _ in range(3):
        answer = adapting.classify(NOISE)
        adapting.hear(answer)
    assert answer.heard == 2
    assert answer.probabilities.shape == (4,) and answer.probabilities.sum() == pytest.approx(1.0)
    assert adapting.adaptation.odds().tolist() == [3.0, 1.0, 1.0, 1.0]
    assert np.isfinite(adapting.adaptation.offset()).all() and adapting.adaptation.offset().any()
