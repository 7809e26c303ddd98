# SPDX-License-Identifier: Apache-2.0
"""SpecAugment in each layout of mel features: what is masked, how much at most, and that the seed decides alone."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from transformers import (
    ASTFeatureExtractor,
    SeamlessM4TFeatureExtractor,
    Wav2Vec2FeatureExtractor,
    WhisperFeatureExtractor,
)

from ser_ros.training.learning.masks import Masks
from ser_ros.training.learning.recipe import Augmentation

BANDS, STEPS, STRIDE = 40, 60, 4
ONE_OF_EACH = Augmentation(masks=1, time_mask=0.2, frequency_mask=0.25)


@dataclass(frozen=True)
class Layout:
    """shape: of the features; as_steps: to (STEPS, frames of a step, BANDS)."""

    extractor: object
    shape: tuple[int, ...]
    as_steps: Callable[[torch.Tensor], torch.Tensor]


LAYOUTS = {
    'whisper': Layout(WhisperFeatureExtractor(feature_size=BANDS), (BANDS, STEPS), lambda x: x.T[:, None]),
    'seamless': Layout(
        SeamlessM4TFeatureExtractor(feature_size=BANDS, num_mel_bins=BANDS, stride=STRIDE),
        (STEPS, STRIDE * BANDS),
        lambda x: x.reshape(STEPS, STRIDE, BANDS),
    ),
    'ast': Layout(ASTFeatureExtractor(num_mel_bins=BANDS), (STEPS, BANDS), lambda x: x[:, None]),
}


@pytest.fixture(params=LAYOUTS)
def layout(request) -> Layout:
    return LAYOUTS[request.param]


def made_features(layout: Layout) -> torch.Tensor:
    return torch.rand(layout.shape, generator=torch.Generator().manual_seed(1))


def longest_run(flags: torch.Tensor) -> int:
    longest = run = 0
    for flag in flags.tolist():
        run = run + 1 if flag else 0
        longest = max(longest, run)
    return longest


def test_a_stretch_of_time_and_a_band_are_set_to_the_mean_and_nothing_else(layout):
    features = made_features(layout)
    masks = Masks(ONE_OF_EACH, layout.extractor)
    lengths, widths = set(), set()
    for seed in range(60):
        result = masks(features, seed)
        assert result.shape == features.shape and result.dtype == features.dtype
        masked = layout.as_steps(result != features)
        steps, bands = masked.all(dim=(1, 2)), masked.all(dim=(0, 1))
        assert torch.equal(masked, (steps[:, None, None] | bands).expand_as(masked))
        assert (result[result != features] == features.mean()).all()
        assert longest_run(steps) == steps.sum() and longest_run(bands) == bands.sum()
        lengths.add(int(steps.sum()))
        widths.add(int(bands.sum()))
    assert max(lengths) <= 0.2 * STEPS and max(widths) <= 0.25 * BANDS
    assert len(lengths) > 6 and len(widths) > 6


def test_several_masks_take_at_most_their_shares_together(layout):
    features = made_features(layout)
    masks = Masks(Augmentation(masks=3, time_mask=0.1, frequency_mask=0.1), layout.extractor)
    most = 0
    for seed in range(60):
        masked = layout.as_steps(masks(features, seed) != features)
        steps, bands = masked.all(dim=(1, 2)).sum(), masked.all(dim=(0, 1)).sum()
        assert steps <= 3 * 0.1 * STEPS and bands <= 3 * 0.1 * BANDS
        most = max(most, int(steps))
    assert most > 0.1 * STEPS


@pytest.mark.parametrize('share', ['time_mask', 'frequency_mask'])
def test_time_and_bands_are_masked_apart(layout, share):
    shares = {'time_mask': 0.0, 'frequency_mask': 0.0, share: 0.3}
    masks = Masks(Augmentation(masks=1, **shares), layout.extractor)
    features = made_features(layout)
    some = [layout.as_steps(masks(features, seed) != features) for seed in range(20)]
    whole = [masked.all(dim=(1, 2)).any() if share == 'time_mask' else masked.all(dim=(0, 1)).any() for masked in some]
    other = [masked.all(dim=(0, 1)).any() if share == 'time_mask' else masked.all(dim=(1, 2)).any() for masked in some]
    assert any(whole) and not any(other)


def test_the_seed_decides_and_torchs_own_generator_is_left_alone(layout):
    features = made_features(layout)
    before = features.clone()
    masks = Masks(ONE_OF_EACH, layout.extractor)
    torch.manual_seed(3)
    first = masks(features, 11)
    state = torch.get_rng_state()
    torch.manual_seed(4)
    assert torch.equal(masks(features, 11), first)
    assert not torch.equal(masks(features, 12), first)
    torch.manual_seed(3)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(features, before)


def test_no_masks_leave_the_features_as_they_are(layout):
    features = made_features(layout)
    assert torch.equal(Masks(Augmentation(), layout.extractor)(features, 0), features)


def test_masks_on_samples_are_refused_and_none_are_fine(refuses):
    with refuses('augmentation.masks', 'samples', 'network.config.mask_time_prob'):
        Masks(ONE_OF_EACH, Wav2Vec2FeatureExtractor())
    samples = torch.rand(1600)
    assert torch.equal(Masks(Augmentation(), Wav2Vec2FeatureExtractor())(samples, 0), samples)
