# SPDX-License-Identifier: Apache-2.0
"""What a student is to reproduce: every dimension at one scale, and directions of little variance raised as asked."""

import pytest
import torch

from ser_ros.training.pretraining.whitening import Whitening

ROWS, LAYERS, WIDTH = 4000, 2, 6


@pytest.fixture
def states() -> torch.Tensor:
    """Return states whose dimensions differ in scale and depend on each other."""
    generator = torch.Generator().manual_seed(3)
    free = torch.randn(ROWS, LAYERS, WIDTH, generator=generator)
    mixed = free @ torch.randn(WIDTH, WIDTH, generator=generator)
    return mixed * torch.tensor([100.0, 1.0, 0.1, 1.0, 30.0, 1.0]) + 7


def whitened(states: torch.Tensor, strength: float) -> torch.Tensor:
    return Whitening.of(states, strength)(states)


def variances(states: torch.Tensor) -> torch.Tensor:
    """Return those of the principal components, smallest first: shape (layers, width)."""
    return torch.linalg.eigvalsh(torch.stack([layer.T.cov() for layer in states.unbind(1)]))


def test_without_strength_every_dimension_gets_the_deviation_1_and_stays_what_it_is(states):
    expected = (states - states.mean(dim=0)) / states.std(dim=0)
    torch.testing.assert_close(whitened(states, 0.0), expected, rtol=1e-3, atol=1e-3)


def test_with_full_strength_all_directions_vary_alike(states):
    torch.testing.assert_close(variances(whitened(states, 1.0)), torch.ones(LAYERS, WIDTH), rtol=1e-2, atol=0)


def test_with_some_strength_small_directions_are_raised_in_part(states):
    before, after = variances(whitened(states, 0.0)), variances(whitened(states, 0.6))
    torch.testing.assert_close(after, before**0.4, rtol=1e-2, atol=0)


def test_a_dimension_that_never_changes_stays_finite(states):
    states[:, :, 2] = 5.0
    for strength in (0.0, 1.0):
        assert torch.isfinite(whitened(states, strength)).all()


def test_none_changes_nothing(states):
    torch.testing.assert_close(Whitening.none(LAYERS, WIDTH)(states), states)
    assert Whitening.none().layers == 0


def test_half_precision_that_surrounds_it_does_not_round_small_directions_away(states):
    whitening = Whitening.of(states, 1.0)
    expected = whitening(states)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        torch.testing.assert_close(whitening(states), expected, rtol=0, atol=0)


def test_of_the_directions_those_are_kept_in_which_means_differ_and_all_are_alike():
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(60, 50, LAYERS, WIDTH, generator=generator) * torch.tensor([1.0, 90.0, 1.0, 1.0, 30.0, 1.0])
    rows[:, :, 0, 2] += 3.0 * torch.randn(60, 1, generator=generator)  # all else averages out over time
    rows[:, :, 1, 0] += 3.0 * torch.randn(60, 1, generator=generator)
    whitening = Whitening.of_means(list(rows), 1)
    assert whitening.width == 1 and whitening.layers == LAYERS
    kept = whitening(rows.flatten(0, 1))
    torch.testing.assert_close(kept.std(dim=0), torch.ones(LAYERS, 1), rtol=1e-3, atol=0)
    for layer, dimension in ((0, 2), (1, 0)):
        both = torch.stack([kept[:, layer, 0], rows.flatten(0, 1)[:, layer, dimension]])
        assert both.corrcoef()[0, 1].abs() > 0.95


def test_all_directions_can_be_kept(states):
    whitening = Whitening.of_means(list(states.split(100)), WIDTH)
    torch.testing.assert_close(whitening(states).std(dim=0), torch.ones(LAYERS, WIDTH), rtol=1e-3, atol=0)
