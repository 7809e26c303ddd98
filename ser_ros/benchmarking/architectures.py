# SPDX-License-Identifier: Apache-2.0
"""Gavali and Verma's four architectures at full size with random weights: as slow as trained ones."""

from pathlib import Path

import torch
import transformers

from ser_ros.emotions import LABELS

_LARGE = {
    'hidden_size': 1024,
    'num_hidden_layers': 24,
    'num_attention_heads': 16,
    'intermediate_size': 4096,
    'conv_bias': True,
    'feat_extract_norm': 'layer',
    'do_stable_layer_norm': True,
}

ARCHITECTURES = {
    'wav2vec2-base': ('wav2vec2', {}),
    'xls-r-300m': ('wav2vec2', _LARGE),
    'xls-r-1b': ('wav2vec2', _LARGE | {'hidden_size': 1280, 'num_hidden_layers': 48, 'intermediate_size': 5120}),
    'hubert-large': ('hubert', _LARGE),
}
"""Model type and what differs from its defaults, which are those of wav2vec 2.0 base and HuBERT base.

Sources: wav2vec 2.0 (Baevski et al. 2020, section 4.2), XLS-R (Babu et al. 2021, table 2), HuBERT (Hsu et al. 2021,
table 1), and the config.json of the published checkpoints for norms and biases."""


def make_random_model(architecture: str, folder: Path, seed: int = 0) -> None:
    """Write a model folder with random weights (seed `seed`), which loads and runs like a trained one."""
    kind, changes = ARCHITECTURES[architecture]
    names = {'id2label': dict(enumerate(LABELS)), 'label2id': {label: index for index, label in enumerate(LABELS)}}
    torch.manual_seed(seed)
    config = transformers.AutoConfig.for_model(kind, **changes, **names)
    transformers.AutoModelForAudioClassification.from_config(config).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(return_attention_mask=config.feat_extract_norm == 'layer').save_pretrained(
        folder
    )
