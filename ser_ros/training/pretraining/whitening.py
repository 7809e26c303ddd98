# SPDX-License-Identifier: Apache-2.0
"""The scale at which a teacher's hidden states are to be reproduced."""

from dataclasses import dataclass

import torch

_SMALLEST_DEVIATION = 1e-3
"""Of a dimension that hardly changes, in the teacher's own units."""

_SMALLEST_VARIANCE = 1e-3
"""Of a principal component, where a dimension has 1: below it there is little but bfloat16's rounding."""


@dataclass(frozen=True, eq=False)
class Whitening:
    """A linear map for each of the teacher's layers.

    mean: float32, shape (layers, width). matrix: float32, shape (layers, width, width).
    """

    mean: torch.Tensor
    matrix: torch.Tensor

    @classmethod
    def of(cls, states: torch.Tensor, strength: float) -> 'Whitening':
        """Return what gives every dimension of `states`, float32, shape (rows, layers, width), the deviation 1.

        A few of a transformer's dimensions are many times larger than the others and would be all that is learned. The
        same holds for directions: `strength`, 0..1, is how far those of little variance are raised as well, 1 for until
        all are alike (ZCA; Kessy et al. 2018, Optimal Whitening and Decorrelation).
        """
        mean, deviation = states.mean(dim=0), states.std(dim=0).clamp_min(_SMALLEST_DEVIATION)
        alike = ((states - mean) / deviation).transpose(0, 1)
        variances, directions = torch.linalg.eigh(alike.transpose(1, 2) @ alike / (len(states) - 1))
        raised = variances.clamp_min(_SMALLEST_VARIANCE) ** (-strength / 2)
        matrix = directions * raised[:, None] @ directions.transpose(1, 2)
        return cls(mean, matrix / deviation[:, :, None])

    @classmethod
    def none(cls, layers: int = 0, width: int = 0) -> 'Whitening':
        """Return what changes nothing."""
        return cls(torch.zeros(layers, width), torch.eye(width).repeat(layers, 1, 1))
