# SPDX-License-Identifier: Apache-2.0
"""The temperature: found where it is known, stored where the recogniser finds it."""

import json
import shutil

import numpy as np
import pytest
from transformers import AutoConfig, AutoModelForAudioClassification

from ser_ros.recognition.classifier import Classifier
from ser_ros.training.evaluation.calibration import calibration_error, fit_temperature, store_temperature


def made_logits(temperature, clips=4000, labels=8, seed=0):
    """Return logits that are too large by the factor `temperature`, and labels drawn from what they should be."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(scale=2.0, size=(clips, labels))
    truth = (logits + generator.gumbel(size=logits.shape)).argmax(axis=1)
    return logits * temperature, truth


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


@pytest.mark.parametrize('temperature', [0.4, 1.0, 3.0])
def test_the_temperature_that_made_the_logits_is_found(temperature):
    logits, truth = made_logits(temperature)
    assert fit_temperature(logits, truth) == pytest.approx(temperature, rel=0.06)
    log_probabilities = np.log(softmax(logits)).astype(np.float32)
    assert fit_temperature(log_probabilities, truth) == pytest.approx(fit_temperature(logits, truth), rel=1e-3)


def test_overconfident_answers_become_honest_on_other_clips():
    temperature = fit_temperature(*made_logits(4.0))
    logits, truth = made_logits(4.0, seed=1)
    before, after = (calibration_error(softmax(logits / it), truth) for it in (1.0, temperature))
    assert before > 0.2 and after < 0.04
    np.testing.assert_array_equal(softmax(logits).argmax(axis=1), softmax(logits / temperature).argmax(axis=1))


def test_where_all_answers_are_right_nothing_is_changed():
    logits, _ = made_logits(1.0, clips=20)
    assert fit_temperature(logits, logits.argmax(axis=1)) == 1.0
    assert fit_temperature(np.empty((0, 8)), np.empty(0, dtype=int)) == 1.0


def test_the_calibration_error_is_what_it_is_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.35, 0.65], [1.0, 0.0]], dtype=np.float32)
    truth = np.array([0, 1, 1, 0])
    by_hand = (2 * abs(0.5 - 0.9) + 1 * abs(1 - 0.65) + 1 * abs(1 - 1)) / 4
    assert calibration_error(probabilities, truth) == pytest.approx(by_hand)
    # 0.65 and 0.68 stand on both sides of 10/15.
    near = np.array([[0.65, 0.35], [0.68, 0.32]], dtype=np.float32)
    assert calibration_error(near, np.array([0, 1])) == pytest.approx((0.35 + 0.68) / 2)


def test_the_recogniser_uses_the_stored_temperature_and_transformers_keeps_it(
    random_weight_model, tmp_path, made_sound
):
    folder = tmp_path / 'calibrated'
    shutil.copytree(random_weight_model, folder)
    before = json.loads((folder / 'config.json').read_text())
    store_temperature(folder, 0.25)
    after = json.loads((folder / 'config.json').read_text())
    assert {key for key in after if after[key] != before.get(key)} == {'calibration_temperature'}
    assert sorted(path.name for path in folder.iterdir()) == sorted(path.name for path in random_weight_model.iterdir())
    sound = made_sound('chord', 1.0)
    plain, sharp = (Classifier.load(it, 'cpu').classify(sound) for it in (random_weight_model, folder))
    expected = plain.probabilities**4 / (plain.probabilities**4).sum()
    np.testing.assert_allclose(sharp.probabilities, expected, atol=1e-5)
    assert sharp.label == plain.label and sharp.confidence > plain.confidence

    AutoModelForAudioClassification.from_pretrained(folder).save_pretrained(tmp_path / 'again')
    assert AutoConfig.from_pretrained(tmp_path / 'again').calibration_temperature == 0.25
    store_temperature(folder, 1.0)
    np.testing.assert_array_equal(Classifier.load(folder, 'cpu').classify(sound).probabilities, plain.probabilities)
