# SPDX-License-Identifier: Apache-2.0
"""What a recipe asks of its network and of the data is checked before a clip is read."""

import json

import pytest

from ser_ros.cli.train import main
from ser_ros.training.data.corpus import Corpus
from ser_ros.training.finetuning.finetuning_recipe import load_finetuning_recipe
from ser_ros.training.finetuning.needs import check_choice, check_labels, check_network


@pytest.mark.parametrize('setting', ['seed=1', 'network.frozen_layers=4', 'network.config.num_attention_heads=8'])
def test_what_fits_passes(setting):
    check_network(load_finetuning_recipe('from-scratch', [setting]))


@pytest.mark.parametrize(
    ('setting', 'text'),
    [
        ('network.frozen_layers=5', 'but the encoder has 4'),
        ('frozen_encoder.layers=[1]', 'use_weighted_layer_sum'),
        ('network.window=3', 'for Whisper encoders'),
        ('network.config.num_hidden_layers=0', 'no layer'),
        ('network.config.num_hidden_layers=-1', 'no layer'),
        ('network.config.hidden_size=0', 'correct the recipe'),
        ('network.config.hidden_size=text', "field 'hidden_size'"),
        ('network.config.num_attention_heads=0', 'correct the recipe'),
        ('network.config.num_attention_heads=3', 'do not fit together'),
        ('network.config.feature_projection_input_dim=7', 'do not fit together'),
        ('network.config.hidden_dropout=5', 'between 0 and 1'),
        ('feature_extraction.config.stride=0', 'correct the recipe'),
        ('feature_extraction.config.num_mel_bins=-1', 'correct the recipe'),
        ('feature_extraction.config.padding_value=text', 'correct the recipe'),
    ],
)
def test_more_than_a_network_or_its_features_have_is_refused(refuses, setting, text):
    with refuses(text):
        check_network(load_finetuning_recipe('from-scratch', [setting]))


def test_masks_on_samples_are_refused(refuses):
    settings = [
        'feature_extraction.type=Wav2Vec2FeatureExtractor',
        'feature_extraction.config={}',
        'augmentation.masks=1',
    ]
    recipe = load_finetuning_recipe('from-scratch', [*settings, 'network.model_type=wav2vec2', 'network.config={}'])
    with refuses('augmentation.masks is for mel features'):
        check_network(recipe)


def test_patience_needs_validation_clips(refuses):
    recipe = load_finetuning_recipe('from-scratch', ['validation.patience=3'])
    check_choice(recipe, selects_on_test=True)
    check_choice(
        load_finetuning_recipe('from-scratch', ['validation.patience=3', 'validation.share=0.1']), selects_on_test=False
    )
    with refuses('validation.patience waits', 'validation.share'):
        check_choice(recipe, selects_on_test=False)


def test_ordinary_speech_is_an_emotion_of_the_data(refuses):
    settings = ['other_speech.ordinary=3', 'other_speech.ordinary_emotion=hapy']
    check_labels(load_finetuning_recipe('from-scratch'), Corpus('mine', (), ('happy', 'sad')))
    with refuses("other_speech.ordinary_emotion is 'hapy'", 'happy, sad', "did you mean 'happy'"):
        check_labels(load_finetuning_recipe('from-scratch', settings), Corpus('mine', (), ('happy', 'sad')))


@pytest.mark.parametrize(
    'setting', ['optimisation.batch_size=0', 'optimisation.epochs=0', 'seed=-1', 'network.frozen_layers=9']
)
def test_a_recipe_is_refused_before_the_data_is_looked_at(tmp_path, capsys, setting):
    (tmp_path / 'empty').mkdir()
    options = ['--recipe', 'from-scratch', '--data', str(tmp_path / 'empty'), '--out', str(tmp_path / 'out')]
    assert main([*options, '--set', setting]) == 1
    error = capsys.readouterr().err
    assert setting.partition('=')[0] in error and len(error.splitlines()) == 1
    assert not (tmp_path / 'out').exists()


@pytest.mark.slow
def test_the_last_layer_alone_is_trained_without_epochs(models, make_clips, tmp_path):
    width = json.loads((models / 'whisper' / 'config.json').read_text())['d_model']
    options = [
        '--recipe',
        'default',
        '--model',
        str(models / 'whisper'),
        '--data',
        str(make_clips(tmp_path / 'data', (1, 2))),
    ]
    settings = [f'network.config.classifier_proj_size={width}', 'frozen_encoder.layers=[1]', 'optimisation.epochs=0']
    settings += ['network.window=1.0', 'augmentation.variants=0', 'other_speech.ordinary=0', 'other_speech.outliers=0']
    settings += ['other_speech.inliers=0']
    assert main([*options, '--protocol', 'full', '--out', str(tmp_path / 'out'), '--set', *settings]) == 0
    assert (tmp_path / 'out' / 'model.safetensors').is_file()
