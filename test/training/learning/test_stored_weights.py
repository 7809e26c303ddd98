# SPDX-License-Identifier: Apache-2.0
"""A model is stored in the precision that its recipe asks for, and answers as it did when its last layer was fitted."""

import numpy as np
import pytest
import torch
from safetensors import safe_open
from tiny_models import PRETRAINED, save_pretrained_encoder
from transformers import AutoModelForAudioClassification

from ser_ros.recognition.checkpoint import load_checkpoint
from ser_ros.training.finetuning.finetuning_recipe import parse_finetuning_recipe
from ser_ros.training.finetuning.frozen import new_frozen
from ser_ros.training.learning.design import design_classifier
from ser_ros.training.learning.network import save_model

LABELS = ('neutral', 'angry')
CPU = torch.device('cpu')


def make(family, folder, *settings):
    """Return (design, network): the frozen encoder of a family, and a last layer with random weights."""
    width = save_pretrained_encoder(family, folder).config.hidden_size
    text = f'extends: paper\ndescription: shrunken\nnetwork: {{checkpoint: {folder}}}\n'
    settings += ('frozen_encoder.layers=[1]', 'network.config.use_weighted_layer_sum=true')
    settings += (f'network.config.classifier_proj_size={width}', 'stored_weights=float8')
    settings += ('network.window=0.5',) if family == 'whisper' else ()
    recipe = parse_finetuning_recipe(text, settings)
    design = design_classifier(recipe.network, recipe.feature_extraction, LABELS)
    return design, new_frozen(recipe, design).eval()


def types_in(folder):
    with safe_open(folder / 'model.safetensors', framework='pt') as file:
        return {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118 - it is no dictionary


@pytest.mark.parametrize('family', PRETRAINED)
def test_in_float8_it_answers_as_the_rounded_network(family, tmp_path):
    design, network = make(family, tmp_path / 'encoder')
    sound = np.random.default_rng(0).normal(scale=0.1, size=8_000).astype(np.float32)
    with torch.inference_mode():
        before = network(**design.frontend([sound])).logits
    save_model(network, design.feature_extractor, tmp_path / 'model', stored_weights='float8')
    checkpoint = load_checkpoint(tmp_path / 'model', CPU)
    plain = AutoModelForAudioClassification.from_pretrained(tmp_path / 'model', dtype=torch.float32).eval()
    for loaded in (checkpoint.model, plain):
        assert {weight.dtype for weight in loaded.parameters()} == {torch.float32}
        with torch.inference_mode():
            # What is no matrix, and the last layer, is rounded to float16.
            torch.testing.assert_close(loaded(**checkpoint.frontend([sound])).logits, before, atol=5e-3, rtol=0.0)


def test_its_matrices_take_a_byte_each_and_the_rest_two(tmp_path):
    design, network = make('whisper', tmp_path / 'encoder')
    save_model(network, design.feature_extractor, tmp_path / 'model', stored_weights='float8')
    types = types_in(tmp_path / 'model')
    matrices = {'encoder.conv2.weight', 'encoder.layers.0.fc1.weight', 'encoder.layers.1.self_attn.q_proj.weight'}
    others = {'encoder.conv2.bias', 'encoder.embed_positions.weight', 'encoder.layer_norm.weight', 'classifier.weight'}
    assert {types[name] for name in matrices} == {'F8_E4M3'}
    assert {types[name] for name in others} == {'F16'}


def test_the_encoder_is_rounded_before_the_last_layer_is_fitted(tmp_path):
    _, network = make('whisper', tmp_path / 'encoder')
    for weight in (network.encoder.conv1.weight, network.encoder.layers[0].fc1.weight):
        torch.testing.assert_close(weight, weight.to(torch.float8_e4m3fn).float(), atol=0.0, rtol=0.0)


def test_weights_that_float8_cannot_hold_are_refused(tmp_path, refuses, monkeypatch):
    def scaled(design):
        network = AutoModelForAudioClassification.from_config(design.config)
        with torch.no_grad():
            network.encoder.layers[0].fc1.weight.fill_(449.0)
        return network

    monkeypatch.setattr('ser_ros.training.finetuning.frozen.new_classifier', scaled)
    with refuses('float8 cannot hold encoder.layers.0.fc1.weight', 'stored_weights=float16'):
        make('whisper', tmp_path / 'encoder')


def test_an_encoder_that_learns_is_not_stored_in_float8(refuses):
    with refuses('stored_weights=float8', 'set it to float16, or give frozen_encoder.layers'):
        parse_finetuning_recipe(
            'extends: paper\ndescription: made\nnetwork: {checkpoint: made}\nstored_weights: float8\n'
        )
