# SPDX-License-Identifier: Apache-2.0
"""A folder that cannot be trusted is refused in one sentence that says what to do, and runs no code of its own."""

import json
from pathlib import Path

import pytest
import torch
from spoiled_folders import change_json, change_weights

from ser_ros.recognition.checkpoint import load_checkpoint

CPU = torch.device('cpu')
CURE = 'give a complete Hugging Face audio-classification folder'


@pytest.mark.parametrize(
    'keys',
    [
        ['classifier.weight', 'classifier.bias'],
        ['projector.weight'],
        ['wav2vec2.encoder.layers.1.attention.k_proj.weight'],
    ],
)
def test_missing_weights(copy, refuses, keys):
    folder = copy()
    change_weights(folder, lambda weights: [weights.pop(key) for key in keys])
    with refuses(str(folder), f'{len(keys)} of the weights', *keys, 'fine-tune it'):
        load_checkpoint(folder, CPU)


def test_a_backbone_without_any_head(copy, refuses):
    folder = copy()
    heads = ('classifier', 'projector')
    change_weights(folder, lambda weights: [weights.pop(key) for key in list(weights) if key.startswith(heads)])
    with refuses('4 of the weights', 'classifier.bias', 'fine-tune it'):
        load_checkpoint(folder, CPU)


def test_misshapen_weights(copy, refuses):
    folder = copy()
    change_weights(folder, lambda weights: weights.update({'classifier.weight': torch.zeros(5, 16)}))
    with refuses(str(folder), '1 have the wrong shape', 'classifier.weight', 'fine-tune it'):
        load_checkpoint(folder, CPU)


def test_fewer_labels_than_the_head_has_outputs(copy, refuses):
    folder = copy()
    change_json(folder, 'config.json', id2label={'0': 'yes', '1': 'no'}, label2id={'yes': 0, 'no': 1})
    with refuses('2 have the wrong shape', 'classifier'):
        load_checkpoint(folder, CPU)


def test_the_mask_vector_of_training_may_be_missing(copy):
    folder = copy()
    change_weights(folder, lambda weights: weights.pop('wav2vec2.masked_spec_embed'))
    load_checkpoint(folder, CPU)


@pytest.mark.parametrize(
    ('names', 'fact'),
    [(None, 'does not name its labels'), ({str(index): f'LABEL_{index}' for index in range(8)}, 'is a placeholder')],
)
def test_labels_without_names(copy, refuses, names, fact):
    folder = copy()
    config = json.loads((folder / 'config.json').read_text())
    del config['label2id'], config['id2label']
    config |= {'num_labels': 8} if names is None else {'id2label': names}
    (folder / 'config.json').write_text(json.dumps(config))
    with refuses(str(folder), 'LABEL_0', fact, 'id2label'):
        load_checkpoint(folder, CPU)


@pytest.mark.parametrize('names', [['happy', 'happy'], ['happy']])
def test_labels_that_cannot_be_told_apart(copy, refuses, names):
    folder = copy()
    change_json(folder, 'config.json', id2label=dict(enumerate(names)), label2id={})
    with refuses('two or more that are different', 'happy'):
        load_checkpoint(folder, CPU)


def test_labels_are_in_the_order_of_the_logits(copy):
    folder = copy()
    names = {str(index): f'mood{index}' for index in reversed(range(8))}
    change_json(folder, 'config.json', id2label=names, label2id={})
    assert load_checkpoint(folder, CPU).labels == tuple(f'mood{index}' for index in range(8))


@pytest.mark.parametrize('rate', [8_000, 44_100])
@pytest.mark.parametrize('family', ['wav2vec2-layer', 'whisper'])
def test_another_sampling_rate(copy, refuses, family, rate):
    folder = copy(family)
    change_json(folder, 'preprocessor_config.json', sampling_rate=rate)
    with refuses(str(folder), f'{rate} Hz', '16000 Hz'):
        load_checkpoint(folder, CPU)


def test_pickled_weights_are_never_loaded(copy, refuses, tmp_path):
    folder = copy()
    ran = tmp_path / 'ran'

    class Pickled:
        def __reduce__(self):
            return Path.touch, (ran,)

    torch.save(Pickled(), folder / 'pytorch_model.bin')
    (folder / 'model.safetensors').unlink()
    with refuses(str(folder), '.safetensors', 'never loaded', 'save_pretrained'):
        load_checkpoint(folder, CPU)
    assert not ran.exists()


@pytest.mark.parametrize('keep', [0, 4, 100, 5000])
def test_truncated_weights(copy, refuses, keep):
    folder = copy()
    path = folder / 'model.safetensors'
    path.write_bytes(path.read_bytes()[:keep])
    with refuses(str(folder), 'weights that cannot be loaded', CURE):
        load_checkpoint(folder, CPU)


NO_JSON = {
    'nothing': (None, 'holds no '),
    'empty': ('', 'is damaged'),
    'half': ('{', 'is damaged'),
    'a list': ('[]', 'holds no object'),
    'a key twice': ('{"model_type": "whisper", "model_type": "wav2vec2"}', "the key 'model_type' is given twice"),
    'deep': ('[' * 200_000, 'is damaged'),
    'no text': (b'\xff\xfe\xfa', 'is damaged'),
}


@pytest.mark.parametrize('name', ['config.json', 'preprocessor_config.json'])
@pytest.mark.parametrize('kind', NO_JSON)
def test_a_file_of_settings_that_cannot_be_read(copy, refuses, name, kind):
    content, fact = NO_JSON[kind]
    folder = copy()
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with refuses(str(folder), name, fact, CURE):
        load_checkpoint(folder, CPU)


@pytest.mark.parametrize('content', ['{}', '{"model_type": "ouija"}', '{"model_type": 7}', '{"model_type": ["bert"]}'])
def test_no_known_type_of_model(copy, refuses, content):
    folder = copy()
    (folder / 'config.json').write_text(content)
    with refuses(str(folder), 'no configuration that transformers knows', CURE):
        load_checkpoint(folder, CPU)


@pytest.mark.parametrize('kind', ['Ouija', 'WhisperFeatureExtractor', 'ViTFeatureExtractor', 7, ['Wav2Vec2Processor']])
def test_a_feature_extractor_of_another_kind(copy, refuses, kind):
    folder = copy()
    change_json(folder, 'preprocessor_config.json', feature_extractor_type=kind)
    with refuses(str(folder), 'preprocessor_config.json', 'hears through a Wav2Vec2FeatureExtractor'):
        load_checkpoint(folder, CPU)


@pytest.mark.parametrize('family', ['wav2vec2-layer', 'wav2vec2-bert', 'whisper'])
def test_the_feature_extractor_need_not_be_named_and_may_lie_in_a_processor(copy, family):
    folder = copy(family)
    expected = load_checkpoint(folder, CPU).frontend.extractor.to_dict()
    path = folder / 'preprocessor_config.json'
    values = json.loads(path.read_text())
    del values['feature_extractor_type']
    path.unlink()
    (folder / 'processor_config.json').write_text(json.dumps({'feature_extractor': values}))
    assert load_checkpoint(folder, CPU).frontend.extractor.to_dict() == expected


@pytest.mark.parametrize('model_type', ['bert', 'vit', 'gpt2'])
def test_a_model_that_is_not_for_sound(copy, refuses, model_type):
    folder = copy()
    (folder / 'config.json').write_text(json.dumps({'model_type': model_type}))
    with refuses(str(folder), f"'{model_type}'", 'cannot classify audio'):
        load_checkpoint(folder, CPU)


def test_an_empty_folder(tmp_path, refuses):
    with refuses(str(tmp_path), CURE):
        load_checkpoint(tmp_path, CPU)


def test_a_folder_that_is_not_there(tmp_path, refuses):
    with refuses(str(tmp_path / 'nowhere'), CURE):
        load_checkpoint(tmp_path / 'nowhere', CPU)


def code_that_leaves_a_trace(folder, tmp_path):
    (folder / 'spell.py').write_text(f'open({str(tmp_path / "ran")!r}, "w")\nclass Spell:\n    pass\n')
    names = ('AutoConfig', 'AutoFeatureExtractor', 'AutoModelForAudioClassification')
    return dict.fromkeys(names, 'spell.Spell')


def test_a_model_of_a_kind_that_only_its_own_code_knows(copy, refuses, tmp_path):
    folder = copy()
    auto_map = code_that_leaves_a_trace(folder, tmp_path)
    change_json(folder, 'config.json', model_type='spell', auto_map=auto_map)
    with refuses(str(folder), CURE):
        load_checkpoint(folder, CPU)
    assert not (tmp_path / 'ran').exists()


def test_code_beside_a_model_of_a_known_kind_does_not_run(copy, tmp_path):
    folder = copy()
    auto_map = code_that_leaves_a_trace(folder, tmp_path)
    change_json(folder, 'config.json', auto_map=auto_map)
    change_json(folder, 'preprocessor_config.json', auto_map=auto_map)
    assert type(load_checkpoint(folder, CPU).model).__name__ == 'Wav2Vec2ForSequenceClassification'
    assert not (tmp_path / 'ran').exists()


def test_the_temperature_is_one_or_what_the_folder_says(copy):
    folder = copy()
    assert load_checkpoint(folder, CPU).temperature == 1.0
    change_json(folder, 'config.json', calibration_temperature=2)
    assert load_checkpoint(folder, CPU).temperature == 2.0


@pytest.mark.parametrize('value', [0, -1.5, 1e-300, 10**400, float('nan'), float('inf'), '2', None, True, [1.0]])
def test_a_temperature_by_which_logits_cannot_be_divided(copy, refuses, value):
    folder = copy()
    change_json(folder, 'config.json', calibration_temperature=value)
    with refuses(str(folder), 'calibration_temperature', 'no number from 0.001 to 1000', 'config.json'):
        load_checkpoint(folder, CPU)
