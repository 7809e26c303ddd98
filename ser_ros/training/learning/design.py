# SPDX-License-Identifier: Apache-2.0
"""What a recipe describes: the configuration and the feature extractor of an encoder or a classifier."""

import copy
import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import transformers
from transformers import CONFIG_MAPPING, PretrainedConfig
from transformers.feature_extraction_sequence_utils import SequenceFeatureExtractor

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.errors import SerError, did_you_mean, reason
from ser_ros.recognition.frontend import WHISPER_CONV_STRIDE, Frontend
from ser_ros.recognition.model_network import CLASSIFIERS
from ser_ros.training.learning.recipe import FeatureExtraction, Network
from ser_ros.training.storage.pretrained import read_config, read_feature_extractor

_WITHOUT_ENCODER = 'audio-spectrogram-transformer'
"""Type of a network that sees pictures of 10 s of sound; it has no layers of speech to learn from."""


@dataclass(frozen=True)
class Design:
    """An encoder or a classifier before it has weights.

    Attributes:
        config: A classifier's has the labels of the data.
        checkpoint: Where the initial weights come from; '' for random ones.
        window: Whisper's positions after shortening; None to leave the model as it is.
    """

    config: PretrainedConfig
    feature_extractor: SequenceFeatureExtractor
    checkpoint: str = ''
    window: int | None = None

    @property
    def frontend(self) -> Frontend:
        """The frontend of the network once it is made."""
        config = copy.deepcopy(self.config)
        if self.window is not None:
            config.max_source_positions = self.window
        return Frontend(self.feature_extractor, config)

    @property
    def initial_weights(self) -> str:
        """As in reports: the name of the checkpoint, or 'random'."""
        if not self.checkpoint:
            return 'random'
        return Path(self.checkpoint).resolve().name if Path(self.checkpoint).is_dir() else self.checkpoint


def design_classifier(network: Network, extraction: FeatureExtraction, labels: tuple[str, ...]) -> Design:
    """Return the classifier that `network` asks for, with these labels. Raises SerError; see design_encoder."""
    made = design_encoder(network, extraction)
    config = copy.deepcopy(made.config)
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: index for index, label in enumerate(labels)}
    return dataclasses.replace(made, config=config)


def design_encoder(network: Network, extraction: FeatureExtraction) -> Design:
    """Return the encoder that `network` asks for.

    Raises:
        SerError: The checkpoint does not exist or cannot classify audio, or a model type or key is unknown.
    """
    if not network.checkpoint:
        config = _new_config(network)
        feature_extractor = new_feature_extractor(extraction)
    else:
        config = _pretrained_config(network)
        feature_extractor = read_feature_extractor(network.checkpoint, config.model_type)
    return Design(config, feature_extractor, network.checkpoint, _window(network, config, feature_extractor))


def new_feature_extractor(extraction: FeatureExtraction) -> SequenceFeatureExtractor:
    """Return the feature extractor for 16 kHz. Raises SerError for an unknown class or argument."""
    extractor_class = getattr(transformers, extraction.type, None)
    if not (isinstance(extractor_class, type) and issubclass(extractor_class, SequenceFeatureExtractor)):
        raise SerError(
            f"feature_extraction.type '{extraction.type}' is not a feature extractor of transformers; "
            'use one such as SeamlessM4TFeatureExtractor'
        )
    _refuse_unknown(extraction.config, extractor_class().to_dict(), 'feature_extraction.config')
    try:
        return extractor_class(**extraction.config, sampling_rate=SAMPLE_RATE)
    except Exception as error:
        raise SerError(f'feature_extraction.config does not fit ({reason(error)}); correct the recipe') from None


def _new_config(network: Network) -> PretrainedConfig:
    types = sorted({config.model_type for config in CLASSIFIERS} - {_WITHOUT_ENCODER})
    if network.model_type not in types:
        raise SerError(
            f"network.model_type '{network.model_type}' cannot classify audio; use one of {', '.join(types)}, "
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
    if config.model_type == _WITHOUT_ENCODER:
        raise SerError(
            f"the checkpoint '{network.checkpoint}' is an '{config.model_type}', which sees pictures of sound and has "
            'no speech encoder to train; give one (wav2vec 2.0, HuBERT, WavLM, Wav2Vec2-BERT, Whisper)'
        )
    _refuse_unknown(network.config, config.to_dict(), 'network.config')
    for key, value in network.config.items():
        setattr(config, key, value)
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


def _refuse_unknown(given: Iterable[str], known: Iterable[str], where: str) -> None:
    for key in given:
        if key not in set(known):
            raise SerError(f"the key '{where}.{key}' is not known{did_you_mean(str(key), known)}")
