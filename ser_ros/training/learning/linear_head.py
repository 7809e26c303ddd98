# SPDX-License-Identifier: Apache-2.0
"""Fits the layer that makes the logits to pooled states, in one go."""

from dataclasses import dataclass

import numpy as np
import torch

from ser_ros.training.learning.loss import masked_cross_entropy

_ITERATIONS = 150

_LEAST_VARIANCE = 0.03
"""Of a direction, where that of each element is 1: directions with less are hardly more than noise."""


@dataclass(frozen=True, eq=False)
class LinearHead:
    """A layer, and how its fit went.

    Attributes:
        weights: float32, shape (labels, width).
        bias: float32, shape (labels,).
        losses: After each evaluation of the optimiser, the penalty included.
    """

    weights: np.ndarray
    bias: np.ndarray
    losses: tuple[float, ...]


def penalty_axes(rest: np.ndarray, whitening: float) -> np.ndarray:
    """Return the axes along which the penalty of `fit_linear_head` measures states: float64, shape (width, width).

    Args:
        rest: What is left of pooled states without label and voice, float64, shape (utterances, width).
        whitening: 0 to divide each element by its deviation; 1 to divide each direction by its, so that one in which
            utterances of one label and voice differ much is cheap to use no longer; between them by a power of it.
    """
    scale = np.sqrt((rest**2).mean(axis=0)) + np.finfo(np.float32).eps
    variances, directions = np.linalg.eigh((rest / scale).T @ (rest / scale) / len(rest))
    gains = (np.maximum(variances, 0.0) + _LEAST_VARIANCE) ** (-whitening / 2)
    return (directions * gains) @ directions.T / scale[:, np.newaxis]


def fit_linear_head(
    states: np.ndarray, truth: np.ndarray, known: np.ndarray, shares: np.ndarray, axes: np.ndarray, penalty: float
) -> LinearHead:
    """Return the layer with the least cross-entropy plus `penalty` times the sum of its squared weights, by L-BFGS.

    Args:
        states: float, shape (utterances, width).
        truth: int, shape (utterances,), index of each label.
        known: bool, shape (utterances, labels); which labels each utterance tells of, as in masked_cross_entropy.
        shares: float, shape (utterances,); what each counts for.
        axes: float, shape (width, axes); the penalty is that of weights for states times these.
        penalty: 0 or more.
    """
    centre = np.average(states, axis=0, weights=shares)
    rows = torch.tensor((states - centre) @ axes, dtype=torch.float64)
    targets = torch.nn.functional.one_hot(torch.tensor(truth), known.shape[1]).double()
    weight = torch.tensor(shares / shares.sum())
    mask = torch.tensor(known)
    layer = torch.zeros(known.shape[1], axes.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(known.shape[1], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([layer, bias], max_iter=_ITERATIONS, line_search_fn='strong_wolfe')
    losses: list[float] = []

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        each = masked_cross_entropy(rows @ layer.T + bias, targets, mask, shares=weight)
        loss = each + penalty * (layer**2).sum()
        loss.backward()
        losses.append(loss.item())
        return loss

    optimiser.step(closure)
    weights = layer.detach().numpy() @ axes.T
    return LinearHead(
        weights=weights.astype(np.float32),
        bias=(bias.detach().numpy() - weights @ centre).astype(np.float32),
        losses=tuple(losses),
    )
