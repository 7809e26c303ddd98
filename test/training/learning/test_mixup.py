# SPDX-License-Identifier: Apache-2.0
"""Two utterances at once count as both, each by how much of it is heard."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from ser_ros.training.learning.loss import masked_cross_entropy
from ser_ros.training.learning.mixup import Mixture

ALL = torch.ones(4, 3, dtype=torch.bool)
TARGETS = torch.eye(3)[[0, 1, 2, 1]]


@pytest.fixture
def mixture() -> Mixture:
    """Return one of four utterances, of which the last stays as it is."""
    return Mixture(torch.tensor([2, 0, 1, 3]), torch.tensor([0.5, 0.75, 0.9, 0.6]))


@pytest.fixture
def logits() -> torch.Tensor:
    return torch.randn(4, 3, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize('alpha', [0.001, 0.2, 1.0, 10.0])
def test_each_utterance_is_a_partner_once_and_keeps_at_least_a_half(alpha):
    drawn = Mixture.draw(1000, alpha, torch.device('cpu'))
    assert sorted(drawn.partners.tolist()) == list(range(1000))
    assert drawn.shares.dtype == torch.float32
    assert drawn.shares.min() >= 0.5 and drawn.shares.max() <= 1.0


def test_the_smaller_alpha_the_less_is_mixed():
    kept = [Mixture.draw(5000, alpha, torch.device('cpu')).shares.mean().item() for alpha in (0.1, 0.4, 1.0, 10.0)]
    assert kept == sorted(kept, reverse=True)
    assert kept[2] == pytest.approx(0.75, abs=0.02)  # uniform between a half and one


def test_the_same_seed_draws_the_same():
    drawn = []
    for _ in range(2):
        torch.manual_seed(7)
        drawn.append(Mixture.draw(8, 0.4, torch.device('cpu')))
    assert torch.equal(drawn[0].partners, drawn[1].partners) and torch.equal(drawn[0].shares, drawn[1].shares)


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_features_are_added_by_their_shares(mixture, dtype):
    features = torch.arange(24.0, dtype=dtype).reshape(4, 3, 2)
    mixed = mixture.of({'input_features': features})['input_features']
    assert mixed.dtype == dtype
    torch.testing.assert_close(mixed[0], (features[0] + features[2]) / 2)
    torch.testing.assert_close(mixed[1], (3 * features[1] + features[0]) / 4)
    torch.testing.assert_close(mixed[3], features[3])


def test_a_mask_holds_where_one_of_the_two_is_heard(mixture):
    mask = torch.tensor([[1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]])
    mixed = mixture.of({'attention_mask': mask})['attention_mask']
    assert mixed.tolist() == [[1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]


@pytest.mark.parametrize('smoothing', [0.0, 0.1])
@pytest.mark.parametrize('weights', [None, torch.tensor([1.0, 2.0, 0.5])])
def test_the_loss_is_that_of_mixed_targets(mixture, logits, weights, smoothing):
    mixed = mixture.of({'targets': TARGETS})['targets']
    loss = mixture.cross_entropy(logits, TARGETS, ALL, weights=weights, smoothing=smoothing)
    assert loss.item() == pytest.approx(cross_entropy(logits, mixed, weight=weights, label_smoothing=smoothing).item())


def test_labels_that_one_of_the_two_does_not_know_count_for_the_other(mixture, logits):
    known = ALL.clone()
    known[0, 1] = False
    loss = mixture.cross_entropy(logits, TARGETS, known)
    each = [
        share * masked_cross_entropy(logits[row : row + 1], TARGETS[of : of + 1], known[of : of + 1])
        for row, (partner, kept) in enumerate(zip(mixture.partners.tolist(), mixture.shares, strict=True))
        for of, share in ((row, kept), (partner, 1.0 - kept))
    ]
    assert loss.item() == pytest.approx(sum(each).item() / 4)


def test_whole_utterances_have_the_usual_loss(logits):
    whole = Mixture(torch.tensor([1, 0, 3, 2]), torch.ones(4))
    assert whole.cross_entropy(logits, TARGETS, ALL).item() == pytest.approx(
        masked_cross_entropy(logits, TARGETS, ALL).item()
    )
    assert torch.equal(whole.of({'input_features': logits})['input_features'], logits)
