# SPDX-License-Identifier: Apache-2.0
"""From utterances to a model's input: features, padding and the attention mask that each family needs."""

import numpy as np
import torch
from transformers import PretrainedConfig, SequenceFeatureExtractor

from ser_ros.audio.block import SAMPLE_RATE

AST_HOP = 160
"""Samples from one frame of an audio spectrogram transformer to the next (Gong et al. 2021, section 2.1)."""

WHISPER_CONV_STRIDE = 2
"""Whisper's second convolution halves the mel frames (Radford et al. 2022, section 2.2)."""

_UNMASKED = ('audio-spectrogram-transformer', 'whisper')


class Frontend:
    """Applies a model's feature extractor as its family was trained.

    - wav2vec 2.0, HuBERT and WavLM with group norm: no attention mask (their convolutions see the padding either way).
    - those with layer norm, and Wav2Vec2-BERT: with the mask.
    - Audio spectrogram transformers: at most `max_length` frames, which their extractor pads; no mask.
    - Whisper: a fixed window of `config.max_source_positions`, padded with silence, no mask.
    """

    def __init__(self, feature_extractor: SequenceFeatureExtractor, config: PretrainedConfig):
        """Take both from the same model folder."""
        self.extractor = feature_extractor
        self.masked = config.model_type not in _UNMASKED and getattr(config, 'feat_extract_norm', 'layer') != 'group'
        self._window = None
        if config.model_type == 'whisper':
            self._window = config.max_source_positions * WHISPER_CONV_STRIDE * feature_extractor.hop_length
        elif config.model_type == 'audio-spectrogram-transformer':
            self._window = feature_extractor.max_length * AST_HOP

    @property
    def longest(self) -> int | None:
        """Samples that the model can take at once; None if there is no limit."""
        return self._window

    def __call__(self, batch: list[np.ndarray]) -> dict[str, torch.Tensor]:
        """Return the model's keyword arguments for utterances (float32, 16 kHz), padded to the longest."""
        length = {'padding': True} if self._window is None else {'padding': 'max_length', 'max_length': self._window}
        features = self.extractor(
            batch,
            sampling_rate=SAMPLE_RATE,
            return_attention_mask=self.masked,
            truncation=self._window is not None,
            return_tensors='pt',
            **length,
        )
        return dict(features)
