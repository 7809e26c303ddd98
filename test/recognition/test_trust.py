# SPDX-License-Identifier: Apache-2.0
"""What a model folder says of itself: its task, labels, sampling rate, code, other places; and files that are none."""

import json
import os

import numpy as np
import pytest
import torch
from no_plain_files import NO_PLAIN_FILES
from safetensors.torch import load_file
from spoiled_folders import change_json, change_weights

from ser_ros.emotions import LABELS
from ser_ros.recognition.checkpoint import load_checkpoint
from ser_ros.recognition.classifier import Classifier

CPU = torch.device('cpu')
SOUND = np.sin(np.arange(8_000) / 5).astype(np.float32)


def answer(folder):
    return Classifier.load(folder, 'cpu', 'torch').classify(SOUND).probabilities


def test_a_folder_that_chooses_one_label_may_say_so(copy):
    folder = copy()
    expected = answer(folder)
    change_json(folder, 'config.json', problem_type='single_label_classification', num_labels=len(LABELS))
    np.testing.assert_array_equal(answer(folder), expected)


@pytest.mark.parametrize('kind', ['regression', 'multi_label_classification', 'token_classification', 7, ['x'], ''])
def test_outputs_that_are_no_probabilities(copy, refuses, kind):
    folder = copy()
    change_json(folder, 'config.json', problem_type=kind)
    with refuses(str(folder), repr(kind), 'no probabilities of labels', 'single_label_classification'):
        load_checkpoint(folder, CPU)


@pytest.mark.parametrize(
    'classes',
    [['Wav2Vec2ForSpeechClassification'], ['Wav2Vec2ForAudioFrameClassification'], ['BertForTokenClassification'], 'x'],
)
def test_a_network_of_another_class(copy, refuses, classes):
    folder = copy()
    change_json(folder, 'config.json', architectures=classes)
    with refuses(str(folder), str(classes)[:30], 'Wav2Vec2ForSequenceClassification'):
        load_checkpoint(folder, CPU)


def test_a_network_whose_class_is_not_told_is_known_by_its_weights(copy):
    folder = copy()
    expected = answer(folder)
    change_json(folder, 'config.json', architectures=None)
    np.testing.assert_array_equal(answer(folder), expected)


@pytest.mark.parametrize('names', [['arousal', 'valence'], ['Arousal', 'dominance', 'valence'], ['arousal']])
def test_dimensions_of_emotion_are_no_emotions(copy, refuses, names):
    folder = copy()
    change_json(folder, 'config.json', id2label=dict(enumerate(names)), label2id={})
    with refuses(str(folder), names[0]):
        load_checkpoint(folder, CPU)


@pytest.mark.parametrize('family', ['wav2vec2-group', 'wav2vec2-layer', 'wavlm-layer', 'wav2vec2-bert', 'whisper'])
def test_fewer_layers_than_the_weights(copy, refuses, family):
    folder = copy(family)
    key = 'encoder_layers' if family == 'whisper' else 'num_hidden_layers'
    change_json(folder, 'config.json', **{key: 1})
    with refuses(str(folder), 'weights that the network of its config.json does not have', 'layers.1.'):
        load_checkpoint(folder, CPU)


UNUSED = {
    'an adapter': 'wav2vec2.adapter.layers.0.conv.weight',
    'a weighted sum': 'layer_weights',
    'a pooling of its own': 'attention_pool.weight',
    'another head': 'classifier.dense.weight',
    'speakers': 'tdnn.0.kernel.weight',
}


@pytest.mark.parametrize('kind', UNUSED)
def test_weights_that_the_network_does_not_use(copy, refuses, kind):
    folder = copy()
    change_weights(folder, lambda weights: weights.update({UNUSED[kind]: torch.zeros(3)}))
    with refuses(str(folder), 'holds 1 weights', UNUSED[kind], 'copy it again'):
        load_checkpoint(folder, CPU)


def test_what_published_models_carry_of_their_pretraining_does_no_harm(copy):
    folder = copy()
    expected = answer(folder)
    names = ['lm_head.weight', 'lm_head.bias', 'quantizer.codevectors', 'project_q.weight', 'project_hid.bias']
    change_weights(folder, lambda weights: weights.update({name: torch.zeros(3) for name in names}))
    np.testing.assert_array_equal(answer(folder), expected)


def test_the_mask_vector_may_be_there_where_the_network_has_none(copy):
    folder = copy()
    expected = answer(folder)
    change_json(folder, 'config.json', mask_time_prob=0.0, mask_feature_prob=0.0)
    np.testing.assert_array_equal(answer(folder), expected)


def test_names_of_older_versions_are_known(copy):
    folder = copy()
    expected = answer(folder)
    now = {'parametrizations.weight.original0': 'weight_g', 'parametrizations.weight.original1': 'weight_v'}

    def rename(weights):
        for name in [name for name in weights if 'original' in name]:
            for new, old in now.items():
                if name.endswith(new):
                    weights[name.removesuffix(new) + old] = weights.pop(name)

    change_weights(folder, rename)
    assert any(name.endswith('weight_g') for name in load_file(folder / 'model.safetensors'))
    np.testing.assert_array_equal(answer(folder), expected)


NAMES = [f'mood{index}' for index in range(8)]
BAD_NAMES = {
    'from 1': ({str(index + 1): name for index, name in enumerate(NAMES)}, 'numbered from 0 without gaps'),
    'a gap': ({str(index + index // 7): name for index, name in enumerate(NAMES)}, 'numbered from 0 without gaps'),
    'negative': ({str(index - 1): name for index, name in enumerate(NAMES)}, 'numbered from 0 without gaps'),
    'zeros before': ({f'0{index}': name for index, name in enumerate(NAMES)}, 'numbered from 0 without gaps'),
    'words': ({name: name for name in NAMES}, 'numbered from 0 without gaps'),
    'a list': (NAMES, 'no table of names'),
    'a word': ('happy', 'no table of names'),
    'none': ({}, 'two or more that are different'),
    'a number': (dict(enumerate([*NAMES[:7], 7])), 'calls its label 7 7'),
    'null': (dict(enumerate([None, *NAMES[1:]])), 'calls its label 0 None'),
    'true': (dict(enumerate([True, *NAMES[1:]])), 'calls its label 0 True'),
    'a list of names': (dict(enumerate([['happy'], *NAMES[1:]])), "calls its label 0 ['happy']"),
    'empty': (dict(enumerate(['', *NAMES[1:]])), "calls its label 0 ''"),
    'blank': (dict(enumerate([' \t', *NAMES[1:]])), 'calls its label 0'),
    'two lines': (dict(enumerate(['a\nb', *NAMES[1:]])), 'calls its label 0'),
    'half a character': (dict(enumerate(['\ud800', *NAMES[1:]])), 'calls its label 0'),
    'twice': (dict(enumerate(['mood7', *NAMES[1:]])), 'two or more that are different'),
    'twice with a space': (dict(enumerate(['mood7 ', *NAMES[1:]])), 'two or more that are different'),
    'not named': (dict(enumerate(['LABEL_0', *NAMES[1:]])), 'is a placeholder'),
}


@pytest.mark.parametrize('kind', BAD_NAMES)
def test_labels_are_never_renumbered_and_all_are_names(copy, refuses, kind):
    folder, (names, fact) = copy(), BAD_NAMES[kind]
    change_json(folder, 'config.json', id2label=names, label2id=None)
    with refuses(str(folder), fact, 'config.json'):
        load_checkpoint(folder, CPU)


def test_labels_in_any_script_are_names(copy):
    folder = copy()
    names = ['радость', '怒り', 'می‌ترسد', 'très content', '😀', 'a', 'A', 'b 2']
    change_json(folder, 'config.json', id2label=dict(enumerate(names)), label2id=None)
    assert load_checkpoint(folder, CPU).labels == tuple(names)


@pytest.mark.parametrize(
    ('changes', 'fact'),
    [
        ({'num_labels': 7}, 'num_labels 7'),
        ({'label2id': {'happy': 0, 'neutral': 2}}, "calls its output 0 'neutral'"),
    ],
)
def test_labels_that_contradict_each_other(copy, refuses, changes, fact):
    folder = copy()
    assert LABELS[0] == 'neutral'
    change_json(folder, 'config.json', **changes)
    with refuses(str(folder), fact, 'correct its config.json'):
        load_checkpoint(folder, CPU)


@pytest.mark.parametrize('family', ['wav2vec2-layer', 'wav2vec2-bert', 'whisper'])
@pytest.mark.parametrize('rate', ['16000', 16000.0, ' 16000.0 ', '1.6e4'])
def test_a_sampling_rate_in_another_spelling_is_that_rate(copy, family, rate):
    folder = copy(family)
    expected = answer(folder)
    change_json(folder, 'preprocessor_config.json', sampling_rate=rate)
    np.testing.assert_array_equal(answer(folder), expected)


@pytest.mark.parametrize('rate', ['8000', 8000.0, 44_100])
def test_another_sampling_rate_is_told_in_hertz(copy, refuses, rate):
    folder = copy()
    change_json(folder, 'preprocessor_config.json', sampling_rate=rate)
    with refuses(str(folder), f'needs sound at {int(float(rate))} Hz', 'feeds 16000 Hz'):
        load_checkpoint(folder, CPU)


@pytest.mark.parametrize(
    'rate', [None, True, [16000], {}, '', '16 kHz', '16,000', 16000.5, 'nan', float('inf'), -16000]
)
def test_a_sampling_rate_that_is_none(copy, refuses, rate):
    folder = copy()
    change_json(folder, 'preprocessor_config.json', sampling_rate=rate)
    with refuses(str(folder), f'the sampling_rate {rate!r}', 'is expected', 'correct it'):
        load_checkpoint(folder, CPU)


@pytest.mark.parametrize('value', ['false', 'False', False])
def test_a_truth_may_be_written_as_text(copy, value):
    folder = copy()
    change_json(folder, 'preprocessor_config.json', do_normalize=value)
    assert load_checkpoint(folder, CPU).frontend.extractor.do_normalize is False


@pytest.mark.parametrize(
    ('family', 'key', 'value'),
    [
        ('wav2vec2-layer', 'do_normalize', 'no'),
        ('wav2vec2-layer', 'do_normalize', None),
        ('wav2vec2-layer', 'padding_value', 'silence'),
        ('wav2vec2-layer', 'padding_side', 3),
        ('whisper', 'hop_length', None),
        ('whisper', 'hop_length', 0),
        ('whisper', 'hop_length', 10**9),
        ('whisper', 'feature_size', 10**7),
        ('whisper', 'n_fft', 400.5),
        ('wav2vec2-bert', 'stride', '2 frames'),
        ('wav2vec2-bert', 'num_mel_bins', -80),
    ],
)
def test_settings_of_the_wrong_kind_or_size(copy, refuses, family, key, value):
    folder = copy(family)
    change_json(folder, 'preprocessor_config.json', **{key: value})
    with refuses(str(folder), f'the {key} {value!r}', 'is expected', 'correct it'):
        load_checkpoint(folder, CPU)


KERNEL = 'kernels-community/flash-attn2'
ELSEWHERE = {
    'attn_implementation': KERNEL,
    '_attn_implementation': KERNEL,
    '_attn_implementation_internal': KERNEL,
    '_attn_implementation_autoset': True,
    'experts_implementation': KERNEL,
    '_experts_implementation': KERNEL,
    'kernel_config': {'kernel_mapping': {'RMSNorm': f'{KERNEL}:RMSNorm'}},
    'use_kernels': True,
    'fusion_config': {'patch_embeddings': True},
    'transformers_weights': '../../elsewhere.safetensors',
    'distributed_config': {'tp_size': 2},
    'auto_map': {'AutoConfig': 'someone/something--code.Config', 'AutoModelForAudioClassification': 'code.Model'},
    'custom_pipelines': {'audio-classification': {'impl': 'code.Pipeline'}},
    'trust_remote_code': True,
    '_name_or_path': 'someone/something',
    'name_or_path': 'someone/something',
    '_commit_hash': 'main',
    'dtype': 'nn',
    'torch_dtype': 'float16',
    'return_dict': False,
    'save_pretrained': 'x',
    'to_dict': None,
}


@pytest.mark.parametrize('family', ['wav2vec2-layer', 'wavlm-layer', 'whisper'])
def test_nothing_in_a_folder_names_code_or_another_place(copy, monkeypatch, family):
    from transformers.integrations import hub_kernels

    def ask(*args, **options):
        pytest.fail(f'would ask the Hub for a kernel: {args}')

    for name in ('load_and_register_attn_kernel', 'lazy_load_kernel', 'get_kernel'):
        monkeypatch.setattr(hub_kernels, name, ask, raising=False)
    folder = copy(family)
    expected = answer(folder)
    for name in ('config.json', 'preprocessor_config.json'):
        change_json(folder, name, **ELSEWHERE)
    np.testing.assert_array_equal(answer(folder), expected)


@pytest.mark.parametrize('key', ['quantization_config', 'compression_config'])
def test_a_quantised_model_is_told(copy, refuses, key):
    folder = copy()
    change_json(folder, 'config.json', **{key: {'quant_method': 'bitsandbytes', 'load_in_4bit': True}})
    with refuses(str(folder), 'is quantised', key, 'before it was quantised'):
        load_checkpoint(folder, CPU)


def test_weights_in_whole_numbers_are_told(copy, refuses):
    folder = copy()
    name = 'wav2vec2.encoder.layers.1.attention.k_proj.weight'
    change_weights(folder, lambda weights: weights.update({name: (weights[name] * 127).to(torch.int8)}))
    with refuses(str(folder), 'in whole numbers', name, 'before it was quantised'):
        load_checkpoint(folder, CPU)


def test_an_adapter_and_its_base_are_never_fetched(copy, refuses):
    folder = copy()
    adapter = {'peft_type': 'LORA', 'base_model_name_or_path': 'someone/something'}
    (folder / 'adapter_config.json').write_text(json.dumps(adapter))
    with refuses(str(folder), 'adapter_config.json', 'merge_and_unload'):
        load_checkpoint(folder, CPU)


@pytest.mark.parametrize('name', ['../model.safetensors', '/etc/passwd', 'weights.bin', '', None, 3, 'a/b.safetensors'])
def test_an_index_names_only_files_of_its_folder(copy, refuses, name):
    folder = copy()
    (folder / 'model.safetensors').rename(folder.parent / 'model.safetensors')
    index = {'metadata': {}, 'weight_map': {'projector.weight': name}}
    (folder / 'model.safetensors.index.json').write_text(json.dumps(index))
    with refuses(str(folder), 'model.safetensors.index.json', repr(name)):
        load_checkpoint(folder, CPU)


@pytest.mark.parametrize('name', ['config.json', 'preprocessor_config.json', 'model.safetensors'])
@pytest.mark.parametrize('kind', NO_PLAIN_FILES)
def test_only_plain_files_are_opened(copy, refuses, name, kind):
    folder = copy()
    (folder / name).unlink()
    NO_PLAIN_FILES[kind](folder / name)
    with refuses(str(folder / name), f'is {kind}', 'plain file'):
        load_checkpoint(folder, CPU)


@pytest.mark.parametrize('name', ['config.json', 'preprocessor_config.json'])
def test_settings_of_absurd_size_are_not_read(copy, refuses, name):
    folder = copy()
    os.truncate(folder / name, 1 << 40)
    with refuses(str(folder / name), str(1 << 40), 'bytes'):
        load_checkpoint(folder, CPU)


def test_links_to_plain_files_are_followed(copy, tmp_path):
    """As in the cache of the Hub."""
    folder = copy()
    expected = answer(folder)
    (tmp_path / 'blobs').mkdir()
    for path in list(folder.iterdir()):
        path.rename(tmp_path / 'blobs' / path.name)
        path.symlink_to(tmp_path / 'blobs' / path.name)
    np.testing.assert_array_equal(answer(folder), expected)
    (tmp_path / 'blobs' / 'model.safetensors').unlink()
    with pytest.raises(Exception, match='cannot be read'):
        load_checkpoint(folder, CPU)


def test_a_model_folder_says_nothing_on_the_console(copy, capfd):
    folder = copy('wav2vec2-bert')
    capfd.readouterr()
    answer(folder)
    assert capfd.readouterr() == ('', '')
