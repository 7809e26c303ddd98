# SPDX-License-Identifier: Apache-2.0
"""Makes a network from what the files of a model folder say; transformers itself never sees the folder.

So nothing in a folder can name code, kernels, a quantiser, an adapter or another place, whatever transformers makes of
such keys: of a config.json only those pass that the known class has itself.
"""

import contextlib
import dataclasses
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import load_file
from transformers import CONFIG_MAPPING, PretrainedConfig, PreTrainedModel

from ser_ros.errors import SerError, reason
from ser_ros.recognition.model_files import CURE

CLASSIFIERS = transformers.MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING

_QUANTISED = ('quantization_config', 'compression_config')

_COUNTERS = ('num_batches_tracked', 'position_ids')
"""Tensors of whole numbers that networks in full precision have."""

_DECIDED_HERE = {
    *('_name_or_path', 'architectures', 'dtype', 'id2label', 'label2id', 'model_type', 'num_labels'),
    *('output_attentions', 'output_hidden_states', 'problem_type', 'return_dict', 'transformers_version'),
}
"""Keys of a config.json that do not shape the network."""


@dataclasses.dataclass(frozen=True)
class Loaded:
    """A network with the weights that a folder had for it.

    Attributes:
        missing: Names of weights of the network that the folder does not have.
        mismatched: Names of those that it has in another shape.
        unused: Names of weights in the folder that the network does not have.
    """

    network: PreTrainedModel
    missing: frozenset[str]
    mismatched: frozenset[str]
    unused: frozenset[str]

    @classmethod
    def of(cls, network: PreTrainedModel, info: Mapping[str, Any]) -> 'Loaded':
        """Return `network` with what transformers reports about the loading of its weights."""
        mismatched = frozenset(key for key, *_ in info['mismatched_keys'])
        missing, unused = frozenset(info['missing_keys']), frozenset(info['unexpected_keys'])
        return cls(network, missing - mismatched, mismatched, unused)


def make_config(where: str, values: Mapping[str, Any]) -> PretrainedConfig:
    """Return the configuration of the network that `values`, those of a config.json, describe.

    It has neither labels nor a task; see model_settings.

    Raises:
        SerError: transformers does not know such a model, it cannot classify audio, is quantised, or values do not fit.
    """
    model_type = values.get('model_type')
    if not isinstance(model_type, str) or model_type not in CONFIG_MAPPING:
        raise SerError(
            f'{where} has no configuration that transformers knows (its model_type is {model_type!r:.40}); {CURE}'
        )
    config_class: type[PretrainedConfig] = CONFIG_MAPPING[model_type]
    if config_class not in CLASSIFIERS:
        raise SerError(
            f"{where} is a '{model_type}' model, which cannot classify audio; "
            'give a speech encoder or a classifier made from one (wav2vec 2.0, HuBERT, WavLM, Wav2Vec2-BERT, Whisper)'
        )
    for key in _QUANTISED:
        if values.get(key) is not None:
            raise SerError(
                f'{where} is quantised ({key}), which would need code from elsewhere; give the model before it was '
                'quantised; `ros2 run ser_ros optimize` makes it small'
            )
    try:
        known = (set(config_class().to_dict()) | set(config_class.attribute_map)) - _DECIDED_HERE
        return config_class(**{key: value for key, value in values.items() if key in known})
    except Exception as error:
        raise SerError(
            f'{where} has no configuration that transformers knows ({reason(error)}); correct its config.json'
        ) from None


def read_weights(where: str, files: list[Path]) -> dict[str, torch.Tensor]:
    """Return the tensors in the safetensors `files` by name; their content stays in the files until it is used.

    Raises SerError if they cannot be read, or are quantised: without what makes them numbers again they mean nothing.
    """
    weights: dict[str, torch.Tensor] = {}
    try:
        for file in files:
            weights |= load_file(file)
    except Exception as error:
        raise SerError(f'{where} has weights that cannot be loaded ({reason(error)}); {CURE}') from None
    for name, tensor in weights.items():
        if not tensor.is_floating_point() and not name.endswith(_COUNTERS):
            raise SerError(
                f'{where} has weights in whole numbers ({name}), which are quantised; give the model before it was '
                'quantised; `ros2 run ser_ros optimize` makes it small'
            )
    return weights


def load_network(
    where: str,
    network_class: type[PreTrainedModel],
    config: PretrainedConfig,
    weights: dict[str, torch.Tensor],
    *,
    dtype: torch.dtype = torch.float32,
    attention: str | None = None,
    spare: int = 0,
) -> Loaded:
    """Return the network of `config` with those of the `weights` that it has; the rest is drawn anew.

    Args:
        where: What sentences call the folder.
        network_class: Of transformers.
        config: Of the network.
        weights: By name, as in files that transformers wrote, also old versions of it.
        dtype: In which the network computes.
        attention: One of transformers' implementations; None for its own choice.
        spare: How many more weights than there are the network may have.

    Raises:
        SerError: They cannot be loaded, or the network is far larger than the weights.
    """
    try:
        held = sum(tensor.numel() for tensor in weights.values())
        announced = _count(network_class, config, tensors=len(weights), most=held + spare)
        if announced > held + spare:
            raise SerError(
                f'{where} announces a network of {announced} weights in its config.json, but holds only {held}; its '
                'files belong to different models: copy or train it again'
            )
        network, info = network_class.from_pretrained(
            None,
            config=config,
            state_dict=weights,
            dtype=dtype,
            attn_implementation=attention,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            local_files_only=True,
        )
    except SerError:
        raise
    except Exception as error:
        raise SerError(f'{where} has weights that cannot be loaded ({reason(error)}); {CURE}') from None
    network.config.name_or_path = ''
    # Weights that are views of their file: it may be overwritten while the model runs, or cut short.
    for tensor in (*network.parameters(), *network.buffers()):
        tensor.data = tensor.data.clone()
    return Loaded.of(network, info)


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep transformers' progress bars, warnings and reports on weights, which are checked here, off the console."""
    logging = transformers.utils.logging
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def _count(network_class: type[PreTrainedModel], config: PretrainedConfig, *, tensors: int, most: int) -> int:
    """Return how many weights the network has, without making them.

    Raises ValueError if even that would take too long, for it must have more than `most` weights or `tensors` tensors.
    """
    for key, value in config.to_dict().items():
        if key.endswith('layers') and isinstance(value, int) and value > tensors:
            raise ValueError(f'{key} is {value}, and there are only {tensors} tensors')
    if config.hidden_size**2 > most:
        raise ValueError(f'hidden_size is {config.hidden_size}, and there are far fewer weights')
    with torch.device('meta'):
        return sum(parameter.numel() for parameter in network_class(config).parameters())
