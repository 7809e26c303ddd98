# SPDX-License-Identifier: Apache-2.0
"""Where a student with pretrained weights begins: narrower, and with heads that fit what it knows already.

Random heads would first spoil what the encoder knows.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedModel

from ser_ros.errors import SerError
from ser_ros.training.pretraining.examples import Examples, collate_pieces
from ser_ros.training.pretraining.pretraining_recipe import PretrainingRecipe
from ser_ros.training.pretraining.student import Student

_PIECES = 400
"""That are heard for it: some ten times as many rows as a feed-forward layer of Whisper base has units."""

_RIDGE = 1e-4
"""Penalty of squared weights, as a share of the mean square of what they multiply."""


def begin(student: Student, examples: Examples, recipe: PretrainingRecipe) -> None:
    """Make `student` ready. Raises SerError if it has not the units that `recipe` wants to keep."""
    if not recipe.network.checkpoint:
        return
    chosen = np.random.default_rng(recipe.seed).permutation(len(examples))[:_PIECES]
    batches = [collate_pieces([examples[int(index)]]) for index in chosen]
    was_training = student.training
    student.eval()
    if recipe.feed_forward:
        inputs = [next(iter(batch.values())) for batch in batches]
        narrow(student.encoder, recipe.feed_forward, inputs)
    _fit_heads(student, batches)
    student.train(was_training)


@torch.no_grad()
def narrow(encoder: PreTrainedModel, units: int, inputs: Sequence[torch.Tensor]) -> None:
    """Let each feed-forward layer of a Whisper encoder keep `units` of its units.

    Those are kept whose output varies most; their outgoing weights are fitted to what all units together put out.

    Args:
        encoder: Of Whisper; it is changed.
        units: How many are kept.
        inputs: What it hears meanwhile: float32, shape (1, mel bands, frames) each.

    Raises:
        SerError: It is no encoder of Whisper, or has fewer units.
    """
    config = encoder.config
    if config.model_type != 'whisper':
        raise SerError(f"feed_forward is for Whisper encoders, not for '{config.model_type}'; leave it out")
    if not 0 < units <= config.encoder_ffn_dim:
        raise SerError(f'feed_forward is {units}; give 1 to {config.encoder_ffn_dim}, which the encoder has')
    for layer in encoder.layers:
        active = _inputs_of(layer.fc2, encoder, inputs).double()
        strength = active.var(dim=0) * (layer.fc2.weight.double() ** 2).sum(dim=0)
        kept = strength.argsort(descending=True)[:units].sort().values
        weight, bias = _fit(active[:, kept], active @ layer.fc2.weight.double().T + layer.fc2.bias.double())
        layer.fc1 = _linear(layer.fc1.weight[kept], layer.fc1.bias[kept])
        layer.fc2 = _linear(weight, bias)
    config.encoder_ffn_dim = units


def _inputs_of(module: nn.Module, encoder: PreTrainedModel, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return all rows that `module` gets while `encoder` hears the inputs: shape (rows, width)."""
    rows: list[torch.Tensor] = []
    hook = module.register_forward_pre_hook(lambda _, given: rows.append(given[0].flatten(0, -2)))
    for each in inputs:
        encoder(each)
    hook.remove()
    return torch.cat(rows)


@torch.no_grad()
def _fit_heads(student: Student, batches: Sequence[dict[str, torch.Tensor]]) -> None:
    if not len(student.reproduce):
        return
    told = [student.rows_and_states(dict(batch)) for batch in batches]
    rows = torch.cat([each for each, _ in told]).double()
    states = torch.cat([each for _, each in told]).double()
    for layer, head in enumerate(student.reproduce):
        weight, bias = _fit(rows, states[:, layer])
        head.weight.copy_(weight)
        head.bias.copy_(bias)


def _fit(given: torch.Tensor, wanted: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return weight (n, m) and bias (n,) of the linear layer from `given` (rows, m) to `wanted` (rows, n)."""
    centre, target = given.mean(dim=0), wanted.mean(dim=0)
    centred = given - centre
    ridge = _RIDGE * len(given) * (centred**2).mean() * torch.eye(given.shape[1], dtype=given.dtype)
    weight = torch.linalg.solve(centred.T @ centred + ridge, centred.T @ (wanted - target)).T
    return weight, target - weight @ centre


def _linear(weight: torch.Tensor, bias: torch.Tensor) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    layer.weight.copy_(weight)
    layer.bias.copy_(bias)
    return layer
