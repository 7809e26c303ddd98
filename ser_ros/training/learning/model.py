# SPDX-License-Identifier: Apache-2.0
"""Makes the network and the feature extractor that a recipe asks for, from a checkpoint or from random weights."""

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers
from transformers import (
    CONFIG_MAPPING,
    AutoModelForAudioClassification,
    PretrainedConfig,
    PreTrainedModel,
)
from transformers.feature_extraction_sequence_utils import SequenceFeatureExtractor

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.errors import SerError, did_you_mean
from ser_ros.recognition.checkpoint import TEMPERATURE_KEY
from ser_ros.recognition.frontend import WHISPER_CONV_STRIDE, Frontend
from ser_ros.training.learning.layers import head_names
from ser_ros.training.learning.precision import attention
from ser_ros.training.learning.recipe import FeatureExtraction, Network
from ser_ros.training.storage.pretrained import read_config, read_feature_extractor, read_network, reason

_CLASSIFIERS = transformers.MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING

_UNUSED_WEIGHTS = ('masked_spec_embed',)
"""May be missing in a checkpoint: SpecAugment's mask vector, which not every pretraining has."""


@dataclass(frozen=True)
class Design:
    """A network before it has weights.

    config: with the labels of the data.
    checkpoint: where the initial weights come from, empty for random ones.
    window: Whisper's positions after shortening; None to leave the model as it is.
    """

    config: PretrainedConfig
    feature_extractor: SequenceFeatureExtractor
    checkpoint: str = ''
    window: int | None = None

    @property
    def frontend(self) -> Frontend:
        """What feeds the network when it is made."""
        config = copy.deepcopy(self.config)
        if self.window is not None:
            config.max_source_positions = self.window
        return Frontend(self.feature_extractor, config)

    @property
    def initial_weights(self) -> str:
        """What reports say: the name of the checkpoint, or 'random'."""
        if not self.checkpoint:
            return 'random'
        return Path(self.checkpoint).resolve().name if Path(self.checkpoint).is_dir() else self.checkpoint


def design(network: Network, extraction: FeatureExtraction, labels: tuple[str, ...]) -> Design:
    """Return what `network` asks for with these labels.

    Raises SerError for a checkpoint that is not there or cannot classify audio, and for an unknown model type or key.
    """
    if not network.checkpoint:
        config = _new_config(network)
        feature_extractor = new_feature_extractor(extraction)
    else:
        config = _pretrained_config(network)
        feature_extractor = read_feature_extractor(network.checkpoint)
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: index for index, label in enumerate(labels)}
    return Design(config, feature_extractor, network.checkpoint, _window(network, config, feature_extractor))


def new_model(design: Design) -> PreTrainedModel:
    """Return the network in single precision; what no checkpoint brings is drawn from torch's global generator.

    A checkpoint that is a classifier keeps its answers for the labels that are in the data too. Raises SerError where
    values do not go together or where the checkpoint lacks weights of the encoder.
    """
    if design.checkpoint:
        model = _load(design)
    else:
        try:
            model = AutoModelForAudioClassification.from_config(
                design.config, dtype=torch.float32, attn_implementation=attention()
            )
        except Exception as error:
            raise SerError(f'network.config does not fit together ({reason(error)}); correct the recipe') from None
    if design.window is not None:
        _shorten(model, design.window)
    return model


def new_feature_extractor(extraction: FeatureExtraction) -> SequenceFeatureExtractor:
    """Return the feature extractor for 16 kHz. Raises SerError for an unknown class or argument."""
    extractor_class = getattr(transformers, extraction.type, None)
    if not (isinstance(extractor_class, type) and issubclass(extractor_class, SequenceFeatureExtractor)):
        raise SerError(
            f"feature_extraction.type '{extraction.type}' is no feature extractor of transformers; "
            'use one such as SeamlessM4TFeatureExtractor'
        )
    _refuse_unknown(extraction.config, extractor_class().to_dict(), 'feature_extraction.config')
    try:
        return extractor_class(**extraction.config, sampling_rate=SAMPLE_RATE)
    except Exception as error:
        raise SerError(f'feature_extraction.config does not fit ({reason(error)}); correct the recipe') from None


def _new_config(network: Network) -> PretrainedConfig:
    if network.model_type not in CONFIG_MAPPING or CONFIG_MAPPING[network.model_type] not in _CLASSIFIERS:
        known = sorted(config.model_type for config in _CLASSIFIERS)
        raise SerError(
            f"network.model_type '{network.model_type}' cannot classify audio; use one of {', '.join(known)}, "
            'or give a pretrained encoder with --model'
        )
    config_class: type[PretrainedConfig] = CONFIG_MAPPING[network.model_type]
    _refuse_unknown(network.config, config_class().to_dict(), 'network.config')
    try:
        return config_class(**network.config)
    except Exception as error:
        raise SerError(f'network.config does not fit ({reason(error)}); correct the recipe') from None


def _pretrained_config(network: Network) -> PretrainedConfig:
    config = read_config(network.checkpoint)
    if type(config) not in _CLASSIFIERS:
        raise SerError(
            f"the checkpoint '{network.checkpoint}' is a '{config.model_type}' model, which cannot classify audio; "
            'give a speech encoder (wav2vec 2.0, HuBERT, WavLM, Wav2Vec2-BERT, Whisper)'
        )
    _refuse_unknown(network.config, config.to_dict(), 'network.config')
    for key, value in network.config.items():
        setattr(config, key, value)
    if hasattr(config, TEMPERATURE_KEY):
        delattr(config, TEMPERATURE_KEY)  # belongs to the weights as they were
    return config


def _window(network: Network, config: PretrainedConfig, feature_extractor: SequenceFeatureExtractor) -> int | None:
    if not network.window:
        return None
    if config.model_type != 'whisper':
        raise SerError(f"network.window is for Whisper encoders, not for '{config.model_type}'; leave it out")
    positions = round(network.window * SAMPLE_RATE / feature_extractor.hop_length / WHISPER_CONV_STRIDE)
    if not 0 < positions <= config.max_source_positions:
        longest = config.max_source_positions * WHISPER_CONV_STRIDE * feature_extractor.hop_length / SAMPLE_RATE
        raise SerError(f'network.window is {network.window} s; give more than 0 and at most {longest:g} s')
    return positions


def _load(design: Design) -> PreTrainedModel:
    config = design.config
    # A head for another number of labels is drawn anew; the encoder is checked below.
    model, info = read_network(AutoModelForAudioClassification, design.checkpoint, config, attention())
    lacking = set(info['missing_keys']) | {key for key, *_ in info['mismatched_keys']}
    encoder = sorted(key for key in lacking if key not in head_names(model) and not key.endswith(_UNUSED_WEIGHTS))
    if encoder:
        raise SerError(
            f"the checkpoint '{design.checkpoint}' lacks {len(encoder)} weights of the encoder, or has them in another "
            f'shape ({", ".join(encoder[:3])}); correct network.config, or give another checkpoint'
        )
    if not any(key.startswith('classifier') for key in info['missing_keys']):
        _keep_known_labels(model, design)
    return model


def _keep_known_labels(model: PreTrainedModel, design: Design) -> None:
    """Give a trained head the labels of the data: known ones keep their weights, the others begin anew."""
    trained = AutoModelForAudioClassification.from_pretrained(
        design.checkpoint, dtype=torch.float32, trust_remote_code=False
    )
    before = trained.config.label2id
    model.classifier.reset_parameters()
    with torch.no_grad():
        for label, index in design.config.label2id.items():
            if label in before:
                model.classifier.weight[index] = trained.classifier.weight[before[label]]
                model.classifier.bias[index] = trained.classifier.bias[before[label]]


def _shorten(model: PreTrainedModel, positions: int) -> None:
    """Let a Whisper encoder look at the first `positions` of its table only."""
    table = model.encoder.embed_positions
    table.weight = torch.nn.Parameter(table.weight[:positions].detach().clone(), requires_grad=False)
    table.num_embeddings = positions
    for config in (model.config, model.encoder.config):
        config.max_source_positions = positions


def _refuse_unknown(given: Iterable[str], known: Iterable[str], where: str) -> None:
    for key in given:
        if key not in set(known):
            raise SerError(f"the key '{where}.{key}' is not known{did_you_mean(str(key), known)}")
