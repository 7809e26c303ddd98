# SPDX-License-Identifier: Apache-2.0
"""Tiny networks with random weights of every family of speech encoders: they run, and their answers mean nothing.

FAMILIES are classifiers; PRETRAINED are encoders as published, that training begins with; WAV2VEC2 and WHISPER are the
smallest configurations, for tests of one.
"""

from pathlib import Path

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

NARROW = [
    'network.window=1.0',
    'feed_forward=8',
    'network.config.encoder_layers=1',
    'pieces.longest=1.0',
    'pieces.shortest=0.5',
    'distillation.layers=[1,2]',
    'distillation.directions=3',
]
"""Settings that make a part of the tiny Whisper encoder of the recipe `whisper-base-lower`."""

WHISPER_WINDOW = 4.0
"""Seconds that the tiny Whisper encoder hears at once; max_source_positions is 50 for each of them."""

_WHISPER_DECODER = {
    'decoder_layers': 1,
    'decoder_attention_heads': 2,
    'decoder_ffn_dim': 16,
    'vocab_size': 50,
    'pad_token_id': 0,
    'bos_token_id': 0,
    'eos_token_id': 0,
    'decoder_start_token_id': 0,
    'suppress_tokens': None,
    'begin_suppress_tokens': None,
}
_WHISPER = (
    _NAMES
    | _WHISPER_DECODER
    | {
        'd_model': 32,
        'encoder_layers': 2,
        'encoder_attention_heads': 2,
        'encoder_ffn_dim': 64,
        'max_source_positions': int(WHISPER_WINDOW * 50),
    }
)

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

_THREE_CONVOLUTIONS = {
    'conv_dim': (8, 8, 8),
    'conv_kernel': (10, 8, 4),
    'conv_stride': (10, 8, 4),
    'num_feat_extract_layers': 3,
    'num_conv_pos_embedding_groups': 2,
    'classifier_proj_size': 8,
}
WAV2VEC2 = _THREE_CONVOLUTIONS | {
    'hidden_size': 16,
    'num_hidden_layers': 2,
    'num_attention_heads': 2,
    'intermediate_size': 16,
    'num_conv_pos_embeddings': 8,
}
WHISPER = _WHISPER_DECODER | {
    'd_model': 16,
    'encoder_layers': 3,
    'encoder_attention_heads': 2,
    'encoder_ffn_dim': 16,
    'classifier_proj_size': 8,
}
"""With its 1500 positions."""

_PRETRAINED = {
    'hidden_size': 24,
    'num_hidden_layers': 2,
    'num_attention_heads': 2,
    'intermediate_size': 32,
    'initializer_range': 0.2,  # so narrow a network would hardly tell one sound from another
    'layerdrop': 0.0,  # a dropped layer would not learn in so few steps
}
_ON_SAMPLES = _PRETRAINED | _THREE_CONVOLUTIONS | {'num_conv_pos_embeddings': 16}
_LARGE = _LAYER_NORM | {'conv_bias': True}
_PRETRAINED_WHISPER = _WHISPER_DECODER | {
    'init_std': 0.2,
    'd_model': 24,
    'encoder_layers': 2,
    'encoder_attention_heads': 2,
    'encoder_ffn_dim': 32,
    'classifier_proj_size': 8,
}

PRETRAINED = {
    'wav2vec2-base': ('Wav2Vec2', 'ForCTC', _ON_SAMPLES),
    'xls-r-300m': ('Wav2Vec2', 'ForPreTraining', _ON_SAMPLES | _LARGE | {'num_codevectors_per_group': 8}),
    'xls-r-1b': ('Wav2Vec2', 'ForCTC', _ON_SAMPLES | _LARGE | {'num_hidden_layers': 3}),
    'hubert-large': ('Hubert', 'ForCTC', _ON_SAMPLES | _LARGE),
    'wavlm-base-plus': ('WavLM', 'Model', _ON_SAMPLES),
    'wavlm-large': ('WavLM', 'Model', _ON_SAMPLES | _LARGE),
    'whisper': ('Whisper', 'ForConditionalGeneration', _PRETRAINED_WHISPER),
    'wav2vec2-bert': ('Wav2Vec2Bert', 'Model', _PRETRAINED | {'classifier_proj_size': 8}),
}
"""As published: the class that each checkpoint was saved from, and its configuration, shrunken."""

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


def save_pretrained_encoder(name: str, folder: Path):
    """Write one of PRETRAINED as it would be on the Hub; return its encoder."""
    import torch
    import transformers

    torch.manual_seed(1)
    prefix, head, settings = PRETRAINED[name]
    network = getattr(transformers, prefix + head)(getattr(transformers, f'{prefix}Config')(**settings))
    network.save_pretrained(folder)
    options = {} if prefix in _EXTRACTORS else {'return_attention_mask': 'feat_extract_norm' in settings}
    getattr(transformers, _EXTRACTORS.get(prefix, 'Wav2Vec2FeatureExtractor'))(**options).save_pretrained(folder)
    return network.model.encoder if prefix == 'Whisper' else network.base_model
