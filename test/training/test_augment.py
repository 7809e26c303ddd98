# SPDX-License-Identifier: Apache-2.0
"""Augmentation: what is varied, by how much, and that the same generator gives the same variant."""

import numpy as np
import pytest

from ser_ros.training.augment import add_noise, draw_variation, mask_features, vary_sound
from ser_ros.training.recipe import Augmentation

RATE = 16_000


@pytest.fixture
def generator():
    return np.random.default_rng(5)


def vary(sound, speech, augmentation, generator):
    variation = draw_variation(len(sound) / RATE, speech, augmentation, generator)
    varied = vary_sound(sound, variation, generator)
    assert len(varied) == pytest.approx(variation.duration * RATE, abs=2)
    return varied


def test_a_clip_is_cut_at_the_drawn_margins(made_sound, generator):
    sound = made_sound('white noise', 4.0)
    for _ in range(20):
        cut = vary(sound, (1.0, 3.0), Augmentation(margin_before=(0.1, 0.3), margin_after=(0.0, 0.5)), generator)
        assert 2.1 * RATE - 1 <= len(cut) <= 2.8 * RATE + 1


def test_margins_beyond_the_clip_end_with_it(made_sound, generator):
    sound = made_sound('white noise', 2.0)
    wide = Augmentation(margin_before=(5.0, 5.0), margin_after=(5.0, 5.0))
    np.testing.assert_array_equal(vary(sound, (0.5, 1.5), wide, generator), sound)


def test_a_cut_leaves_enough_for_features(made_sound, generator):
    clipped = Augmentation(margin_before=(-0.5, -0.5), margin_after=(-0.5, -0.5))
    assert len(vary(made_sound('white noise', 2.0), (0.5, 1.0), clipped, generator)) >= 0.29 * RATE


def test_speed_moves_tempo_and_pitch_together(made_sound, generator):
    fast = Augmentation(whole_clip_probability=1.0, speed=(1.25, 1.25))
    faster = vary(made_sound('tone', 2.0), (0.0, 2.0), fast, generator)
    assert len(faster) == pytest.approx(2.0 / 1.25 * RATE, abs=2)
    assert np.abs(np.fft.rfft(faster)).argmax() * RATE / len(faster) == pytest.approx(1250, abs=2)


def test_noise_is_added_as_often_and_as_loud_as_asked(made_sound, generator):
    sound = made_sound('tone', 1.0)
    noisy = Augmentation(whole_clip_probability=1.0, noise_probability=0.5, noise_snr=(20.0, 20.0))
    noises = [vary(sound, (0.0, 1.0), noisy, generator) - sound for _ in range(40)]
    added = [np.mean(noise**2) for noise in noises if np.any(noise)]
    assert 10 <= len(added) <= 30
    np.testing.assert_allclose(10 * np.log10(np.mean(sound**2) / added), 20.0, atol=0.1)


@pytest.mark.parametrize('colour', [0.0, 1.0, 2.0])
def test_noise_has_the_asked_power_and_colour(made_sound, generator, colour):
    sound = made_sound('tone', 4.0)
    noise = add_noise(sound, 20.0, colour, generator) - sound
    assert 10 * np.log10(np.mean(sound**2) / np.mean(noise**2)) == pytest.approx(20.0, abs=0.1)
    power = np.abs(np.fft.rfft(noise)) ** 2
    low, high = power[400:800].mean(), power[4000:8000].mean()
    assert np.log10(low / high) == pytest.approx(colour, abs=0.15)


def test_masks_are_within_their_bounds(generator):
    features = np.ones((50, 3 * 20), dtype=np.float32)
    augmentation = Augmentation(masks=1, time_mask=0.2, frequency_mask=0.25)
    for _ in range(20):
        masked = mask_features(features, 20, augmentation, generator).reshape(50, 3, 20)
        assert (masked == 0).all(axis=(1, 2)).sum() <= 10
        assert (masked == 0).all(axis=(0, 1)).sum() <= 5
    assert (features == 1).all()


def test_without_augmentation_only_the_utterance_is_cut(made_sound, generator):
    sound = made_sound('white noise', 2.0)
    same = vary(sound, (0.5, 1.5), Augmentation(), generator)
    np.testing.assert_array_equal(same, sound[int(0.2 * RATE) : int(1.5 * RATE)])
    features = np.ones((5, 8), dtype=np.float32)
    np.testing.assert_array_equal(mask_features(features, 4, Augmentation(), generator), features)
