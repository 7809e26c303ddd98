# SPDX-License-Identifier: Apache-2.0
"""Recipes: read, changed from the command line, and refused where a key or a value does not fit."""

import json

import pytest
import transformers

from ser_ros.benchmarking.architectures import ARCHITECTURES
from ser_ros.training.finetuning.finetuning_recipe import (
    finetuning_recipe_names,
    load_finetuning_recipe,
    parse_finetuning_recipe,
)
from ser_ros.training.learning import recipe_file
from ser_ros.training.learning.design import design_classifier
from ser_ros.training.learning.recipe import plain_values

MINIMAL = """
description: least
network: {model_type: wav2vec2-bert}
feature_extraction: {type: SeamlessM4TFeatureExtractor}
optimisation: {epochs: 1, batch_size: 2, learning_rate: 1e-3}
"""

CHECKPOINTS = {
    'wav2vec2-base': 'facebook/wav2vec2-base-960h',
    'xls-r-300m': 'facebook/wav2vec2-xls-r-300m',
    'xls-r-1b': 'patrickvonplaten/wav2vec2-xls-r-1b-common_voice-tr-ft',
    'hubert-large': 'facebook/hubert-large-ls960-ft',
}
"""The study's four."""


def test_a_recipe_is_read_with_defaults_for_what_it_leaves_out():
    recipe = parse_finetuning_recipe(MINIMAL)
    assert recipe.network.model_type == 'wav2vec2-bert'
    assert recipe.optimisation.learning_rate == 0.001
    assert recipe.augmentation.speed == (1.0, 1.0)
    assert recipe.seed == 0


def test_any_value_can_be_set():
    settings = ['optimisation.epochs=7', 'augmentation.speed=[0.9, 1.1]', 'network.config.hidden_size=8', 'seed=3']
    recipe = parse_finetuning_recipe(MINIMAL, settings)
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
        parse_finetuning_recipe(MINIMAL + 'seed: 1\n', [setting])


def test_a_missing_key_is_named(refuses):
    with refuses("'optimisation.learning_rate' is missing"):
        parse_finetuning_recipe(MINIMAL.replace(', learning_rate: 1e-3', ''))


def test_an_unknown_recipe_is_refused_with_the_nearest(refuses):
    with refuses("no recipe 'defualt'", "did you mean 'default'"):
        load_finetuning_recipe('defualt')


@pytest.mark.parametrize('name', finetuning_recipe_names())
def test_every_recipe_that_ships_is_read_and_described(name):
    recipe = load_finetuning_recipe(name)
    assert len(recipe.description) > 20
    assert bool(recipe.network.checkpoint) != bool(recipe.network.model_type)


def test_no_two_recipes_are_described_alike():
    descriptions = [load_finetuning_recipe(name).description for name in finetuning_recipe_names()]
    assert len(set(descriptions)) == len(descriptions) > 1


def test_the_recipe_from_random_weights_can_be_built_without_a_network():
    recipe = load_finetuning_recipe('from-scratch')
    made = design_classifier(recipe.network, recipe.feature_extraction, ('a', 'b'))
    assert made.config.id2label == {0: 'a', 1: 'b'}
    assert made.feature_extractor.sampling_rate == 16_000


@pytest.mark.parametrize('name', CHECKPOINTS)
def test_the_study_s_recipes_have_its_settings(name):
    recipe = load_finetuning_recipe(name)
    assert recipe.network.checkpoint == CHECKPOINTS[name]
    assert recipe.network.config == {} and recipe.network.frozen_layers == 0 and not recipe.network.window
    assert recipe.network.freeze_feature_encoder
    optimisation = recipe.optimisation
    assert (optimisation.batch_size, optimisation.evaluation_batch_size) == (4, 4)
    assert optimisation.gradient_accumulation == 2
    assert optimisation.epochs == 10
    assert optimisation.learning_rate == 1e-4 and optimisation.layer_decay == 1.0
    assert optimisation.head_learning_rate in (0.0, 1e-4)
    assert (optimisation.schedule, optimisation.warmup_share, optimisation.weight_decay) == ('linear', 0.0, 0.0)
    assert not (optimisation.group_by_length or optimisation.class_weights or optimisation.label_smoothing)
    assert recipe.validation.every_steps == 100
    assert recipe.validation.checkpoints_kept == 2
    assert recipe.validation.measure == 'accuracy' and recipe.validation.patience == 0
    augmentation = recipe.augmentation
    assert augmentation.whole_clip_probability == 1.0 and augmentation.speed == (1.0, 1.0) and not augmentation.masks
    assert augmentation.noise_probability == augmentation.pitch_probability == 0.0
    assert augmentation.reverberation_probability == 0.0 and augmentation.gain == (0.0, 0.0)


@pytest.mark.parametrize('name', [name for name in finetuning_recipe_names() if name.endswith('-fast')])
def test_a_fast_recipe_is_ours_for_the_same_checkpoint(name):
    fast, studys = load_finetuning_recipe(name), load_finetuning_recipe(name.removesuffix('-fast'))
    assert fast.network.checkpoint == studys.network.checkpoint
    assert fast.optimisation != studys.optimisation
    assert fast.augmentation.whole_clip_probability == 0.0  # utterances as the robot cuts them


@pytest.mark.parametrize('name', [*CHECKPOINTS, 'whisper-tiny', 'whisper-base'])
def test_each_of_the_study_s_networks_and_whisper_has_a_frozen_recipe(name):
    recipe = load_finetuning_recipe(f'{name}-frozen')
    assert recipe.network.checkpoint == load_finetuning_recipe(name).network.checkpoint
    assert recipe.network.config['use_weighted_layer_sum'] and recipe.balanced
    assert recipe.frozen_encoder.layers and recipe.optimisation.voice_normalised == 1.0
    if name in ARCHITECTURES:
        config = transformers.AutoConfig.for_model(ARCHITECTURES[name][0], **ARCHITECTURES[name][1])
        assert recipe.network.config['classifier_proj_size'] == config.hidden_size
        assert max(recipe.frozen_encoder.layers) < config.num_hidden_layers


def test_every_recipe_of_a_checkpoint_has_a_fast_one():
    names = {name for name in finetuning_recipe_names() if not name.endswith('-frozen')}
    names -= {'default', 'from-scratch', 'own-encoder'}
    assert {f'{name}-fast' for name in names if not name.endswith('-fast')} == {
        name for name in names if name.endswith('-fast')
    }


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """Return an empty folder that stands for train/."""
    (tmp_path / 'base').mkdir()
    monkeypatch.setattr(recipe_file, 'recipes_folder', lambda: tmp_path)
    return tmp_path


def test_a_recipe_takes_what_it_does_not_name_from_the_one_it_extends(folder):
    (folder / 'below.yaml').write_text(MINIMAL + 'seed: 4\n')
    recipe = parse_finetuning_recipe('extends: below\ndescription: above\noptimisation: {epochs: 9}')
    assert recipe.description == 'above'
    assert recipe.optimisation.epochs == 9
    assert recipe.optimisation.batch_size == 2
    assert recipe.network.model_type == 'wav2vec2-bert'
    assert recipe.seed == 4


def test_of_several_the_last_has_the_word_and_then_the_recipe_itself(folder):
    (folder / 'first.yaml').write_text(MINIMAL + 'seed: 1\nselection: first\n')
    (folder / 'base' / 'second.yaml').write_text('seed: 2\noptimisation: {epochs: 5, batch_size: 6}')
    recipe = parse_finetuning_recipe('extends: [first, second]\noptimisation: {epochs: 8}')
    assert recipe.seed == 2 and recipe.selection == 'first'
    assert (recipe.optimisation.epochs, recipe.optimisation.batch_size) == (8, 6)
    assert parse_finetuning_recipe('extends: [second, first]').seed == 1


def test_configurations_are_merged_key_by_key(folder):
    (folder / 'base' / 'below.yaml').write_text(
        MINIMAL.replace('wav2vec2-bert}', 'wav2vec2-bert, config: {a: 1, b: 2}}')
    )
    recipe = parse_finetuning_recipe('extends: below\nnetwork: {config: {b: 3}}', ['network.config.c=4'])
    assert recipe.network.config == {'a': 1, 'b': 3, 'c': 4}


def test_what_is_extended_may_extend_another(folder):
    (folder / 'base' / 'lowest.yaml').write_text(MINIMAL + 'seed: 5\n')
    (folder / 'middle.yaml').write_text('extends: lowest\ndescription: middle')
    recipe = parse_finetuning_recipe('extends: middle')
    assert recipe.seed == 5 and recipe.description == 'middle'


def test_an_unknown_base_is_refused(refuses):
    with refuses("extends 'papr'", 'train/base/'):
        parse_finetuning_recipe('extends: papr\ndescription: none')


@pytest.mark.parametrize(
    ('setting', 'values'),
    [
        ('optimisation.schedule', ('linear', 'cosine')),
        ('validation.measure', ('accuracy', 'loss')),
    ],
)
def test_a_choice_takes_its_words_only(refuses, setting, values):
    group, name = setting.split('.')
    for value in values:
        assert getattr(getattr(parse_finetuning_recipe(MINIMAL, [f'{setting}={value}']), group), name) == value
    with refuses(f"{setting} is 'best'", ' or '.join(values)):
        parse_finetuning_recipe(MINIMAL, [f'{setting}=best'])


def test_plain_values_come_back_as_the_same_recipe():
    recipe = load_finetuning_recipe('default')
    assert parse_finetuning_recipe(json.dumps(plain_values(recipe))) == recipe


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
    recipe = parse_finetuning_recipe(MINIMAL, [setting])
    with refuses(*texts):
        design_classifier(recipe.network, recipe.feature_extraction, ('a', 'b'))


@pytest.mark.parametrize(
    ('text', 'texts'),
    [
        ('extends: 5', ('extends is 5', 'a list of names')),
        ('extends:', ('extends is None',)),
        ('extends: [first, [second]]', ('extends is', 'a list of names')),
        ('extends: {first: 1}', ('extends is',)),
        ('extends: round', ("about.yaml extends 'round'", 'in turn')),
        ('extends: itself', ("itself.yaml extends 'itself'", 'in turn')),
        ('extends: list', ('list.yaml', 'must be a group')),
        ('extends: latin', ('latin.yaml cannot be read', 'UTF-8')),
        ('', ("'the recipe' must be a group",)),
        ('- a', ("'the recipe' must be a group",)),
        ('seed: [', ('not valid YAML',)),
        ('seed: 1\nseed: 2', ('not valid YAML', "the key 'seed' is there twice")),
        ('[' * 3000, ('not valid YAML',)),
    ],
)
def test_a_recipe_that_is_none_is_refused(folder, refuses, text, texts):
    (folder / 'first.yaml').write_text(MINIMAL)
    (folder / 'round.yaml').write_text('extends: about')
    (folder / 'about.yaml').write_text('extends: round')
    (folder / 'itself.yaml').write_text('extends: itself')
    (folder / 'list.yaml').write_text('- 1')
    (folder / 'latin.yaml').write_bytes('description: schön'.encode('latin-1'))
    with refuses(*texts):
        parse_finetuning_recipe(text, ['seed=1'])
