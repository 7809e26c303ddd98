# SPDX-License-Identifier: Apache-2.0
"""Reads a pretrained checkpoint from a folder or from the Hugging Face Hub; see ser_ros.recognition.model_network."""

import os
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
from transformers import FeatureExtractionMixin, PretrainedConfig, PreTrainedModel, SequenceFeatureExtractor
from transformers.utils.import_utils import check_torch_load_is_safe

from ser_ros.errors import SerError, reason
from ser_ros.files import check_plain
from ser_ros.recognition import model_files
from ser_ros.recognition.model_extractor import make_feature_extractor
from ser_ros.recognition.model_network import Loaded, load_network, make_config, read_weights
from ser_ros.recognition.model_settings import check_labels

_PICKLED = 'pytorch_model.bin'
"""As which many encoders are published; torch takes nothing but tensors from it."""

_SPARE = 200_000_000
"""Weights that a network may have beside those of a checkpoint: a head, and the embeddings of a decoder that is left
out (Whisper's largest: 66 million)."""


def read_config(checkpoint: str) -> PretrainedConfig:
    """Return the configuration of `checkpoint`, without labels. Raises SerError if it does not exist."""
    return make_config(_where(checkpoint), _config_values(checkpoint))


def read_labels(checkpoint: str) -> tuple[str, ...]:
    """Return the labels of `checkpoint` in the order of its outputs; none if it is no classifier, or they are unclear.

    Raises SerError if it does not exist.
    """
    values = _config_values(checkpoint)
    try:
        return check_labels(_where(checkpoint), values)
    except SerError:
        return ()


def read_feature_extractor(checkpoint: str, model_type: str) -> SequenceFeatureExtractor:
    """Return the feature extractor of `checkpoint`, whose network is a `model_type`.

    Raises SerError if it has none, or one for another rate.
    """
    if Path(checkpoint).is_dir():
        values = model_files.read_extraction(Path(checkpoint))
    else:
        try:
            values, _ = FeatureExtractionMixin.get_feature_extractor_dict(checkpoint)
        except Exception as error:
            raise SerError(
                f"the checkpoint '{checkpoint}' has no usable {model_files.EXTRACTION} ({reason(error)}); "
                'give a complete folder with --model'
            ) from None
    return make_feature_extractor(_where(checkpoint), values, model_type)


def read_network(
    network_class: type[PreTrainedModel], checkpoint: str, config: PretrainedConfig, attention: str | None
) -> Loaded:
    """Return the network of `checkpoint` in single precision, and what there is to say about its weights.

    Args:
        network_class: Of transformers.
        checkpoint: A folder, or a name on the Hugging Face Hub.
        config: Of the network; weights of another shape are drawn again, and listed.
        attention: One of transformers' implementations; None for its own choice.

    Raises:
        SerError: The checkpoint cannot be loaded.
    """
    if Path(checkpoint).is_dir():
        where, weights = _where(checkpoint), _read_weights(Path(checkpoint))
        return load_network(where, network_class, config, weights, attention=attention, spare=_SPARE)
    try:
        return Loaded.of(
            *network_class.from_pretrained(
                checkpoint,
                config=config,
                dtype=torch.float32,
                attn_implementation=attention,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
            )
        )
    except Exception:
        raise _not_there(checkpoint) from None


def _config_values(checkpoint: str) -> dict[str, Any]:
    if Path(checkpoint).is_dir():
        return model_files.read_config(Path(checkpoint))
    try:
        _ask_the_hub(checkpoint)
        values, _ = PretrainedConfig.get_config_dict(checkpoint)
    except Exception:
        raise _not_there(checkpoint) from None
    return values


def _read_weights(folder: Path) -> dict[str, torch.Tensor]:
    where, pickled = _where(str(folder)), folder / _PICKLED
    names = (model_files.WEIGHTS, model_files.WEIGHTS_INDEX)
    if not os.path.lexists(pickled) or any(os.path.lexists(folder / name) for name in names):
        return read_weights(where, model_files.weight_files(folder))
    check_plain(pickled)
    try:
        check_torch_load_is_safe()
        weights = torch.load(pickled, map_location='cpu', weights_only=True)
        return {name: weights[name] for name in weights if isinstance(weights[name], torch.Tensor)}
    except Exception as error:
        raise SerError(
            f'{where} has weights that cannot be loaded ({reason(error)}); '
            'save it again with save_pretrained of a current transformers, which writes model.safetensors'
        ) from None


def _where(checkpoint: str) -> str:
    return f'the checkpoint in {checkpoint}' if Path(checkpoint).is_dir() else f"the checkpoint '{checkpoint}'"


def _ask_the_hub(checkpoint: str) -> None:
    """Raise errors of the network connection at once: transformers would retry for half a minute."""
    if isinstance(try_to_load_from_cache(checkpoint, 'config.json'), str):
        return
    get_hf_file_metadata(hf_hub_url(checkpoint, 'config.json'))


def _not_there(checkpoint: str) -> SerError:
    return SerError(
        f"the checkpoint '{checkpoint}' is not a folder here and could not be fetched from the Hugging Face Hub; "
        'check name and network, or copy its folder (config.json, preprocessor_config.json, model.safetensors) to this '
        'machine and give it with --model FOLDER'
    )
