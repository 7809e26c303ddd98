# SPDX-License-Identifier: Apache-2.0
"""Labels that a corpus does not have count neither for nor against."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from ser_ros.training.learning.loss import masked_cross_entropy

ALL = torch.ones(4, 3, dtype=torch.bool)


@pytest.fixture
def batch():
    """Return logits and targets of four utterances and three labels."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(4, 3, generator=generator), torch.randn(4, 3, generator=generator).softmax(dim=-1)


@pytest.mark.parametrize('smoothing', [0.0, 0.2])
@pytest.mark.parametrize('weights', [None, torch.tensor([1.0, 2.0, 0.5])])
def test_with_all_labels_known_it_is_torchs(batch, weights, smoothing):
    logits, targets = batch
    loss = masked_cross_entropy(logits, targets, ALL, weights=weights, smoothing=smoothing)
    assert loss.item() == pytest.approx(
        cross_entropy(logits, targets, weight=weights, label_smoothing=smoothing).item()
    )


@pytest.mark.parametrize('smoothing', [0.0, 0.2])
def test_what_is_not_known_is_as_if_it_were_not_there(batch, smoothing):
    logits, _ = batch
    targets = torch.eye(3)[[0, 1, 1, 0]]
    known = ALL & torch.tensor([True, True, False])
    loss = masked_cross_entropy(logits, targets, known, smoothing=smoothing)
    smaller = cross_entropy(logits[:, :2], targets[:, :2], label_smoothing=smoothing)
    assert loss.item() == pytest.approx(smaller.item())


def test_what_a_teacher_says_of_unknown_labels_is_shared_out(batch):
    logits, targets = batch
    known = ALL & torch.tensor([True, True, False])
    shared = targets[:, :2] / targets[:, :2].sum(dim=-1, keepdim=True)
    assert masked_cross_entropy(logits, targets, known).item() == pytest.approx(
        cross_entropy(logits[:, :2], shared).item()
    )


def test_no_gradient_reaches_what_is_not_known(batch):
    logits = batch[0].requires_grad_()
    known = torch.tensor([[True, True, False]] * 2 + [[True, True, True]] * 2)
    masked_cross_entropy(logits, torch.eye(3)[[0, 1, 2, 0]], known, smoothing=0.1).backward()
    assert logits.grad is not None
    assert logits.grad[:2, 2].tolist() == [0.0, 0.0]
    assert (logits.grad[2:, 2] != 0.0).all()
    assert torch.isfinite(logits.grad).all()
