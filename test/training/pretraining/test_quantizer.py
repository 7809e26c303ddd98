# SPDX-License-Identifier: Apache-2.0
"""The codes that nobody learned tell sounds apart and nothing else."""

import numpy as np
import pytest
import torch

from ser_ros.training.pretraining.quantizer import RandomQuantizer


@pytest.fixture(scope='module')
def sweep():
    seconds = np.arange(32_000) / 16_000
    noise = np.random.default_rng(1).normal(scale=0.02, size=len(seconds))
    return (0.3 * np.sin(2 * np.pi * (200 * seconds + 900 * seconds**2)) + noise).astype(np.float32)


@pytest.fixture(scope='module')
def quantizer():
    return RandomQuantizer(64, 16, seed=0)


@pytest.mark.parametrize('rows', [1, 7, 50, 100])
def test_each_row_has_a_code_in_range(quantizer, sweep, rows):
    codes = quantizer(sweep, rows)
    assert codes.shape == (rows,) and codes.dtype == torch.int32
    assert int(codes.min()) >= 0 and int(codes.max()) < 64


def test_the_seed_alone_draws_the_codes(quantizer, sweep):
    torch.manual_seed(99)
    assert torch.equal(RandomQuantizer(64, 16, seed=0)(sweep, 50), quantizer(sweep, 50))
    assert not torch.equal(RandomQuantizer(64, 16, seed=1)(sweep, 50), quantizer(sweep, 50))


def test_level_and_colour_do_not_matter_but_the_sound_does(quantizer, sweep):
    codes = quantizer(sweep, 50)
    assert (quantizer(0.2 * sweep, 50) == codes).float().mean() > 0.95
    tilted = np.append(sweep[0], sweep[1:] - 0.7 * sweep[:-1]).astype(np.float32)
    assert (quantizer(tilted, 50) == codes).float().mean() > 0.8
    assert len(codes.unique()) > 8
    assert (quantizer(sweep[::-1].copy(), 50) == codes).float().mean() < 0.5


def test_silence_has_codes(quantizer):
    assert quantizer(np.zeros(8_000, dtype=np.float32), 12).shape == (12,)


def test_more_codes_than_16_bits_hold_are_kept(sweep):
    assert int(RandomQuantizer(40_000, 16, seed=0)(sweep, 100).min()) >= 0
