# SPDX-License-Identifier: Apache-2.0
"""Centroids of emotions and offsets of voices are told apart, also where voices lack emotions."""

import numpy as np

from ser_ros.training.learning.fit_prior import fit_prior

LABELS = ('neutral', 'angry', 'sad')
WIDTH = 5


def made(voices=12, clips=10, lacking=0, seed=0):
    """Return pooled states, truth, voices, and the centroids and offsets that they are made of.

    The first `lacking` voices are never sad, and mostly angry.
    """
    draw = np.random.default_rng(seed)
    centroids = draw.normal(scale=3.0, size=(len(LABELS), WIDTH))
    offsets = draw.normal(scale=2.0, size=(voices, WIDTH)) * [1, 1, 1, 1, 0.1]
    offsets -= offsets.mean(axis=0)
    rows = [
        (voice, label)
        for voice in range(voices)
        for label in range(len(LABELS))
        for _ in range(0 if label == 2 and voice < lacking else clips * (3 if label == 1 and voice < lacking else 1))
    ]
    voice_ids, truth = np.array(rows).T
    pooled = centroids[truth] + offsets[voice_ids] + draw.normal(scale=0.5, size=(len(truth), WIDTH))
    return pooled, truth, [f'voice{index:02}' for index in voice_ids], centroids


def test_the_centroids_are_those_without_the_voices():
    pooled, truth, voices, centroids = made()
    prior = fit_prior(pooled, truth, voices, [2.0] * len(truth), LABELS, np.zeros((3, WIDTH)))
    assert np.abs(prior.centroids - centroids).max() < 0.2


def test_voices_that_lack_an_emotion_do_not_bend_them():
    pooled, truth, voices, centroids = made(lacking=8)
    prior = fit_prior(pooled, truth, voices, [2.0] * len(truth), LABELS, np.zeros((3, WIDTH)))
    apart = prior.centroids - prior.centroids[0] - (centroids - centroids[0])
    assert np.abs(apart).max() < 0.3
    plain = np.stack([pooled[truth == label].mean(axis=0) for label in range(3)])
    assert np.abs(plain - plain[0] - (centroids - centroids[0])).max() > 2 * np.abs(apart).max()


def test_the_prior_is_worth_more_where_voices_differ_less():
    pooled, truth, voices, _ = made()
    counts = fit_prior(pooled, truth, voices, [2.0] * len(truth), LABELS, np.zeros((3, WIDTH))).prior_counts
    assert counts[4] > 3 * counts[:4].max()
    assert (counts >= 0.5).all()
    assert (counts <= 50.0).all()


def test_one_voice_gives_no_prior():
    pooled, truth, _, _ = made()
    assert fit_prior(pooled, truth, ['one'] * len(truth), [2.0] * len(truth), LABELS, np.zeros((3, WIDTH))) is None


def test_a_label_without_clips_is_expected_in_the_middle_of_the_others():
    pooled, truth, voices, centroids = made()
    known = truth < 2
    some = [voice for voice, is_known in zip(voices, known, strict=True) if is_known]
    prior = fit_prior(pooled[known], truth[known], some, [2.0] * len(some), LABELS, np.zeros((3, WIDTH)))
    assert np.abs(prior.centroids[:2] - centroids[:2]).max() < 0.2
    np.testing.assert_allclose(prior.centroids[2], prior.centroids[:2].mean(axis=0), rtol=1e-5)


def test_the_typical_utterance_is_the_median():
    pooled, truth, voices, _ = made()
    durations = np.linspace(1.0, 3.0, len(truth))
    durations[-1] = 60.0
    prior = fit_prior(pooled, truth, voices, durations, LABELS, np.zeros((3, WIDTH)))
    assert abs(prior.typical_duration - 2.0) < 0.01
