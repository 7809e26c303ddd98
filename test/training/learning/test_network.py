# SPDX-License-Identifier: Apache-2.0
"""From a checkpoint to a network: windows, labels, and folders that must not be taken for a speech encoder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from spoiled_folders import change_json
from tiny_models import WAV2VEC2, WHISPER
from transformers import (
    AutoModelForAudioClassification,
    SeamlessM4TFeatureExtractor,
    Wav2Vec2FeatureExtractor,
    WhisperFeatureExtractor,
)

from ser_ros.training.learning.design import design_classifier, design_encoder, new_feature_extractor
from ser_ros.training.learning.network import new_classifier, new_encoder
from ser_ros.training.learning.precision import attention
from ser_ros.training.learning.recipe import FeatureExtraction, Network

LABELS = ('neutral', 'angry')
NO_EXTRACTION = FeatureExtraction()


@pytest.fixture(scope='module')
def whisper(tmp_path_factory) -> Path:
    """Return the folder of a tiny Whisper with its 1500 positions."""
    folder = tmp_path_factory.mktemp('checkpoints') / 'whisper'
    network = transformers.WhisperForConditionalGeneration(transformers.WhisperConfig(**WHISPER))
    network.save_pretrained(folder)
    WhisperFeatureExtractor().save_pretrained(folder)
    return folder


@pytest.fixture
def wav2vec2(tmp_path) -> Path:
    """Return the folder of a tiny pretrained wav2vec 2.0, which a test may spoil."""
    folder = tmp_path / 'wav2vec2'
    transformers.Wav2Vec2Model(transformers.Wav2Vec2Config(**WAV2VEC2)).save_pretrained(folder)
    Wav2Vec2FeatureExtractor().save_pretrained(folder)
    return folder


def save_classifier(folder: Path, labels: tuple[str, ...]) -> torch.nn.Module:
    """Write a tiny wav2vec 2.0 classifier; return it."""
    names = {'id2label': dict(enumerate(labels)), 'label2id': {label: index for index, label in enumerate(labels)}}
    network = transformers.Wav2Vec2ForSequenceClassification(transformers.Wav2Vec2Config(**WAV2VEC2, **names))
    network.save_pretrained(folder)
    Wav2Vec2FeatureExtractor().save_pretrained(folder)
    return network.eval()


def make(checkpoint: Path | str, labels: tuple[str, ...] = LABELS, **network):
    """Return (design, network) of a checkpoint."""
    made = design_classifier(Network(checkpoint=str(checkpoint), **network), NO_EXTRACTION, labels)
    return made, new_classifier(made)


def change_weights(folder: Path, change) -> None:
    path = folder / 'model.safetensors'
    save_file(change(load_file(path)), path, metadata={'format': 'pt'})


def test_a_new_network_takes_the_labels_and_repeats_with_the_seed():
    network = Network(model_type='wav2vec2', config=WAV2VEC2)
    made = design_classifier(network, FeatureExtraction('Wav2Vec2FeatureExtractor'), LABELS)
    first, second = (torch.manual_seed(seed) and new_classifier(made) for seed in (1, 1))
    assert first.config.id2label == {0: 'neutral', 1: 'angry'}
    assert first.config.label2id == {'neutral': 0, 'angry': 1}
    assert made.initial_weights == 'random'
    assert all(torch.equal(weight, second.state_dict()[name]) for name, weight in first.state_dict().items())
    assert {weight.dtype for weight in first.parameters()} == {torch.float32}


def test_a_local_checkpoint_is_named_by_its_folder_only(wav2vec2):
    assert make(wav2vec2)[0].initial_weights == 'wav2vec2'


def test_a_short_window_shortens_table_configuration_and_frontend(whisper, tmp_path, made_sound):
    made, model = make(whisper, window=1.0)
    full = make(whisper)[1]
    assert full.encoder.embed_positions.weight.shape[0] == 1500
    assert made.frontend.longest == 16_000
    table = model.encoder.embed_positions
    assert table.num_embeddings == 50 and torch.equal(table.weight, full.encoder.embed_positions.weight[:50])
    assert model.config.max_source_positions == model.encoder.config.max_source_positions == 50
    inputs = made.frontend([made_sound('chord', 0.8)])
    assert inputs['input_features'].shape == (1, 80, 100)
    model.eval().save_pretrained(tmp_path / 'model')
    loaded = AutoModelForAudioClassification.from_pretrained(tmp_path / 'model', attn_implementation=attention())
    with torch.inference_mode():
        assert torch.equal(loaded(**inputs).logits, model(**inputs).logits)


def test_a_classifier_with_a_short_window_is_a_checkpoint_too(whisper, tmp_path):
    made, model = make(whisper, window=1.0)
    model.save_pretrained(tmp_path / 'short')
    made.feature_extractor.save_pretrained(tmp_path / 'short')
    again, other = make(tmp_path / 'short')
    assert again.frontend.longest == 16_000
    assert torch.equal(other.encoder.embed_positions.weight, model.encoder.embed_positions.weight)
    assert torch.equal(other.classifier.weight, model.classifier.weight)


@pytest.mark.parametrize('weighted', [False, True])
def test_upper_layers_can_be_left_out(whisper, weighted, made_sound):
    made, model = make(whisper, window=1.0, config={'encoder_layers': 2, 'use_weighted_layer_sum': weighted})
    assert len(model.encoder.layers) == 2
    assert model(**made.frontend([made_sound('chord', 0.8)])).logits.shape == (1, 2)


@pytest.mark.parametrize('window', [31.0, -1.0, 0.001])
def test_a_window_outside_of_whispers_is_refused(refuses, whisper, window):
    with refuses(f'network.window is {window} s', 'at most 30 s'):
        make(whisper, window=window)


def test_a_window_for_another_family_is_refused(refuses, wav2vec2):
    with refuses('network.window is for Whisper', 'wav2vec2'):
        make(wav2vec2, window=3.0)


def test_a_trained_classifier_keeps_what_it_knows_of_labels_in_another_order(tmp_path):
    before = save_classifier(tmp_path / 'trained', ('neutral', 'angry', 'sad'))
    _, after = make(tmp_path / 'trained', ('sad', 'neutral', 'angry'))
    sound = torch.randn(1, 16_000)
    with torch.inference_mode():
        expected, actual = before(sound).logits[0], after.eval()(sound).logits[0]
    torch.testing.assert_close(actual, expected[[2, 0, 1]])
    assert after.config.label2id == {'sad': 0, 'neutral': 1, 'angry': 2}


def test_only_labels_that_are_new_begin_anew(tmp_path):
    before = save_classifier(tmp_path / 'trained', ('neutral', 'angry', 'sad'))
    _, after = make(tmp_path / 'trained', ('bored', 'sad', 'neutral'))
    assert torch.equal(after.classifier.weight[1:], before.classifier.weight[[2, 0]])
    assert torch.equal(after.classifier.bias[1:], before.classifier.bias[[2, 0]])
    assert not any(torch.equal(after.classifier.weight[0], row) for row in before.classifier.weight)
    assert torch.equal(after.projector.weight, before.projector.weight)


def test_a_trained_classifier_of_another_width_begins_anew(tmp_path):
    before = save_classifier(tmp_path / 'trained', LABELS)
    width = before.classifier.in_features + 2
    _, after = make(tmp_path / 'trained', config={'classifier_proj_size': width})
    assert after.classifier.in_features == width
    torch.testing.assert_close(
        after.wav2vec2.encoder.layers[0].final_layer_norm.weight,
        before.wav2vec2.encoder.layers[0].final_layer_norm.weight,
    )


@pytest.mark.parametrize('labels', [('neutral', 'sad'), ('neutral', 'sad', 'bored', 'angry')])
def test_a_trained_classifier_keeps_known_labels_where_their_number_differs(tmp_path, labels):
    before = save_classifier(tmp_path / 'trained', ('neutral', 'angry', 'sad'))
    _, after = make(tmp_path / 'trained', labels)
    assert after.classifier.weight.shape[0] == len(labels)
    assert torch.equal(after.classifier.weight[:2], before.classifier.weight[[0, 2]])
    assert torch.equal(after.classifier.bias[:2], before.classifier.bias[[0, 2]])


def test_a_text_model_is_refused(refuses, tmp_path):
    config = transformers.BertConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, vocab_size=20
    )
    transformers.BertModel(config).save_pretrained(tmp_path / 'bert')
    with refuses("is a 'bert' model", 'cannot classify audio', 'speech encoder'):
        make(tmp_path / 'bert')


def test_missing_weights_of_the_encoder_are_refused(refuses, wav2vec2):
    change_weights(wav2vec2, lambda weights: {key: value for key, value in weights.items() if '.layers.1.' not in key})
    with refuses('lacks 16 weights of the encoder', 'wav2vec2.encoder.layers.1.'):
        make(wav2vec2)


def test_a_missing_positional_convolution_is_refused(refuses, wav2vec2):
    change_weights(wav2vec2, lambda weights: {key: value for key, value in weights.items() if '.original1' not in key})
    with refuses('lacks 1 weights of the encoder', 'pos_conv_embed'):
        make(wav2vec2)


def test_the_old_names_of_a_normalised_weight_are_read(wav2vec2):
    expected = make(wav2vec2)[1].state_dict()
    old = {'parametrizations.weight.original0': 'weight_g', 'parametrizations.weight.original1': 'weight_v'}

    def rename(weights):
        for new_name, old_name in old.items():
            weights = {key.replace(new_name, old_name): value for key, value in weights.items()}
        return weights

    change_weights(wav2vec2, rename)
    assert any(key.endswith('weight_v') for key in load_file(wav2vec2 / 'model.safetensors'))
    actual = make(wav2vec2)[1].state_dict()
    for name in (name for name in expected if name.startswith('wav2vec2.')):
        assert torch.equal(actual[name], expected[name]), name


def test_the_mask_vector_of_specaugment_may_be_missing(wav2vec2):
    change_weights(wav2vec2, lambda weights: {key: value for key, value in weights.items() if 'masked' not in key})
    assert torch.isfinite(make(wav2vec2)[1].wav2vec2.masked_spec_embed).all()


def test_another_shape_than_the_checkpoint_has_is_refused(refuses, wav2vec2):
    with refuses('weights of the encoder', 'network.config'):
        make(wav2vec2, config={'intermediate_size': 24})


def test_a_checkpoint_for_telephone_sound_is_refused(refuses, wav2vec2):
    change_json(wav2vec2, 'preprocessor_config.json', sampling_rate=8000)
    with refuses('8000 Hz', '16000 Hz'):
        make(wav2vec2)


@pytest.mark.parametrize(
    ('file', 'text'),
    [
        ('config.json', 'config.json'),
        ('preprocessor_config.json', 'preprocessor_config.json'),
        ('model.safetensors', 'weights'),
    ],
)
@pytest.mark.parametrize('fault', ['missing', 'broken'])
def test_a_folder_with_a_bad_file_is_refused(refuses, wav2vec2, file, text, fault):
    (wav2vec2 / file).unlink()
    if fault == 'broken':
        (wav2vec2 / file).write_text('{')
    with refuses(str(wav2vec2), text):
        make(wav2vec2)


@pytest.mark.parametrize('family', ['wav2vec2-group', 'hubert-layer', 'wavlm-layer', 'wav2vec2-bert', 'whisper'])
def test_an_encoder_is_that_of_the_classifier(models, family, made_sound):
    network = Network(checkpoint=str(models / family))
    encoder = new_encoder(design_encoder(network, NO_EXTRACTION)).eval()
    made = design_classifier(network, NO_EXTRACTION, LABELS)
    classifier = new_classifier(made).eval()
    inputs = made.frontend([made_sound('chord', 0.8)])
    with torch.inference_mode():
        expected = classifier(**inputs, output_hidden_states=True).hidden_states
        actual = encoder(**inputs, output_hidden_states=True).hidden_states
    assert len(actual) == len(expected) == 3
    assert all(map(torch.equal, actual, expected))
    assert not hasattr(encoder, 'classifier') and not hasattr(encoder, 'decoder')


def test_an_encoder_of_a_pretrained_whisper_has_its_window_and_layers(whisper, made_sound):
    network = Network(checkpoint=str(whisper), window=1.0, config={'encoder_layers': 2})
    made = design_encoder(network, NO_EXTRACTION)
    encoder = new_encoder(made).eval()
    assert len(encoder.layers) == 2 and encoder.embed_positions.num_embeddings == 50
    full = new_encoder(design_encoder(Network(checkpoint=str(whisper)), NO_EXTRACTION))
    assert torch.equal(encoder.embed_positions.weight, full.embed_positions.weight[:50])
    assert encoder(**made.frontend([made_sound('chord', 0.8)])).last_hidden_state.shape == (1, 50, 16)


def test_a_random_encoder_has_no_head_and_no_labels_of_data():
    network = Network(model_type='wav2vec2', config=WAV2VEC2)
    encoder = new_encoder(design_encoder(network, FeatureExtraction('Wav2Vec2FeatureExtractor')))
    assert isinstance(encoder, transformers.Wav2Vec2Model)
    assert encoder.config.label2id == transformers.Wav2Vec2Config().label2id


def test_an_encoder_without_all_its_weights_is_refused(refuses, wav2vec2):
    change_weights(wav2vec2, lambda weights: {key: value for key, value in weights.items() if '.layers.1.' not in key})
    with refuses('lacks 16 weights of the encoder', 'encoder.layers.1.'):
        new_encoder(design_encoder(Network(checkpoint=str(wav2vec2)), NO_EXTRACTION))


def test_an_unknown_key_is_refused_with_the_nearest(refuses, wav2vec2):
    with refuses("'network.config.use_weigted_layer_sum'", "did you mean 'use_weighted_layer_sum'"):
        make(wav2vec2, config={'use_weigted_layer_sum': True})


def test_values_that_do_not_go_together_are_refused(refuses):
    network = Network(model_type='wav2vec2', config=WAV2VEC2 | {'num_attention_heads': 3})
    with refuses('network.config does not fit', 'correct the recipe'):
        new_classifier(design_classifier(network, FeatureExtraction('Wav2Vec2FeatureExtractor'), LABELS))


def test_a_feature_extractor_is_made_for_16_khz(refuses):
    made = new_feature_extractor(FeatureExtraction('SeamlessM4TFeatureExtractor', {'stride': 4}))
    assert isinstance(made, SeamlessM4TFeatureExtractor) and (made.stride, made.sampling_rate) == (4, 16_000)
    with refuses('feature_extraction.config does not fit'):
        new_feature_extractor(FeatureExtraction('SeamlessM4TFeatureExtractor', {'stride': 4, 'num_mel_bins': 'many'}))


@pytest.mark.parametrize('network', [{'HF_HUB_OFFLINE': '1'}, {'HF_ENDPOINT': 'http://127.0.0.1:9'}])
def test_a_hub_name_without_a_network_says_at_once_which_folder_to_give(network, tmp_path):
    program = (
        'from ser_ros.training.learning.design import design_classifier\n'
        'from ser_ros.training.learning.recipe import FeatureExtraction, Network\n'
        'from ser_ros.errors import SerError\n'
        'try:\n'
        "    design_classifier(Network(checkpoint='facebook/hubert-large-ls960-ft'), FeatureExtraction(), ('a', 'b'))\n"
        'except SerError as error:\n'
        '    print(error)\n'
    )
    # A new process, because huggingface_hub reads these variables when it is imported.
    environment = {**os.environ, **network, 'HF_HOME': str(tmp_path), 'NO_PROXY': '127.0.0.1'}
    done = subprocess.run(
        [sys.executable, '-c', program], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert "'facebook/hubert-large-ls960-ft' is not a folder here" in done.stdout and done.stdout.count('\n') == 1
    assert '--model FOLDER' in done.stdout and 'config.json, preprocessor_config.json, model.safetensors' in done.stdout
