# SPDX-License-Identifier: Apache-2.0
"""The pretrain command, end to end on made sounds, up to a classifier that begins with its encoder."""

import json

import pytest
import soundfile
import torch
from safetensors.torch import load_file
from tiny_models import NARROW

from ser_ros.cli.pretrain import main
from ser_ros.cli.train import main as train
from ser_ros.training.pretraining.pretraining_recipe import load_pretraining_recipe, pretraining_recipe_names

TINY = [
    'network.config.hidden_size=24',
    'network.config.num_hidden_layers=1',
    'network.config.num_attention_heads=2',
    'network.config.intermediate_size=24',
    'optimisation.epochs=2',
    'optimisation.batch_size=4',
    'optimisation.bfloat16=false',
    'checkpoint_every_steps=2',
    'pieces.longest=1.0',
]


pytestmark = pytest.mark.usefixtures('blank_pictures')


@pytest.fixture
def speech(tmp_path, made_sound):
    """Return a folder of made sounds, in several formats and rates."""
    (tmp_path / 'speech').mkdir()
    for number, (suffix, rate) in enumerate((('wav', 16_000), ('flac', 44_100), ('ogg', 8_000)) * 2):
        sound = made_sound('chord', 0.6 + number / 10, rate=rate)
        soundfile.write(tmp_path / 'speech' / f'{number}.{suffix}', sound, rate)
    return tmp_path / 'speech'


def pretrain(speech, out, *more, settings=()):
    return main(['--speech', str(speech), '--out', str(out), *more, '--set', *TINY, *settings])


@pytest.mark.parametrize('name', pretraining_recipe_names())
def test_every_recipe_that_ships_is_read_and_learns_something(name):
    recipe = load_pretraining_recipe(name)
    assert len(recipe.description) > 20
    assert recipe.distillation.weight or recipe.masked_prediction.weight


def test_an_encoder_is_made_and_training_begins_with_it(speech, models, make_clips, tmp_path, capsys):
    out = tmp_path / 'encoder'
    layers = ('distillation.layers=[1,2]',)
    assert pretrain(speech, out, '--teacher', str(models / 'whisper'), settings=layers) == 0
    printed = capsys.readouterr().out
    assert 'hours of speech in 6 pieces' in printed
    assert f'train --recipe own-encoder --model {out} --data RAVDESS' in printed  # as below
    report = json.loads((out / 'report.json').read_text())
    assert report['teacher'] == 'whisper' and report['pieces'] == 6 and report['steps'] == 4
    assert str(tmp_path) not in report['command'] + (out / 'README.md').read_text()
    data = make_clips(tmp_path / 'data', (1, 2))
    begun = ['--recipe', 'own-encoder', '--model', str(out), '--data', str(data), '--out', str(tmp_path / 'model')]
    begun += ['--protocol', 'full', '--set', 'optimisation.epochs=1', 'optimisation.bfloat16=false']
    assert train(begun) == 0
    assert json.loads((tmp_path / 'model' / 'report.json').read_text())['initial_weights'] == 'encoder'


def pretrain_narrow(speech, models, out, *settings):
    whisper = ['--model', str(models / 'whisper'), '--teacher', str(models / 'whisper')]
    options = ['--recipe', 'whisper-base-lower', *whisper, '--speech', str(speech), '--out', str(out)]
    return main([*options, '--set', *NARROW, 'optimisation.epochs=2', 'optimisation.batch_size=4', *settings])


def test_a_part_of_a_whisper_encoder_learns_to_do_the_work_of_a_larger_one(
    speech, models, make_clips, tmp_path, capsys
):
    out = tmp_path / 'encoder'
    assert pretrain_narrow(speech, models, out) == 0
    assert f'train --recipe default --model {out} --data RAVDESS' in capsys.readouterr().out
    weights = load_file(out / 'model.safetensors')
    whole = load_file(models / 'whisper' / 'model.safetensors')
    assert weights['encoder.layers.0.fc1.weight'].shape[0] == 8 and not any('layers.1' in name for name in weights)
    assert weights['encoder.embed_positions.weight'].shape[0] == 50
    conv = next(value for name, value in whole.items() if name.endswith('encoder.conv1.weight'))
    assert not torch.equal(weights['encoder.conv1.weight'], conv)  # every weight learns
    log = json.loads((out / 'report.json').read_text())['training_log']
    assert all(entry['distillation_loss'] > 0 for entry in log)
    width = weights['encoder.layers.0.fc1.weight'].shape[1]
    data = make_clips(tmp_path / 'data', (1, 2))
    begun = ['--recipe', 'default', '--model', str(out), '--data', str(data), '--out', str(tmp_path / 'model')]
    settings = [f'network.config.classifier_proj_size={width}', 'frozen_encoder.layers=[1]', 'augmentation.variants=1']
    settings += ['other_speech.ordinary=0', 'other_speech.outliers=0', 'other_speech.inliers=0']
    assert train([*begun, '--protocol', 'full', '--set', *settings]) == 0
    trained = load_file(tmp_path / 'model' / 'model.safetensors')
    torch.testing.assert_close(  # E4M3, to half a step
        trained['encoder.conv1.weight'].float(), weights['encoder.conv1.weight'], atol=2**-10, rtol=2**-4
    )


def test_what_an_encoder_began_with_can_be_averaged_with_what_it_learned(speech, models, tmp_path):
    weights = []
    for share in (0.0, 0.5, 1.0):
        out = tmp_path / f'encoder-{share}'
        assert pretrain_narrow(speech, models, out, f'initial_share={share}', 'optimisation.learning_rate=0.01') == 0
        weights.append(load_file(out / 'model.safetensors')['encoder.layers.0.fc1.weight'])
    learned, average, before = weights
    assert not torch.allclose(learned, before, atol=1e-4)
    torch.testing.assert_close(average, (learned + before) / 2, atol=1e-4, rtol=1e-3)


def test_a_whisper_encoder_takes_no_mask(speech, models, tmp_path, capsys):
    assert pretrain_narrow(speech, models, tmp_path / 'encoder', 'masking.share=0.2') == 1
    assert 'the encoder of Whisper takes no mask' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('directions', 'status', 'text'),
    [(2, 0, ''), (7, 1, 'there are 6 pieces; give more speech'), (500, 1, 'but the teacher has')],
)
def test_some_directions_of_a_teacher_are_reproduced(speech, models, tmp_path, capsys, directions, status, text):
    settings = ('distillation.layers=[1,2]', f'distillation.directions={directions}', 'distillation.whitening=0')
    teacher = ('--teacher', str(models / 'whisper'))
    assert pretrain(speech, tmp_path / 'encoder', *teacher, settings=settings) == status
    assert text in capsys.readouterr().err and (tmp_path / 'encoder').is_dir() == (status == 0)


def test_it_goes_on_from_an_encoder_and_tells_of_both_pretrainings(speech, make_clips, tmp_path):
    first, second, model = tmp_path / 'first', tmp_path / 'second', tmp_path / 'model'
    assert pretrain(speech, first, '--recipe', 'masked-prediction') == 0
    begun = ['--speech', str(speech), '--recipe', 'masked-prediction', '--model', str(first), '--out', str(second)]
    assert main([*begun, '--set', 'optimisation.epochs=1', 'optimisation.learning_rate=1e-9']) == 0
    before, after = (load_file(folder / 'model.safetensors') for folder in (first, second))
    assert before.keys() == after.keys()
    for name, weight in before.items():
        torch.testing.assert_close(after[name], weight, atol=1e-5, rtol=1e-5)
    report = json.loads((second / 'report.json').read_text())
    assert report['initial_weights'] == 'first' and report['pretrained_before']['initial_weights'] == 'random'
    data = make_clips(tmp_path / 'data', (1, 2))
    trained = ['--recipe', 'own-encoder', '--model', str(second), '--data', str(data), '--out', str(model)]
    assert train([*trained, '--protocol', 'full', '--set', 'optimisation.epochs=1']) == 0
    card = (model / 'README.md').read_text()
    assert 'beginning with first' in card and card.count('The encoder was pretrained by ser_ros') == 2
    assert card.index('--out first') < card.index('--out second') < card.index('ser_ros train')


def test_an_encoder_that_is_not_there_is_told(speech, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv('HF_HUB_OFFLINE', '1')
    assert pretrain(speech, tmp_path / 'encoder', '--recipe', 'masked-prediction', '--model', 'no/such') == 1
    assert "the checkpoint 'no/such' is not a folder here" in capsys.readouterr().err
    assert not (tmp_path / 'encoder').exists()


def test_without_a_teacher_it_predicts_what_is_masked(speech, tmp_path):
    assert pretrain(speech, tmp_path / 'encoder', '--recipe', 'masked-prediction') == 0
    log = json.loads((tmp_path / 'encoder' / 'report.json').read_text())['training_log']
    assert 'prediction_loss' in log[-1] and 'distillation_loss' not in log[-1]


@pytest.mark.parametrize(
    ('arguments', 'settings', 'text'),
    [
        ((), (), 'needs --teacher'),
        (('--recipe', 'masked-prediction', '--teacher', 'x'), (), 'does not use --teacher'),
        (('--recipe', 'masked-prediction'), ('masking.share=0.0',), 'masking.share'),
        (('--recipe', 'masked-prediction'), ('masked_prediction.weight=0',), 'learns nothing'),
        (('--recipe', 'masked-prediction'), ('initial_share=1.5',), 'initial_share is 1.5; give 0'),
        (('--recipe', 'masked-prediction'), ('masking.shar=0.1',), "did you mean 'share'"),
        (('--recipe', 'masked-prediction'), ('pieces.longest=0',), 'pieces.longest'),
        (('--recipe', 'masked-predicton'), (), "did you mean 'masked-prediction'"),
        (('--teacher', 'x'), ('distillation.whitening=1.5',), 'distillation.whitening is 1.5; give 0'),
        (
            ('--teacher', 'x'),
            ('distillation.directions=-1',),
            'distillation.directions is -1; give a whole number, 0 to',
        ),
        (('--teacher', 'x'), ('distillation.directions=4', 'distillation.whitening=0.5'), 'set one'),
        (('--teacher', 'no/such'), (), 'no/such'),
        (('--recipe', 'masked-prediction'), ('network.config.hidden_size=0',), 'correct the recipe'),
        (('--recipe', 'masked-prediction'), ('network.config.num_attention_heads=50',), 'fit together'),
        (('--recipe', 'masked-prediction'), ('feature_extraction.config.stride=0',), 'correct the recipe'),
        (('--recipe', 'masked-prediction'), ('optimisation.epochs=0',), 'optimisation.epochs is 0'),
        (('--recipe', 'masked-prediction'), ('seed=-1',), 'seed is -1'),
    ],
)
def test_bad_input_ends_in_one_sentence(speech, tmp_path, monkeypatch, capsys, arguments, settings, text):
    monkeypatch.setenv('HF_HUB_OFFLINE', '1')
    assert pretrain(speech, tmp_path / 'encoder', *arguments, settings=settings) == 1
    error = capsys.readouterr().err
    assert text in error.splitlines()[-1] and error.splitlines()[-1].startswith('pretrain: ')
    assert 'Traceback' not in error and not (tmp_path / 'encoder').exists()
