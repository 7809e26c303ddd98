# SPDX-License-Identifier: Apache-2.0
"""Checkpoints as people have them: other tasks, other types, leftover layers, pickled weights, files that are none."""

import json
import os
import pickle
import shutil
from pathlib import Path

import huggingface_hub
import pytest
import torch
import transformers
from safetensors.torch import load_file
from spoiled_folders import change_json
from tiny_models import PRETRAINED, WAV2VEC2, save_pretrained_encoder

from ser_ros.training.learning.design import design_classifier, design_encoder
from ser_ros.training.learning.network import new_classifier, new_encoder
from ser_ros.training.learning.recipe import FeatureExtraction, Network

LABELS = ('neutral', 'angry')
NO_EXTRACTION = FeatureExtraction()


@pytest.fixture
def folder(tmp_path) -> Path:
    """Return the folder of a tiny wav2vec 2.0 with a trained head, which a test may spoil."""
    names = {'id2label': {0: 'angry', 1: 'neutral'}, 'label2id': {'angry': 0, 'neutral': 1}}
    network = transformers.Wav2Vec2ForSequenceClassification(transformers.Wav2Vec2Config(**WAV2VEC2, **names))
    network.save_pretrained(tmp_path / 'wav2vec2')
    transformers.Wav2Vec2FeatureExtractor().save_pretrained(tmp_path / 'wav2vec2')
    return tmp_path / 'wav2vec2'


def classifier(folder, **network):
    return new_classifier(design_classifier(Network(checkpoint=str(folder), **network), NO_EXTRACTION, LABELS))


def encoder(folder, **network):
    return new_encoder(design_encoder(Network(checkpoint=str(folder), **network), NO_EXTRACTION))


def same(first, second) -> bool:
    weights = second.state_dict()
    return all(torch.equal(weight, weights[name]) for name, weight in first.state_dict().items())


@pytest.mark.parametrize('make', [classifier, encoder])
def test_a_configuration_with_fewer_layers_than_the_weights_is_refused(refuses, folder, make):
    change_json(folder, 'config.json', num_hidden_layers=1)
    with refuses(str(folder), 'has 16 weights for which the encoder', 'encoder.layers.1.', 'copy it again'):
        make(folder)


@pytest.mark.parametrize('make', [classifier, encoder])
def test_a_recipe_of_its_own_does_not_hide_them(refuses, folder, make):
    change_json(folder, 'config.json', num_hidden_layers=1)
    with refuses(str(folder), 'has 16 weights for which the encoder'):
        make(folder, config={'layerdrop': 0.0})


@pytest.mark.parametrize('make', [classifier, encoder])
def test_a_recipe_may_leave_layers_out(folder, make):
    assert '.layers.1.' not in ''.join(make(folder, config={'num_hidden_layers': 1}).state_dict())


@pytest.mark.parametrize('make', [classifier, encoder])
@pytest.mark.parametrize('name', PRETRAINED)
def test_heads_and_decoders_of_a_pretraining_are_left_out(tmp_path, name, make):
    save_pretrained_encoder(name, tmp_path)
    make(tmp_path)


@pytest.mark.parametrize('changes', [{'problem_type': 'regression'}, {'problem_type': 'multi_label_classification'}])
def test_the_task_of_the_checkpoint_is_not_that_of_the_training(folder, changes, tmp_path):
    change_json(folder, 'config.json', **changes, architectures=['Wav2Vec2ForSpeechRegression'])
    made = classifier(folder)
    made.save_pretrained(tmp_path / 'made')
    assert made.config.problem_type is None
    assert json.loads((tmp_path / 'made' / 'config.json').read_text()).get('problem_type') is None


@pytest.mark.parametrize('names', [{'1': 'angry', '2': 'neutral'}, {'0': 'angry', '1': None}, {'0': 'angry', '1': ''}])
def test_a_head_whose_outputs_are_unclear_begins_anew(folder, names):
    trained = load_file(folder / 'model.safetensors')['classifier.weight']
    assert torch.equal(classifier(folder).classifier.weight, trained[[1, 0]])
    change_json(folder, 'config.json', id2label=names)
    rows = classifier(folder).classifier.weight
    assert not any(torch.equal(row, other) for row in rows for other in trained)


def test_a_picture_of_sound_has_no_encoder_to_train(refuses, tmp_path):
    size = {'hidden_size': 16, 'num_hidden_layers': 1, 'num_attention_heads': 1, 'intermediate_size': 16}
    transformers.ASTForAudioClassification(transformers.ASTConfig(**size)).save_pretrained(tmp_path)
    transformers.ASTFeatureExtractor().save_pretrained(tmp_path)
    for make in (classifier, encoder):
        with refuses(str(tmp_path), "'audio-spectrogram-transformer'", 'no speech encoder', 'wav2vec 2.0'):
            make(tmp_path)


def test_a_recipe_cannot_ask_for_a_picture_of_sound(refuses):
    network = Network(model_type='audio-spectrogram-transformer')
    with refuses("network.model_type 'audio-spectrogram-transformer'", 'use one of data2vec-audio, hubert'):
        design_encoder(network, NO_EXTRACTION)


@pytest.mark.parametrize('model_type', ['bert', 'vit', 'clap', 'encodec', 'wav2vec3', None, ['wav2vec2']])
def test_other_types_are_refused(refuses, folder, model_type):
    change_json(folder, 'config.json', model_type=model_type)
    with refuses(str(folder), str(model_type)[:10]):
        classifier(folder)


def test_an_optimised_form_is_no_checkpoint(refuses, folder):
    (folder / 'model.safetensors').rename(folder / 'model.onnx')
    with refuses(str(folder), 'holds no model.safetensors'):
        classifier(folder)


def test_pickled_tensors_are_read(folder):
    expected = classifier(folder)
    torch.save(load_file(folder / 'model.safetensors'), folder / 'pytorch_model.bin')
    (folder / 'model.safetensors').unlink()
    assert same(classifier(folder).wav2vec2, expected.wav2vec2)


class Spell:
    """Writes a file when it is unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return Path.touch, (self.trace,)


@pytest.mark.parametrize('save', [torch.save, lambda spell, path: path.write_bytes(pickle.dumps(spell))])
def test_pickled_code_is_not_run(refuses, folder, tmp_path, save):
    save(Spell(tmp_path / 'ran'), folder / 'pytorch_model.bin')
    (folder / 'model.safetensors').unlink()
    with refuses(str(folder), 'weights that cannot be loaded', 'save_pretrained'):
        classifier(folder)
    assert not (tmp_path / 'ran').exists()


def test_an_adapter_is_not_fetched(refuses, folder):
    (folder / 'adapter_config.json').write_text('{"base_model_name_or_path": "someone/something"}')
    with refuses(str(folder), 'adapter_config.json', 'merge_and_unload'):
        classifier(folder)


def test_nothing_in_a_checkpoint_names_code_or_another_place(folder):
    expected = classifier(folder)
    kernel = 'kernels-community/flash-attn2'
    elsewhere = {'attn_implementation': kernel, '_attn_implementation': kernel, 'auto_map': {'AutoConfig': 'a/b--c.D'}}
    for name in ('config.json', 'preprocessor_config.json'):
        change_json(folder, name, **elsewhere)
    made = classifier(folder)
    assert same(made, expected)
    assert not {'auto_map', *elsewhere} & set(made.config.to_dict())


@pytest.mark.parametrize('name', ['config.json', 'preprocessor_config.json', 'model.safetensors', 'pytorch_model.bin'])
def test_only_plain_files_are_opened(refuses, folder, name):
    (folder / ('model.safetensors' if name == 'pytorch_model.bin' else name)).unlink()
    os.mkfifo(folder / name)
    with refuses(str(folder / name), 'is a named pipe'):
        classifier(folder)


@pytest.mark.parametrize('value', [10**9, 10**15])
@pytest.mark.parametrize('key', ['hidden_size', 'num_hidden_layers', 'intermediate_size'])
def test_absurd_sizes_are_refused_before_they_take_memory(refuses, folder, key, value):
    change_json(folder, 'config.json', **{key: value})
    with refuses(str(folder)):
        classifier(folder)


def test_a_checkpoint_of_the_hub_names_neither_code_nor_kernels(folder, tmp_path, monkeypatch):
    """It lies in the cache, and there is no network."""
    expected = classifier(folder)
    elsewhere = {'attn_implementation': 'kernels-community/flash-attn2', '_attn_implementation': 'someone/something'}
    change_json(folder, 'config.json', **elsewhere, auto_map={'AutoConfig': 'someone/something--code.Config'})
    repository = tmp_path / 'hub' / 'models--someone--encoder'
    (repository / 'refs').mkdir(parents=True)
    (repository / 'refs' / 'main').write_text('0' * 40)
    shutil.copytree(folder, repository / 'snapshots' / ('0' * 40))
    monkeypatch.setattr(huggingface_hub.constants, 'HF_HUB_CACHE', str(tmp_path / 'hub'))
    monkeypatch.setattr(huggingface_hub.constants, 'HF_HUB_OFFLINE', True)
    made = classifier('someone/encoder')
    assert same(made.wav2vec2, expected.wav2vec2)
    assert torch.equal(made.classifier.weight, expected.classifier.weight)
    assert made.config._attn_implementation in ('eager', 'sdpa')
