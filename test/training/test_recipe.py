# SPDX-License-Identifier: Apache-2.0
"""Recipes: read, changed from the command line, and refused where a key or a value does not fit."""

import pytest

from ser_ros.training.model import new_config, new_feature_extractor
from ser_ros.training.recipe import load_recipe, parse_recipe, recipes_folder

MINIMAL = """
description: least
network: {model_type: wav2vec2-bert}
feature_extraction: {type: SeamlessM4TFeatureExtractor}
optimisation: {epochs: 1, batch_size: 2, learning_rate: 1e-3}
"""


def test_a_recipe_is_read_with_defaults_for_what_it_leaves_out():
    recipe = parse_recipe(MINIMAL)
    assert recipe.network.model_type == 'wav2vec2-bert'
    assert recipe.optimisation.learning_rate == 0.001
    assert recipe.augmentation.speed == (1.0, 1.0)
    assert recipe.seed == 0


def test_any_value_can_be_set():
    settings = ['optimisation.epochs=7', 'augmentation.speed=[0.9, 1.1]', 'network.config.hidden_size=8', 'seed=3']
    recipe = parse_recipe(MINIMAL, settings)
    assert recipe.optimisation.epochs == 7
    assert recipe.augmentation.speed == (0.9, 1.1)
    assert recipe.network.config == {'hidden_size': 8}
    assert recipe.seed == 3


@pytest.mark.parametrize(
    ('setting', 'texts'),
    [
        ('optimisation.epoch=3', ("'optimisation.epoch'", "did you mean 'epochs'")),
        ('sed=3', ("'sed'", "did you mean 'seed'")),
        ('optimisation.epochs', ('no value', 'key=value')),
        ('seed.deep=1', ("'seed' is a value",)),
        ('optimisation.epochs=many', ('optimisation.epochs', "'many'", 'whole number')),
        ('optimisation.epochs=2.5', ('2.5', 'whole number')),
        ('optimisation.bfloat16=1', ('true or false',)),
        ('augmentation.speed=1.0', ('augmentation.speed', 'two numbers')),
        ('augmentation.speed=[1.2, 0.8]', ('rising order',)),
        ('optimisation={', ('not valid YAML',)),
        ('optimisation=3', ("'optimisation' must be a group",)),
    ],
)
def test_what_does_not_fit_is_refused(refuses, setting, texts):
    with refuses(*texts):
        parse_recipe(MINIMAL + 'seed: 1\n', [setting])


def test_a_missing_key_is_named(refuses):
    with refuses("'optimisation.learning_rate' is missing"):
        parse_recipe(MINIMAL.replace(', learning_rate: 1e-3', ''))


def test_an_unknown_recipe_is_refused_with_the_nearest(refuses):
    with refuses("no recipe 'defualt'", "did you mean 'default'"):
        load_recipe('defualt')


@pytest.mark.parametrize('path', sorted(recipes_folder().glob('*.yaml')), ids=lambda path: path.stem)
def test_every_recipe_that_ships_can_be_built(path):
    recipe = load_recipe(path.stem)
    assert new_config(recipe.network, ('a', 'b')).id2label == {0: 'a', 1: 'b'}
    assert new_feature_extractor(recipe.feature_extraction).sampling_rate == 16_000


@pytest.mark.parametrize(
    ('setting', 'texts'),
    [
        ('network.model_type=bert', ("'bert'", 'wav2vec2-bert')),
        ('network.config.hiden_size=8', ("'network.config.hiden_size'", "did you mean 'hidden_size'")),
        ('feature_extraction.type=Trainer', ("'Trainer'", 'SeamlessM4TFeatureExtractor')),
        ('feature_extraction.config.strid=8', ("'feature_extraction.config.strid'", "did you mean 'stride'")),
    ],
)
def test_what_transformers_does_not_know_is_refused(refuses, setting, texts):
    recipe = parse_recipe(MINIMAL, [setting])
    with refuses(*texts):
        new_config(recipe.network, ('a', 'b'))
        new_feature_extractor(recipe.feature_extraction)
