# SPDX-License-Identifier: Apache-2.0
"""A tiny classifier with random weights of each family of speech encoders: it runs, and its answers mean nothing."""

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
_EXTRACTORS = {'Wav2Vec2Bert': 'SeamlessM4TFeatureExtractor', 'Whisper': 'WhisperFeatureExtractor'}


def build_model(family: str):
    """Return (network, feature extractor) with weights that differ enough for answers to differ."""
    import torch
    import transformers

    torch.manual_seed(3)
    prefix, settings = FAMILIES[family]
    config = getattr(transformers, f'{prefix}Config')(**settings)
    head = 'ForAudioClassification' if prefix == 'Whisper' else 'ForSequenceClassification'
    model = getattr(transformers, prefix + head)(config).eval()
    with torch.no_grad():
        model.classifier.weight *= 20
    return model, getattr(transformers, _EXTRACTORS.get(prefix, 'Wav2Vec2FeatureExtractor'))()
