# SPDX-License-Identifier: Apache-2.0
"""A classifier that trains without the offsets of its voices, and is left as it was."""

import numpy as np
import pytest
import torch
from tiny_models import build_model

from ser_ros.recognition.frontend import Frontend
from ser_ros.training.learning.voice_offsets import VoiceOffsets

VOICES, LABELS, WIDTH = 4, 2, 3
CENTROIDS = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
OFFSETS = torch.tensor([[3.0, 0.0, 1.0], [-3.0, 1.0, 0.0], [0.0, -2.0, 2.0], [0.0, 1.0, -3.0]])


def batches(count, size=8):
    """Yield pooled states, voices and targets."""
    draw = torch.Generator().manual_seed(0)
    for _ in range(count):
        voices = torch.randint(VOICES, (size,), generator=draw)
        labels = torch.randint(LABELS, (size,), generator=draw)
        noise = 0.1 * torch.randn(size, WIDTH, generator=draw)
        yield CENTROIDS[labels] + OFFSETS[voices] + noise, voices, torch.eye(LABELS)[labels]


def heard(count, share=1.0):
    """Return one that has heard so many batches."""
    offsets = VoiceOffsets(VOICES, LABELS, WIDTH, share=share)
    for pooled, voices, targets in batches(count):
        offsets.prepare(voices, targets)
        offsets(pooled)
    return offsets


def test_what_it_has_heard_enough_of_comes_without_the_voice():
    offsets = heard(100)
    pooled, voices, targets = next(batches(1))
    offsets.prepare(voices, targets)
    left = offsets(pooled) - targets @ CENTROIDS
    assert left.std(dim=0).max() < 0.5
    assert (pooled - targets @ CENTROIDS).std(dim=0).max() > 1.5


def test_the_first_batch_passes_as_it_is():
    offsets = VoiceOffsets(VOICES, LABELS, WIDTH, share=1.0)
    pooled, voices, targets = next(batches(1))
    offsets.prepare(voices, targets)
    assert torch.equal(offsets(pooled), pooled)


def test_unknown_voices_and_those_that_are_not_in_the_share_pass_as_they_are():
    offsets = heard(100)
    pooled, voices, targets = next(batches(1))
    offsets.prepare(torch.full_like(voices, -1), targets)
    assert torch.equal(offsets(pooled), pooled)
    offsets = heard(100, share=0.5)
    passed = [
        (offsets.prepare(voices, targets), (offsets(pooled) == pooled).all(dim=1).float().mean())[1]
        for pooled, voices, targets in batches(50)
    ]
    assert np.mean(passed) == pytest.approx(0.5, abs=0.1)


def test_outside_training_nothing_is_taken_or_learned():
    offsets = heard(100)
    before = {name: value.clone() for name, value in offsets.state_dict().items()}
    pooled, voices, targets = next(batches(1))
    offsets.eval()
    offsets.prepare(voices, targets)
    assert torch.equal(offsets(pooled), pooled)
    assert all(torch.equal(value, before[name]) for name, value in offsets.state_dict().items())


def test_gradients_reach_the_encoder():
    offsets = heard(10)
    pooled, voices, targets = next(batches(1))
    pooled.requires_grad_()
    offsets.prepare(voices, targets)
    offsets(pooled).sum().backward()
    assert torch.equal(pooled.grad, torch.ones_like(pooled))


@pytest.mark.parametrize('family', ['wav2vec2-group', 'whisper'])
def test_a_classifier_has_it_until_it_is_detached(family):
    model, extractor = build_model(family)
    sound = np.random.default_rng(0).normal(scale=0.1, size=16_000)
    inputs = Frontend(extractor, model.config)([sound.astype(np.float32)])
    names, before = list(model.state_dict()), model(**inputs).logits
    offsets = VoiceOffsets.attach(model, VOICES, share=1.0)
    model.train()
    assert 'voice_offsets.offsets' in model.state_dict()
    for _ in range(5):
        offsets.prepare(torch.tensor([1]), torch.eye(model.config.num_labels)[:1])
        model(**inputs)
    assert offsets.voice_counts.tolist() == [0.0, 5.0, 0.0, 0.0]
    offsets.detach(model)
    assert list(model.state_dict()) == names
    assert torch.equal(model.eval()(**inputs).logits, before)
