# SPDX-License-Identifier: Apache-2.0
"""In which precision the weights of a model are stored."""

from collections.abc import Mapping

import torch
from transformers import PreTrainedModel

from ser_ros.errors import SerError
from ser_ros.training.learning.recipe import StoredWeights

_FLOAT8 = torch.float8_e4m3fn
_IN_FLOAT8 = (torch.nn.Linear, torch.nn.Conv1d)


def round_to_float8(network: PreTrainedModel) -> None:
    """Round the matrices of `network` below its last layer to float8. Raises SerError if one is too large for it."""
    with torch.no_grad():
        for name, weight in _below_the_last_layer(network).items():
            if weight.abs().max() > torch.finfo(_FLOAT8).max:
                raise SerError(f'float8 cannot hold {name}, which is too large; set stored_weights=float16')
            weight.copy_(weight.to(_FLOAT8))


def as_stored(network: PreTrainedModel, kind: StoredWeights) -> Mapping[str, torch.Tensor]:
    """Return the weights of `network` by name, as they are to be stored; its own become float32 or float16."""
    network.to('cpu', torch.float32 if kind == 'float32' else torch.float16)
    small = _below_the_last_layer(network) if kind == 'float8' else {}
    return {name: value.to(_FLOAT8) if name in small else value for name, value in network.state_dict().items()}


def _below_the_last_layer(network: PreTrainedModel) -> dict[str, torch.nn.Parameter]:
    matrices = {
        f'{name}.weight'
        for name, module in network.named_modules()
        if isinstance(module, _IN_FLOAT8) and module is not network.classifier
    }
    return {name: weight for name, weight in network.named_parameters() if name in matrices}
