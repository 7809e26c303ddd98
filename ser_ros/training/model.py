# SPDX-License-Identifier: Apache-2.0
"""Makes the network and the feature extractor that a recipe asks for."""

import difflib
from collections.abc import Iterable

import transformers
from transformers import CONFIG_MAPPING, AutoModelForAudioClassification, PretrainedConfig, PreTrainedModel
from transformers.feature_extraction_sequence_utils import SequenceFeatureExtractor

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.errors import SerError
from ser_ros.training.recipe import FeatureExtraction, Network


def new_config(network: Network, labels: tuple[str, ...]) -> PretrainedConfig:
    """Return the network's configuration with these labels. Raises SerError for an unknown model type or key."""
    classifiers = transformers.MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING
    if network.model_type not in CONFIG_MAPPING or CONFIG_MAPPING[network.model_type] not in classifiers:
        known = sorted(config.model_type for config in classifiers)
        raise SerError(
            f"network.model_type '{network.model_type}' cannot classify audio; use one of {', '.join(known)}"
        )
    config_class: type[PretrainedConfig] = CONFIG_MAPPING[network.model_type]
    _refuse_unknown(network.config, config_class().to_dict(), 'network.config')
    try:
        return config_class(
            **network.config,
            id2label=dict(enumerate(labels)),
            label2id={label: index for index, label in enumerate(labels)},
        )
    except Exception as error:
        raise SerError(f'network.config does not fit ({_first_line(error)}); correct the recipe') from None


def new_model(config: PretrainedConfig) -> PreTrainedModel:
    """Return the network with random initial weights, from torch's global generator.

    Raises SerError for values that do not go together.
    """
    try:
        return AutoModelForAudioClassification.from_config(config)
    except Exception as error:
        raise SerError(f'network.config does not fit together ({_first_line(error)}); correct the recipe') from None


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
        raise SerError(f'feature_extraction.config does not fit ({_first_line(error)}); correct the recipe') from None


def _refuse_unknown(given: Iterable[str], known: Iterable[str], where: str) -> None:
    for key in given:
        if key not in set(known):
            near = difflib.get_close_matches(str(key), known, n=1)
            raise SerError(f"the key '{where}.{key}' is not known" + (f"; did you mean '{near[0]}'?" if near else ''))


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip('.')
