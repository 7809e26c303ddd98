# SPDX-License-Identifier: Apache-2.0
"""A pretrained student keeps what it knows: a narrow encoder does what the whole one did, as far as it can."""

import copy

import pytest
import torch
import transformers
from tiny_models import WAV2VEC2, WHISPER

from ser_ros.training.pretraining.beginning import narrow


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return transformers.WhisperModel(transformers.WhisperConfig(**WHISPER)).get_encoder().eval()


@pytest.fixture
def inputs(encoder):
    frames = 2 * encoder.config.max_source_positions
    return list(torch.randn(6, 1, 80, frames, generator=torch.Generator().manual_seed(1)))


def answers(encoder, inputs):
    with torch.inference_mode():
        return torch.cat([encoder(each).last_hidden_state for each in inputs])


def test_all_units_do_what_they_did(encoder, inputs):
    before = answers(encoder, inputs)
    narrow(encoder, encoder.config.encoder_ffn_dim, inputs)
    torch.testing.assert_close(answers(encoder, inputs), before, atol=5e-3, rtol=1e-3)


def test_some_units_do_nearly_what_all_did_because_their_outputs_are_fitted_anew(encoder, inputs):
    before = answers(encoder, inputs)
    units = encoder.config.encoder_ffn_dim // 2
    cut = copy.deepcopy(encoder)
    narrow(encoder, units, inputs)
    for whole, narrowed in zip(cut.layers, encoder.layers, strict=True):
        assert narrowed.fc1.out_features == narrowed.fc2.in_features == units
        kept = [bool((narrowed.fc1.weight == unit).all(dim=1).any()) for unit in whole.fc1.weight]
        assert sum(kept) == units
        with torch.no_grad():
            whole.fc2.weight[:, [not one for one in kept]] = 0.0
    fitted, merely_cut = ((answers(each, inputs) - before).square().mean() for each in (encoder, cut))
    assert fitted < 0.8 * merely_cut
    assert encoder.config.encoder_ffn_dim == units


@pytest.mark.parametrize('units', [-1, 10**6])
def test_more_units_than_there_are_are_refused(refuses, encoder, inputs, units):
    with refuses(f'feed_forward is {units}; give 1 to'):
        narrow(encoder, units, inputs)


def test_another_family_is_refused(refuses, inputs):
    wav2vec2 = transformers.Wav2Vec2Model(transformers.Wav2Vec2Config(**WAV2VEC2))
    with refuses("feed_forward is for Whisper encoders, not for 'wav2vec2'"):
        narrow(wav2vec2, 8, inputs)
