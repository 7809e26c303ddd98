# SPDX-License-Identifier: Apache-2.0
"""Reads a pretrained checkpoint from a folder or from the Hugging Face Hub."""

from pathlib import Path
from typing import Any

import torch
from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
from transformers import AutoConfig, AutoFeatureExtractor, PretrainedConfig, PreTrainedModel
from transformers.feature_extraction_sequence_utils import SequenceFeatureExtractor

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.errors import SerError, reason


def read_config(checkpoint: str) -> PretrainedConfig:
    """Return the configuration of `checkpoint`. Raises SerError if it does not exist."""
    try:
        _ask_the_hub(checkpoint)
        return AutoConfig.from_pretrained(checkpoint, trust_remote_code=False)
    except Exception as error:
        raise _not_there(checkpoint, error) from None


def read_feature_extractor(checkpoint: str) -> SequenceFeatureExtractor:
    """Return the feature extractor of `checkpoint`. Raises SerError if it has none, or one for another rate."""
    try:
        feature_extractor = AutoFeatureExtractor.from_pretrained(checkpoint, trust_remote_code=False)
    except Exception as error:
        raise SerError(
            f"the checkpoint '{checkpoint}' has no usable preprocessor_config.json ({reason(error)}); "
            'give a complete folder with --model'
        ) from None
    rate = getattr(feature_extractor, 'sampling_rate', None)
    if rate != SAMPLE_RATE:
        raise SerError(f"the checkpoint '{checkpoint}' needs sound at {rate} Hz; give one for {SAMPLE_RATE} Hz")
    return feature_extractor


def read_network(
    auto_class: Any, checkpoint: str, config: PretrainedConfig, attention: str | None
) -> tuple[PreTrainedModel, dict[str, Any]]:
    """Return the network of `checkpoint` in single precision, and what transformers reports about its weights.

    Args:
        auto_class: Of transformers, such as AutoModel.
        checkpoint: A folder, or a name on the Hugging Face Hub.
        config: Of the network; weights of another shape are drawn again, and listed.
        attention: One of transformers' implementations; None for its own choice.

    Raises:
        SerError: The checkpoint cannot be loaded.
    """
    try:
        return auto_class.from_pretrained(
            checkpoint,
            config=config,
            dtype=torch.float32,
            attn_implementation=attention,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            trust_remote_code=False,
        )
    except Exception as error:
        raise _not_there(checkpoint, error) from None


def _ask_the_hub(checkpoint: str) -> None:
    """Raise errors of the network connection at once: transformers would retry for half a minute."""
    if Path(checkpoint).is_dir() or isinstance(try_to_load_from_cache(checkpoint, 'config.json'), str):
        return
    get_hf_file_metadata(hf_hub_url(checkpoint, 'config.json'))


def _not_there(checkpoint: str, error: Exception) -> SerError:
    if Path(checkpoint).is_dir():
        return SerError(
            f'the checkpoint in {checkpoint} cannot be loaded ({reason(error)}); '
            'give a complete Hugging Face folder of a speech encoder'
        )
    return SerError(
        f"the checkpoint '{checkpoint}' is not a folder here and could not be fetched from the Hugging Face Hub; "
        'check name and network, or copy its folder (config.json, preprocessor_config.json, model.safetensors) to this '
        'machine and give it with --model FOLDER'
    )
