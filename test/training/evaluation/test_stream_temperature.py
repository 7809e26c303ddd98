# SPDX-License-Identifier: Apache-2.0
"""The temperature of a model that adapts is that of its answers in streams."""

import dataclasses

import numpy as np
import pytest
from scipy.special import softmax

from ser_ros.recognition.adaptation_prior import AdaptationPrior
from ser_ros.training.evaluation.spoken import Outputs, Spoken
from ser_ros.training.evaluation.stream_temperature import TEMPERATURES, best_temperature, miscalibration

LABELS = ('neutral', 'happy', 'angry')
CLIPS = 900


def spoken_by(sureness, *, offset=0.0, seed=0):
    """Return clips whose logits are `sureness` times too large, and a prior; `offset` hides 'angry' in all of them."""
    draw = np.random.default_rng(seed)
    logits = draw.normal(scale=1.5, size=(CLIPS, 3))
    truth = np.array([draw.choice(3, p=row) for row in softmax(logits, axis=-1)])
    pooled = sureness * logits - np.array([0.0, 0.0, offset])
    spoken = Spoken(
        labels=np.array(LABELS),
        columns=np.arange(3),
        truth=truth,
        possible=np.ones((CLIPS, 3), dtype=bool),
        voices=np.full(CLIPS, ''),
        utterance=Outputs(
            pooled.astype(np.float32),
            pooled.astype(np.float32),
            np.zeros(CLIPS, dtype=bool),
            np.ones(CLIPS, np.float32),
        ),
        conditions={},
    )
    centroids = np.stack([pooled[truth == index].mean(axis=0) for index in range(3)]) + np.array([0.0, 0.0, offset])
    count = 1.0 if offset else 1e9  # worth so many utterances that nothing is learned
    return spoken, AdaptationPrior(LABELS, np.eye(3), centroids, np.full(3, count), typical_duration=1.0)


@pytest.mark.parametrize('sureness', [0.7, 3.0])
def test_sureness_is_taken_back(sureness):
    curves = [miscalibration(*spoken_by(sureness, seed=seed)) for seed in (0, 1)]
    assert curves[0].shape == TEMPERATURES.shape
    assert best_temperature(curves) == pytest.approx(sureness, rel=0.2)


def test_what_adaptation_mends_needs_no_doubt():
    spoken, prior = spoken_by(2.0, offset=8.0)
    never = dataclasses.replace(prior, prior_counts=np.full(3, 1e9))
    assert best_temperature([miscalibration(spoken, prior)]) < 0.8 * best_temperature([miscalibration(spoken, never)])


def test_of_a_model_that_makes_no_error_nothing_is_known():
    spoken, prior = spoken_by(1.0)
    right = 9.0 * np.eye(3, dtype=np.float32)[spoken.truth]
    utterance = dataclasses.replace(spoken.utterance, logits=right, pooled=right)
    certain = dataclasses.replace(spoken, utterance=utterance)
    assert best_temperature([miscalibration(certain, prior)]) == 1.0


@pytest.mark.parametrize('met', [False, True])
def test_what_was_spoken_comes_back_from_its_file(tmp_path, met):
    spoken, _ = spoken_by(1.0)
    others = {'conditions': {'room': spoken_by(2.0)[0].utterance}}
    if met:
        others |= {'met': spoken_by(3.0)[0].utterance, 'met_voices': np.full(CLIPS, 'A:1')}
    spoken = Spoken(**{**vars(spoken), **others})
    spoken.save(tmp_path)
    loaded = Spoken.load(tmp_path)
    assert list(loaded.conditions) == ['room']
    assert loaded.met_voices.tolist() == spoken.met_voices.tolist() == met * CLIPS * ['A:1']
    pairs = [(loaded.utterance, spoken.utterance), (loaded.conditions['room'], spoken.conditions['room'])]
    if met:
        pairs.append((loaded.met, spoken.met))
    else:
        assert loaded.met is None
    for one, other in pairs:
        np.testing.assert_array_equal(one.logits, other.logits)
        np.testing.assert_array_equal(one.pooled, other.pooled)
    assert loaded.voices.tolist() == spoken.voices.tolist() and Spoken.load(tmp_path / 'nowhere') is None
