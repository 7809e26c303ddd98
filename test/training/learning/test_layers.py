# SPDX-License-Identifier: Apache-2.0
"""Which weights learn and how fast, by layer."""

from dataclasses import replace

import pytest
import torch
import transformers

from ser_ros.training.learning.layers import freeze, head_names, layer_of, parameter_groups
from ser_ros.training.learning.recipe import Network, Optimisation

LAYERS = 3
OPTIMISATION = Optimisation(epochs=1, batch_size=1, learning_rate=1.0)
HEAD = {'layer_weights', 'projector.weight', 'projector.bias', 'classifier.weight', 'classifier.bias'}


@pytest.fixture(params=['wav2vec2', 'whisper', 'wav2vec2-bert'])
def model(request):
    """Return a classifier of three layers with a weighted layer sum."""
    sizes = {'num_hidden_layers': LAYERS, 'hidden_size': 8, 'num_attention_heads': 1, 'intermediate_size': 8}
    if request.param == 'whisper':
        sizes = {'encoder_layers': LAYERS, 'd_model': 8, 'encoder_attention_heads': 1, 'encoder_ffn_dim': 8}
    if request.param == 'wav2vec2':
        sizes |= {'conv_dim': (8,) * 7, 'num_conv_pos_embeddings': 4, 'num_conv_pos_embedding_groups': 1}
    config = transformers.AutoConfig.for_model(
        request.param, **sizes, classifier_proj_size=4, use_weighted_layer_sum=True, num_labels=2
    )
    return transformers.AutoModelForAudioClassification.from_config(config)


def names(model) -> set[str]:
    return {name for name, _ in model.named_parameters()}


def learning(model) -> set[str]:
    return {name for name, parameter in model.named_parameters() if parameter.requires_grad}


def rates(model, optimisation: Optimisation, decaying=frozenset()) -> dict[str, float]:
    """Return the learning rate of each parameter that has one."""
    of_parameter = {
        parameter: group['lr']
        for group in parameter_groups(model, optimisation, set(decaying))
        for parameter in group['params']
    }
    return {name: of_parameter[parameter] for name, parameter in model.named_parameters() if parameter in of_parameter}


def test_the_head_is_what_comes_after_the_encoder(model):
    assert head_names(model) == HEAD


def test_layers_are_counted_from_the_input(model):
    layers = {layer_of(name) for name in names(model)}
    assert layers == {-1, 0, 1, 2}
    assert {layer_of(name) for name in HEAD} == {-1}


def test_nothing_is_frozen_unasked(model):
    before = learning(model)
    freeze(model, Network())
    assert learning(model) == before


def test_the_feature_encoder_alone_is_frozen(model):
    before = learning(model)
    freeze(model, Network(freeze_feature_encoder=True))
    expected = {
        'wav2vec2': 'wav2vec2.feature_extractor.',
        'whisper': ('encoder.conv1.', 'encoder.conv2.'),
        'wav2vec2-bert': (),  # it has no convolutions before its layers
    }[model.config.model_type]
    assert before - learning(model) == {name for name in names(model) if name.startswith(expected)}


@pytest.mark.parametrize('network', [Network(freeze_feature_encoder=True), Network(frozen_layers=1)])
def test_no_gradient_goes_back_into_a_frozen_feature_encoder(network):
    config = transformers.Wav2Vec2Config(
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
        conv_dim=(8,) * 7,
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=1,
    )
    model = transformers.Wav2Vec2ForSequenceClassification(config).train()
    assert model.wav2vec2.feature_extractor(torch.randn(1, 4000)).requires_grad
    freeze(model, network)
    assert not model.wav2vec2.feature_extractor(torch.randn(1, 4000)).requires_grad


def test_lower_layers_are_frozen_with_all_before_them(model):
    freeze(model, Network(frozen_layers=2))
    left = learning(model)
    assert left >= HEAD
    assert {layer_of(name) for name in left - HEAD} == {2}
    assert {name for name in names(model) if layer_of(name) == 2} <= left


def test_more_frozen_layers_than_there_are_is_refused(refuses, model):
    with refuses('network.frozen_layers is 4', 'has 3'):
        freeze(model, Network(frozen_layers=4))


def test_every_parameter_that_learns_is_in_one_group(model):
    freeze(model, Network(freeze_feature_encoder=True))
    groups = parameter_groups(model, OPTIMISATION, set())
    grouped = [parameter for group in groups for parameter in group['params']]
    assert len(grouped) == len(learning(model))
    assert set(rates(model, OPTIMISATION)) == learning(model)


def test_without_decay_and_head_rate_all_learn_alike(model):
    assert set(rates(model, OPTIMISATION).values()) == {1.0}


def test_each_layer_below_learns_slower_and_the_head_at_its_own_rate(model):
    varied = rates(model, replace(OPTIMISATION, layer_decay=0.5, head_learning_rate=3.0))
    for name, rate in varied.items():
        expected = 3.0 if name in HEAD else {2: 1.0, 1: 0.5, 0: 0.25, -1: 0.125}[layer_of(name)]
        assert rate == pytest.approx(expected), name


def test_weights_decay_where_they_should(model):
    decaying = {name for name in names(model) if name.endswith('weight')}
    groups = parameter_groups(model, replace(OPTIMISATION, weight_decay=0.1), decaying)
    for name in learning(model):
        parameter = model.get_parameter(name)
        decays = [group['weight_decay'] for group in groups if any(parameter is other for other in group['params'])]
        assert decays == [0.1 if name in decaying else 0.0], name
