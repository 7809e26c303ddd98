# SPDX-License-Identifier: Apache-2.0
"""Every field of every recipe has a range: what is outside is refused, what is inside can be trained with."""

import copy
import dataclasses
import json
import math
import typing

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.errors import SerError
from ser_ros.training.finetuning.finetuning_recipe import (
    FinetuningRecipe,
    finetuning_recipe_names,
    load_finetuning_recipe,
    parse_finetuning_recipe,
)
from ser_ros.training.learning.augment import draw_variation, vary_sound
from ser_ros.training.learning.checkpoints import training_arguments
from ser_ros.training.learning.ranges import Range
from ser_ros.training.learning.recipe import Augmentation, Optimisation, plain_values
from ser_ros.training.learning.recipe_file import parse_recipe
from ser_ros.training.learning.recipe_values import make_recipe
from ser_ros.training.pretraining.pretraining_recipe import (
    PretrainingRecipe,
    load_pretraining_recipe,
    pretraining_recipe_names,
)

FINETUNING = {
    'description': 'least',
    'network': {'model_type': 'wav2vec2-bert'},
    'optimisation': {'epochs': 1, 'batch_size': 2, 'learning_rate': 0.001},
}
PRETRAINING = {
    **FINETUNING,
    'masking': {'share': 0.1},
    'masked_prediction': {'weight': 1.0},
}
LEAST = {FinetuningRecipe: FINETUNING, PretrainingRecipe: PRETRAINING}
"""Recipe -> the least that it must be given."""


def leaves(kind, prefix=''):
    """Yield the dotted key and the declared type of every field, also of groups."""
    for name, declared in typing.get_type_hints(kind, include_extras=True).items():
        if dataclasses.is_dataclass(declared):
            yield from leaves(declared, f'{prefix}{name}.')
        else:
            yield f'{prefix}{name}', declared


FIELDS = [(recipe, key, declared) for recipe in LEAST for key, declared in leaves(recipe)]
NUMBERS = [field for field in FIELDS if typing.get_origin(field[2]) is typing.Annotated]


def value_of(recipe, key):
    for name in key.split('.'):
        recipe = getattr(recipe, name)
    return recipe


def changed(recipe, key, value):
    """Return the least values of `recipe` with another one."""
    values = copy.deepcopy(LEAST[recipe])
    *groups, last = key.split('.')
    group = values
    for name in groups:
        group = group.setdefault(name, {})
    group[last] = value
    return values


def fits(declared, value):
    """Return whether a value of a finished recipe is what its field declares."""
    kind, limits = declared, None
    if typing.get_origin(declared) is typing.Annotated:
        kind, limits = typing.get_args(declared)
    origin = typing.get_origin(kind) or kind
    if origin is typing.Literal:
        return value in typing.get_args(kind)
    if origin in (tuple, list):
        rising = origin is list or (len(value) == 2 and value[0] <= value[1])
        return rising and all(limits.lowest <= each <= limits.highest for each in value)
    if origin in (int, float):
        return type(value) is origin and limits.lowest <= value <= limits.highest and math.isfinite(value)
    return type(value) is origin


def test_every_number_declares_a_range():
    for _, key, declared in FIELDS:
        kind, *limits = typing.get_args(declared) if hasattr(declared, '__metadata__') else (declared,)
        origin = typing.get_origin(kind) or kind
        assert (origin in (int, float, tuple, list)) == (len(limits) == 1 and isinstance(limits[0], Range)), key


@pytest.mark.parametrize(
    ('limits', 'inside', 'outside', 'text'),
    [
        (Range(0, 1), (0, 0.5, 1, 1.0), (-1e-9, 1.001, math.nan, math.inf, -math.inf, 10**400), '0 to 1'),
        (Range(0, 1, above=True), (1e-300, 1), (0, -0.0), 'more than 0 to 1'),
        (Range(0, 1, below=True), (0, 0.999), (1, 1.0), '0 to less than 1'),
        (Range(0, 2**32 - 1), (2**32 - 1,), (2**32,), '0 to 4294967295'),
    ],
)
def test_a_range_holds_its_ends_unless_it_says_otherwise(limits, inside, outside, text):
    assert all(number in limits for number in inside)
    assert not any(number in limits for number in outside)
    assert str(limits) == text


@pytest.mark.parametrize('name', finetuning_recipe_names())
def test_every_recipe_that_ships_is_within_its_ranges(name):
    recipe = load_finetuning_recipe(name)
    assert all(fits(declared, value_of(recipe, key)) for key, declared in leaves(FinetuningRecipe))


@pytest.mark.parametrize('name', pretraining_recipe_names())
def test_every_pretraining_recipe_that_ships_is_within_its_ranges(name):
    recipe = load_pretraining_recipe(name)
    assert all(fits(declared, value_of(recipe, key)) for key, declared in leaves(PretrainingRecipe))


ABSURD = [
    'optimisation.batch_size=0',
    'optimisation.batch_size=true',
    'optimisation.gradient_accumulation=0',
    'optimisation.evaluation_batch_size=-1',
    'optimisation.epochs=0',
    'optimisation.epochs=-3',
    'optimisation.epochs=10000000000000',
    'optimisation.epochs=3.0',
    "optimisation.epochs='3'",
    'optimisation.epochs=010x',
    'optimisation.epochs=2026-01-01',
    'optimisation.epochs=2026-99-99',
    'optimisation.epochs=1:30',
    'optimisation.epochs=',
    'optimisation.learning_rate=.nan',
    'optimisation.learning_rate=nan',
    'optimisation.learning_rate=.inf',
    'optimisation.learning_rate=-1e-3',
    'optimisation.learning_rate=0',
    "optimisation.learning_rate='1e-3'",
    'optimisation.learning_rate=[1e-3]',
    'optimisation.head_learning_rate=-1',
    'optimisation.layer_decay=0',
    'optimisation.adam_beta2=2',
    'optimisation.adam_beta2=1.0',
    'optimisation.weight_decay=-0.1',
    'optimisation.warmup_share=1.0',
    'optimisation.label_smoothing=5',
    'optimisation.gradient_clip=-1',
    'optimisation.batches_sorted_together=0',
    'optimisation.schedule=[linear]',
    'optimisation.bfloat16=yes please',
    'augmentation.speed=[0, 0]',
    'augmentation.speed=[1.1, 0.9]',
    'augmentation.speed=[0.9]',
    'augmentation.speed=[0.9, 1.0, 1.1]',
    'augmentation.speed=[true, 1.1]',
    'augmentation.speed=[.nan, 1.1]',
    'augmentation.variants=1000000000000',
    'augmentation.variants=-1',
    'augmentation.noise_probability=1.5',
    'augmentation.noise_probability=-0.1',
    'augmentation.reverberation_time=[0.0, 0.00001]',
    'augmentation.band_low=[0, 100]',
    'augmentation.masks=-1',
    'augmentation.time_mask=1.1',
    'network.window=1000000000',
    'network.window=-1',
    'network.frozen_layers=-1',
    'network.config=[1]',
    'network.config.hidden_size=.nan',
    'network.config.hidden_size=!!set {1}',
    'network.config.mode={1: 2}',
    'frozen_encoder.layers=[-1]',
    'frozen_encoder.layers=[1, 1]',
    'frozen_encoder.layers=2',
    'frozen_encoder.layers=[1.0]',
    'frozen_encoder.penalty=-1',
    'distillation.weight=1.5',
    'distillation.temperature=0',
    'other_speech.taught=-5',
    'other_speech.longest=0',
    'validation.share=1',
    'validation.checkpoints_kept=0',
    'validation.patience=-1',
    'seed=-1',
    'seed=4294967296',
    'seed=null',
    f'seed={"9" * 5000}',
    'description=3',
    'description="\\ud800"',
    'balanced=1',
]


@pytest.mark.parametrize('setting', ABSURD)
def test_an_absurd_value_is_named_with_what_it_could_be(setting):
    with pytest.raises(SerError) as refused:
        parse_finetuning_recipe(json.dumps(FINETUNING), [setting], source='mine.yaml')
    sentence = str(refused.value)
    key = setting.partition('=')[0]
    assert key.removesuffix('.hidden_size').removesuffix('.mode') in sentence
    assert len(sentence) < 500 and '\n' not in sentence


@pytest.mark.parametrize(
    ('setting', 'key', 'value'),
    [
        ('optimisation.learning_rate=1e-3', 'optimisation.learning_rate', 1e-3),
        ('optimisation.learning_rate=1E-3', 'optimisation.learning_rate', 1e-3),
        ('optimisation.learning_rate=1', 'optimisation.learning_rate', 1.0),
        ('optimisation.epochs=010', 'optimisation.epochs', 10),
        ('augmentation.noise_snr=[1e1, 2e1]', 'augmentation.noise_snr', (10.0, 20.0)),
        (
            'network.config={eps: 1e-5, kind: null, sizes: [1, 2]}',
            'network.config',
            {'eps': 1e-5, 'kind': None, 'sizes': [1, 2]},
        ),
        ('frozen_encoder.layers=[]', 'frozen_encoder.layers', []),
        ('seed=4294967295', 'seed', 2**32 - 1),
    ],
)
def test_numbers_are_read_as_they_are_written(setting, key, value):
    read = value_of(parse_finetuning_recipe(json.dumps(FINETUNING), [setting]), key)
    assert read == value and type(read) is type(value)


def test_all_wrong_values_are_told_in_one_go():
    wrong = ['optimisation.batch_size=0', 'seed=-1', 'augmentation.speed=[0, 0]', 'network.windw=1', 'balanced=2']
    with pytest.raises(SerError) as refused:
        parse_finetuning_recipe(json.dumps(FINETUNING), wrong, source='mine.yaml')
    headline, *listed = str(refused.value).splitlines()
    assert headline == 'mine.yaml cannot be used, correct what is listed:'
    assert sorted(line.strip() for line in listed) == [
        'augmentation.speed is [0, 0]; give a pair [lowest, highest], two numbers in rising order, each 0.25 to 4',
        'balanced is 2; give true or false',
        'optimisation.batch_size is 0; give a whole number, 1 to 10000',
        'seed is -1; give a whole number, 0 to 4294967295',
        (
            "the key 'network.windw' is not known; known there: checkpoint, model_type, config, window, "
            "freeze_feature_encoder, frozen_layers; did you mean 'window'?"
        ),
    ]


@pytest.mark.parametrize(
    ('recipe', 'wrong', 'text'),
    [
        (FinetuningRecipe, {'optimisation.epochs': 0}, 'optimisation.epochs is 0 or missing'),
        (FinetuningRecipe, {'distillation.weight': 0.5, 'frozen_encoder.layers': [1]}, 'no teacher'),
        (
            FinetuningRecipe,
            {'augmentation.band_probability': 1, 'augmentation.band_low': [50, 4000]},
            'augmentation.band_low goes up to 4000 Hz and band_high begins at 3000 Hz',
        ),
        (FinetuningRecipe, {'optimisation.mixup': 0.4, 'optimisation.voice_normalised': 0.7}, 'has no one offset'),
        (FinetuningRecipe, {'optimisation.mixup': 0.4, 'frozen_encoder.layers': [1]}, 'no batches'),
        (PretrainingRecipe, {'optimisation.epochs': 0}, 'optimisation.epochs is 0 or missing'),
        (PretrainingRecipe, {'pieces.shortest': 5.0}, 'pieces.shortest is 5 and longest 4'),
        (PretrainingRecipe, {'distillation.weight': 1.0}, 'distillation.weight is above 0, but layers names none'),
        (PretrainingRecipe, {'masked_prediction.weight': 0}, 'it learns nothing'),
        (PretrainingRecipe, {'masking.share': 0}, 'give masking.share a value'),
        (PretrainingRecipe, {'distillation.directions': 4, 'distillation.whitening': 0.5}, 'set one'),
    ],
)
def test_values_that_contradict_each_other_are_refused(refuses, recipe, wrong, text):
    values = [f'{key}={json.dumps(value)}' for key, value in wrong.items()]
    with refuses('mine.yaml cannot be used', text):
        parse_recipe(recipe, json.dumps(LEAST[recipe]), values, source='mine.yaml')


def test_only_the_last_layer_alone_is_trained_without_epochs():
    least = copy.deepcopy(FINETUNING)
    del least['optimisation']['epochs']
    recipe = parse_finetuning_recipe(json.dumps(least), ['frozen_encoder.layers=[1]'])
    assert recipe.optimisation.epochs == 0
    with pytest.raises(SerError, match='missing'):
        parse_finetuning_recipe(json.dumps(least))


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([10**400, -(10**400)]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | st.integers(), inner, max_size=2),
    max_leaves=4,
)
"""Plain values, of which a field takes few."""

near = st.one_of(
    anything,
    st.floats(-2, 2),
    st.integers(-2, 12),
    st.lists(st.floats(-1, 5) | st.integers(-1, 5), min_size=1, max_size=3),
)
"""Values of which a field takes many."""


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_recipe_of_any_values_is_within_its_ranges_or_refused_in_a_sentence(data):
    recipe = data.draw(st.sampled_from(list(LEAST)))
    values = copy.deepcopy(LEAST[recipe])
    keys = [key for key, _ in leaves(recipe)]
    for key in data.draw(st.lists(st.sampled_from(keys), max_size=4, unique=True)):
        *groups, last = key.split('.')
        group = values
        for name in groups:
            group = group.setdefault(name, {})
        group[last] = data.draw(near)
    try:
        made = make_recipe(recipe, values, source='mine.yaml')
    except SerError as error:
        assert str(error).startswith('mine.yaml cannot be used, correct what is listed:')
        assert len(str(error)) < 4000
        return
    for key, declared in leaves(recipe):
        assert fits(declared, value_of(made, key)), key
    json.dumps(plain_values(made), allow_nan=False, ensure_ascii=False).encode()


@pytest.mark.parametrize(('recipe', 'key', 'declared'), NUMBERS)
def test_a_field_takes_the_ends_of_its_range_and_nothing_beyond(recipe, key, declared):
    kind, limits = typing.get_args(declared)
    number = int if int in (kind, *typing.get_args(kind)) else float

    def told(end):
        value = {tuple: [end, end], list: [end]}.get(typing.get_origin(kind), end)
        try:
            make_recipe(recipe, changed(recipe, key, value), source='mine.yaml')
        except SerError as error:
            return f': {key} is {value}; give' in str(error)
        return False

    assert told(number(limits.lowest)) == limits.above and told(number(limits.highest)) == limits.below
    assert told(number(limits.lowest) - 1) and told(number(limits.highest) + 1)
    for other in (math.nan, math.inf, 10**400, '1', None, True, [[1]], {}):
        with pytest.raises(SerError, match=f': {key} is '):
            make_recipe(recipe, changed(recipe, key, other), source='mine.yaml')


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30) | st.text('{}[]:,&*!|>\'"%@`-? \nabe=01.', max_size=30))
def test_any_text_after_an_equals_sign_is_read_or_refused_in_a_sentence(text):
    for key in ('seed', 'network', 'network.config', 'description', 'augmentation.speed', text):
        try:
            parse_finetuning_recipe(json.dumps(FINETUNING), [f'{key}={text}'])
        except SerError as error:
            assert str(error)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60) | st.text('{}[]:,&*!|>\'"%@`-? \nabe=01.', max_size=60))
def test_any_text_as_a_recipe_is_read_or_refused_in_a_sentence(text):
    for source in (text, f'extends: {text}', yaml.safe_dump(FINETUNING) + text):
        try:
            parse_finetuning_recipe(source, ['seed=1'])
        except SerError as error:
            assert str(error)


def inside(declared):
    """Return a strategy for values of one field, its ends among them."""
    kind, limits = declared, None
    if typing.get_origin(declared) is typing.Annotated:
        kind, limits = typing.get_args(declared)
    origin = typing.get_origin(kind) or kind
    if origin is typing.Literal:
        return st.sampled_from(typing.get_args(kind))
    if origin is bool:
        return st.booleans()
    numbers = st.floats(
        limits.lowest, limits.highest, exclude_min=limits.above, exclude_max=limits.below, allow_subnormal=False
    )
    if origin is tuple:
        return st.tuples(numbers, numbers).map(lambda ends: tuple(end + 0.0 for end in sorted(ends)))
    return numbers if origin is float else st.integers(int(limits.lowest), int(limits.highest))


def made_within(kind):
    return st.builds(kind, **{key: inside(declared) for key, declared in leaves(kind)})


@settings(max_examples=10, deadline=None)
@given(made_within(Optimisation).filter(lambda optimisation: optimisation.epochs))
def test_whatever_is_within_its_ranges_the_trainer_takes(tmp_path_factory, optimisation):
    arguments = training_arguments(
        optimisation,
        tmp_path_factory.getbasetemp() / 'work',
        seed=0,
        every_steps=0,
        checkpoints_kept=1,
        report_to='none',
    )
    assert arguments.get_warmup_steps(1000) <= 1000


CLIP = np.random.default_rng(0).normal(scale=0.1, size=SAMPLE_RATE // 2).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(
    made_within(Augmentation).filter(lambda augmentation: not list(augmentation.contradictions())), st.integers(0, 99)
)
def test_whatever_is_within_its_ranges_a_clip_is_varied_by(augmentation, seed):
    rng = np.random.default_rng(seed)
    sound = vary_sound(CLIP, draw_variation(0.5, (0.1, 0.4), augmentation, rng), rng)
    assert sound.dtype == np.float32 and len(sound) and np.isfinite(sound).all()
