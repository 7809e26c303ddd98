# SPDX-License-Identifier: Apache-2.0
"""Loads a Hugging Face audio-classification folder, or says in one sentence why it cannot be trusted."""

from dataclasses import dataclass
from pathlib import Path

import torch

from ser_ros.errors import SerError
from ser_ros.recognition.frontend import Frontend
from ser_ros.recognition.model_extractor import make_feature_extractor
from ser_ros.recognition.model_files import read_config, read_extraction, weight_files
from ser_ros.recognition.model_network import (
    CLASSIFIERS,
    Loaded,
    load_network,
    make_config,
    quiet_transformers,
    read_weights,
)
from ser_ros.recognition.model_settings import check_labels, check_task, check_temperature

_TRAINING_ONLY = 'masked_spec_embed'
"""SpecAugment's mask vector is not used outside training: it may be missing, or of no use."""

_OF_OTHER_TASKS = ('lm_head', 'quantizer', 'project_q', 'project_hid', 'final_proj', 'label_embs_concat', 'proj_out')
"""Heads of the pretraining of wav2vec 2.0, HuBERT and WavLM, and of speech recognition: a classifier does not ask them,
and it answers the same without them."""

_SPARE = 5_000_000
"""Weights: more than any head has, so that a folder without a head is told as such."""


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

    Reads local safetensors only and runs no code from the folder. Raises SerError if the configuration, the task, the
    labels, the temperature, the sampling rate or any weight is not what a trained classifier must have.
    """
    where = str(folder)
    with quiet_transformers():
        values = read_config(folder)
        config = make_config(where, values)
        network_class = CLASSIFIERS[type(config)]
        check_task(where, values, network_class.__name__)
        labels = check_labels(where, values)
        temperature = check_temperature(where, values)
        config.id2label = dict(enumerate(labels))
        config.label2id = {label: index for index, label in enumerate(labels)}
        feature_extractor = make_feature_extractor(where, read_extraction(folder), config.model_type)
        weights = read_weights(where, weight_files(folder))
        dtype = torch.float16 if device.type == 'cuda' else torch.float32
        loaded = load_network(where, network_class, config, weights, dtype=dtype, spare=_SPARE)
    _refuse_others(where, loaded)
    return Checkpoint(loaded.network.to(device).eval(), Frontend(feature_extractor, config), labels, temperature)


def _refuse_others(where: str, loaded: Loaded) -> None:
    """Raise SerError unless the weights in the folder are those of the network, no less and no more."""
    missing = sorted(name for name in loaded.missing if not name.endswith(_TRAINING_ONLY))
    unused = sorted(name for name in loaded.unused if not _is_of_no_use(name))
    misshapen = sorted(loaded.mismatched)
    if missing or misshapen:
        raise SerError(
            f'{len(missing)} of the weights that the configuration of {where} needs are missing, {len(misshapen)} '
            f'have the wrong shape ({_some(missing + misshapen)}); it would answer at chance; '
            'fine-tune it first (`ros2 run ser_ros train`)'
        )
    if unused:
        raise SerError(
            f'{where} holds {len(unused)} weights that the network of its config.json does not have ({_some(unused)}); '
            'without them it would answer otherwise than it was trained to: its files belong to different models, copy '
            'it again'
        )


def _is_of_no_use(name: str) -> bool:
    return name.endswith(_TRAINING_ONLY) or name.partition('.')[0] in _OF_OTHER_TASKS


def _some(names: list[str]) -> str:
    return ', '.join(names[:3])
