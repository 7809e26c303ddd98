# SPDX-License-Identifier: Apache-2.0
"""Tiny random-weight checkpoints of every family: they load and answer like real ones, and know nothing."""

import socket

import pytest
import torch
import transformers

from ser_ros.emotions import LABELS

_NAMES = {
    'id2label': dict(enumerate(LABELS)),
    'label2id': {label: index for index, label in enumerate(LABELS)},
    'classifier_proj_size': 16,
}
_ENCODER = _NAMES | {
    'hidden_size': 32,
    'num_hidden_layers': 2,
    'num_attention_heads': 2,
    'intermediate_size': 64,
}
_CONVOLUTIONAL = _ENCODER | {
    'conv_dim': (16,) * 7,
    'num_conv_pos_embeddings': 16,
    'num_conv_pos_embedding_groups': 2,
}
_LAYER_NORM = {'feat_extract_norm': 'layer', 'do_stable_layer_norm': True}

WHISPER_WINDOW = 4.0
"""Seconds that the tiny Whisper encoder hears at once; max_source_positions is 50 for each of them."""

_WHISPER = _NAMES | {
    'd_model': 32,
    'encoder_layers': 2,
    'encoder_attention_heads': 2,
    'encoder_ffn_dim': 64,
    'decoder_layers': 1,
    'decoder_attention_heads': 2,
    'decoder_ffn_dim': 32,
    'max_source_positions': int(WHISPER_WINDOW * 50),
    'vocab_size': 100,
    'pad_token_id': 0,
    'bos_token_id': 0,
    'eos_token_id': 0,
    'decoder_start_token_id': 0,
    'suppress_tokens': None,
    'begin_suppress_tokens': None,
}

FAMILIES = {
    'wav2vec2-group': ('Wav2Vec2', _CONVOLUTIONAL),
    'wav2vec2-layer': ('Wav2Vec2', _CONVOLUTIONAL | _LAYER_NORM),
    'hubert-group': ('Hubert', _CONVOLUTIONAL),
    'hubert-layer': ('Hubert', _CONVOLUTIONAL | _LAYER_NORM),
    'wavlm-group': ('WavLM', _CONVOLUTIONAL),
    'wavlm-layer': ('WavLM', _CONVOLUTIONAL | _LAYER_NORM),
    'wav2vec2-bert': ('Wav2Vec2Bert', _ENCODER),
    'whisper': ('Whisper', _WHISPER),
}
_EXTRACTORS = {
    'Wav2Vec2Bert': transformers.SeamlessM4TFeatureExtractor,
    'Whisper': transformers.WhisperFeatureExtractor,
}


def build_model(family: str):
    """Return (network, feature extractor) with weights that differ enough for answers to differ."""
    torch.manual_seed(3)
    prefix, settings = FAMILIES[family]
    config = getattr(transformers, f'{prefix}Config')(**settings)
    head = 'ForAudioClassification' if prefix == 'Whisper' else 'ForSequenceClassification'
    model = getattr(transformers, prefix + head)(config).eval()
    with torch.no_grad():
        model.classifier.weight *= 20
    return model, _EXTRACTORS.get(prefix, transformers.Wav2Vec2FeatureExtractor)()


@pytest.fixture(scope='session')
def models(tmp_path_factory, one_torch_thread):
    """Return the folder that holds one random-weight model folder for each of FAMILIES."""
    folder = tmp_path_factory.mktemp('random-weight')
    for family in FAMILIES:
        for part in build_model(family):
            part.save_pretrained(folder / family)
    return folder


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Fail whatever opens a connection or looks a host up."""

    def refuse(*args, **options):
        pytest.fail(f'touched the network: {args}')

    monkeypatch.setattr(socket.socket, 'connect', refuse)
    monkeypatch.setattr(socket.socket, 'connect_ex', refuse)
    monkeypatch.setattr(socket, 'getaddrinfo', refuse)
