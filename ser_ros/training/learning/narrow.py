# SPDX-License-Identifier: Apache-2.0
"""Makes a pretrained Whisper encoder smaller: its feed-forward layers keep their strongest units."""

import torch
from transformers import PreTrainedModel


@torch.no_grad()
def narrow(encoder: PreTrainedModel, units: int) -> None:
    """Let each feed-forward layer of a Whisper encoder keep `units` of its units.

    Those are kept whose incoming weights times outgoing ones are largest (product of their norms); the others did
    least, and training makes up for them.
    """
    for layer in encoder.layers:
        strength = layer.fc1.weight.norm(dim=1) * layer.fc2.weight.norm(dim=0)
        kept = strength.argsort(descending=True)[:units].sort().values
        layer.fc1 = _linear(layer.fc1.weight[kept], layer.fc1.bias[kept])
        layer.fc2 = _linear(layer.fc2.weight[:, kept], layer.fc2.bias)
    encoder.config.encoder_ffn_dim = units


def _linear(weight: torch.Tensor, bias: torch.Tensor) -> torch.nn.Linear:
    layer = torch.nn.Linear(weight.shape[1], weight.shape[0])
    layer.weight.copy_(weight)
    layer.bias.copy_(bias)
    return layer
