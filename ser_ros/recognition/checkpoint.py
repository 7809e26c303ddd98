# SPDX-License-Identifier: Apache-2.0
"""Loads a Hugging Face audio-classification folder, or says in one sentence why it cannot be trusted."""

import contextlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers
from safetensors import safe_open
from transformers import (
    AutoConfig,
    AutoFeatureExtractor,
    AutoModelForAudioClassification,
    PretrainedConfig,
    SequenceFeatureExtractor,
)

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.errors import SerError, reason
from ser_ros.recognition.frontend import Frontend

_PLACEHOLDER_LABEL = re.compile(r'LABEL_\d+')

_TRAINING_ONLY_WEIGHTS = ('masked_spec_embed',)
"""May be missing: SpecAugment's mask vector is not used outside training."""

TEMPERATURE_KEY = 'calibration_temperature'
"""Key of a config.json: what logits are divided by before the softmax. transformers takes a plain `temperature` for a
setting of text generation and would refuse to save the model."""

_LOCAL_ONLY = {'local_files_only': True, 'trust_remote_code': False}


@dataclass(frozen=True)
class Checkpoint:
    """A checked model that is ready to run.

    Attributes:
        labels: In the order of the network's logits.
        temperature: Positive; what the logits are divided by (Guo et al. 2017, arXiv 1706.04599). 1 if the folder has
            none.
    """

    model: torch.nn.Module
    frontend: Frontend
    labels: tuple[str, ...]
    temperature: float = 1.0


def load_checkpoint(folder: Path, device: torch.device) -> Checkpoint:
    """Load `folder` onto `device`, in half precision if that is a GPU.

    Reads local safetensors only and runs no code from the folder. Raises SerError if the configuration, the labels, the
    temperature, the sampling rate or any weight is not what a trained classifier must have.
    """
    with _quiet_transformers():
        config = _load_config(folder)
        labels = _check_labels(folder, config)
        temperature = _check_temperature(folder, config)
        feature_extractor = _load_feature_extractor(folder)
        model = _load_model(folder, config, torch.float16 if device.type == 'cuda' else torch.float32)
        _own_memory(model)
    return Checkpoint(model.to(device).eval(), Frontend(feature_extractor, config), labels, temperature)


def _load_config(folder: Path) -> PretrainedConfig:
    try:
        config = AutoConfig.from_pretrained(folder, **_LOCAL_ONLY)
    except Exception as error:
        raise SerError(_sentence(folder, 'has no configuration that transformers knows', error)) from None
    if type(config) not in transformers.MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING:
        raise SerError(
            f"{folder} is a '{config.model_type}' model, which cannot classify audio; "
            'give an audio-classification model (wav2vec 2.0, HuBERT, WavLM, Wav2Vec2-BERT, Whisper encoder)'
        )
    return config


def _check_labels(folder: Path, config: PretrainedConfig) -> tuple[str, ...]:
    labels = tuple(config.id2label[index] for index in sorted(config.id2label))
    if any(_PLACEHOLDER_LABEL.fullmatch(label) for label in labels):
        raise SerError(
            f'{folder} does not name its labels (they are {labels[0]}..); '
            'write the names into id2label and label2id of its config.json'
        )
    if len(set(labels)) != len(labels) or len(labels) < 2:
        raise SerError(f'{folder} must have two or more different labels, not {list(labels)}; correct its config.json')
    return labels


def _check_temperature(folder: Path, config: PretrainedConfig) -> float:
    temperature = getattr(config, TEMPERATURE_KEY, 1.0)
    is_number = isinstance(temperature, (int, float)) and not isinstance(temperature, bool)
    if not is_number or not math.isfinite(temperature) or temperature <= 0.0:
        raise SerError(
            f'{folder} has the {TEMPERATURE_KEY} {temperature!r}, which is not a positive number; '
            'correct it in its config.json, or remove it'
        )
    return float(temperature)


def _load_feature_extractor(folder: Path) -> SequenceFeatureExtractor:
    try:
        feature_extractor = AutoFeatureExtractor.from_pretrained(folder, **_LOCAL_ONLY)
    except Exception as error:
        raise SerError(_sentence(folder, 'has no usable preprocessor_config.json', error)) from None
    rate = getattr(feature_extractor, 'sampling_rate', None)
    if rate != SAMPLE_RATE:
        raise SerError(f'{folder} needs sound at {rate} Hz, but ser_ros feeds 16000 Hz; use a model trained at 16 kHz')
    return feature_extractor


def _load_model(folder: Path, config: PretrainedConfig, dtype: torch.dtype) -> torch.nn.Module:
    if not any(folder.glob('*.safetensors')):
        raise SerError(
            f'{folder} holds no .safetensors weights, and pickled ones are never loaded; '
            'save the model again with save_pretrained of a current transformers'
        )
    _check_size(folder, config)
    try:
        model, info = AutoModelForAudioClassification.from_pretrained(
            folder,
            dtype=dtype,
            use_safetensors=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            **_LOCAL_ONLY,
        )
    except Exception as error:
        raise SerError(_sentence(folder, 'has weights that cannot be loaded', error)) from None
    missing = [key for key in info['missing_keys'] if not key.endswith(_TRAINING_ONLY_WEIGHTS)]
    mismatched = [key for key, *_ in info['mismatched_keys']]
    if missing or mismatched:
        named = ', '.join(sorted(missing + mismatched)[:3])
        raise SerError(
            f'{len(missing)} of the weights that the configuration of {folder} needs are missing, {len(mismatched)} '
            f'have the wrong shape ({named}); it would answer at chance; fine-tune it first (`ros2 run ser_ros train`)'
        )
    return model


def _check_size(folder: Path, config: PretrainedConfig) -> None:
    """Refuse a configuration of a far larger model than the weights: building it could take all memory."""
    try:
        tensors = weights = 0
        for file in folder.glob('*.safetensors'):
            with safe_open(file, 'numpy') as content:
                for name in content.keys():  # noqa: SIM118 - it is no dictionary
                    tensors += 1
                    weights += math.prod(content.get_slice(name).get_shape())
        layers, width, inner = config.num_hidden_layers, config.hidden_size, getattr(config, 'intermediate_size', 0)
        fits = layers <= tensors and width**2 <= weights and width * inner <= weights
    except Exception as error:
        raise SerError(_sentence(folder, 'has weights that cannot be loaded', error)) from None
    if not fits:
        raise SerError(
            f'{folder} announces {layers} layers of {width} and {inner} in its config.json, but holds only {tensors} '
            f'tensors with {weights} weights; its files belong to different models: copy or train it again'
        )


def _own_memory(model: torch.nn.Module) -> None:
    """Copy weights that are views of their file: it may be overwritten while the model runs, or cut short."""
    for tensor in (*model.parameters(), *model.buffers()):
        tensor.data = tensor.data.clone()


def _sentence(folder: Path, fact: str, error: Exception) -> str:
    return f'{folder} {fact} ({reason(error)}); give a complete Hugging Face audio-classification folder'


@contextlib.contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Keep transformers' progress bars and loading reports, whose content is checked here, off the console."""
    logging = transformers.utils.logging
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
