# SPDX-License-Identifier: Apache-2.0
"""Which weights of a network learn, and how fast: new ones, and those of each layer of the pretrained encoder."""

import re

from torch.nn import Parameter
from transformers import PreTrainedModel

from ser_ros.errors import SerError
from ser_ros.training.learning.recipe import Network, Optimisation

_LAYER = re.compile(r'(?:^|\.)encoder\.layers?\.(\d+)\.')
_FEATURE_ENCODER = re.compile(r'(?:^|\.)(?:feature_extractor|conv1|conv2)\.')


def head_names(model: PreTrainedModel) -> set[str]:
    """Return the names of the parameters that come after the encoder."""
    modules = dict(model.named_children())
    return {
        name
        for name, _ in model.named_parameters()
        if not isinstance(modules.get(name.partition('.')[0]), PreTrainedModel)
    }


def layer_of(name: str) -> int:
    """Return the transformer layer, from 0, of the encoder's parameter `name`; -1 for others."""
    match = _LAYER.search(name)
    return int(match[1]) if match else -1


def freeze(model: PreTrainedModel, network: Network) -> None:
    """Freeze the layers that `network` names. Raises SerError if there are fewer."""
    layers = layer_count(model)
    if network.frozen_layers > layers:
        raise SerError(f'network.frozen_layers is {network.frozen_layers}, but the encoder has {layers}; give fewer')
    head = head_names(model)
    if (network.freeze_feature_encoder or network.frozen_layers) and hasattr(model, 'freeze_feature_encoder'):
        # Frozen weights are not enough: its input would still need gradients, so that a step would go all the way back.
        model.freeze_feature_encoder()
    for name, parameter in model.named_parameters():
        frozen = network.frozen_layers and name not in head and layer_of(name) < network.frozen_layers
        if frozen or (network.freeze_feature_encoder and _FEATURE_ENCODER.search(name)):
            parameter.requires_grad_(False)


def parameter_groups(model: PreTrainedModel, optimisation: Optimisation, decaying: set[str]) -> list[dict]:
    """Return the optimiser's groups: the parameters that learn, by learning rate and weight decay.

    Args:
        model: Has the parameters.
        optimisation: Has the learning rates and the weight decay.
        decaying: Names of the parameters whose weights decay (not biases and norms).
    """
    layers, head = layer_count(model), head_names(model)
    groups: dict[tuple[float, float], list[Parameter]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        if name in head:
            rate = optimisation.head_learning_rate or optimisation.learning_rate
        else:
            rate = optimisation.learning_rate * optimisation.layer_decay ** (layers - 1 - layer_of(name))
        decay = optimisation.weight_decay if name in decaying else 0.0
        groups.setdefault((rate, decay), []).append(parameter)
    return [{'params': parameters, 'lr': rate, 'weight_decay': decay} for (rate, decay), parameters in groups.items()]


def layer_count(model: PreTrainedModel) -> int:
    """Return how many transformer layers the encoder has."""
    return 1 + max((layer_of(name) for name, _ in model.named_parameters()), default=-1)
