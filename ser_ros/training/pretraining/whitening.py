# SPDX-License-Identifier: Apache-2.0
"""The scale at which a teacher's hidden states are to be reproduced."""

import torch
from torch import nn

_SMALLEST_DEVIATION = 1e-3
"""Of a dimension that hardly varies, in the teacher's own units."""

_SMALLEST_VARIANCE = 1e-3
"""Of a principal component, while a dimension has 1: below it there is little except bfloat16's rounding."""


class Whitening(nn.Module):
    """Gives every dimension of a teacher's states the deviation 1, and raises directions of little variance.

    A few of a transformer's dimensions are many times larger than the others and would be all that is learned. The same
    is true of directions.
    """

    def __init__(self, mean: torch.Tensor, deviation: torch.Tensor, raising: torch.Tensor | None = None):
        """Take float32 of shape (layers, width), twice, and (layers, width, width); None for no raising."""
        super().__init__()
        self.register_buffer('mean', mean)
        self.register_buffer('deviation', deviation)
        self.register_buffer('raising', raising)

    @classmethod
    def of(cls, states: torch.Tensor, strength: float) -> 'Whitening':
        """Return the whitening for `states`.

        Args:
            states: float32, shape (rows, layers, width).
            strength: How far directions of little variance are raised, from 0 (not at all) to 1 (all are alike) (ZCA;
                Kessy et al. 2018, Optimal Whitening and Decorrelation).
        """
        mean, deviation = states.mean(dim=0), states.std(dim=0).clamp_min(_SMALLEST_DEVIATION)
        if not strength:
            return cls(mean, deviation)
        alike = ((states - mean) / deviation).transpose(0, 1)
        variances, directions = torch.linalg.eigh(alike.transpose(1, 2) @ alike / (len(states) - 1))
        raised = variances.clamp_min(_SMALLEST_VARIANCE) ** (-strength / 2)
        return cls(mean, deviation, directions * raised[:, None] @ directions.transpose(1, 2))

    @classmethod
    def none(cls, layers: int = 0, width: int = 0) -> 'Whitening':
        """Return a whitening that changes nothing."""
        return cls(torch.zeros(layers, width), torch.ones(layers, width))

    @property
    def layers(self) -> int:
        """Number of reproduced layers of the teacher."""
        return self.mean.shape[0]

    @property
    def width(self) -> int:
        """Width of the teacher's rows."""
        return self.mean.shape[1]

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Return `states`, shape (rows, layers, width), in the scale to be reproduced: float32, the same shape."""
        alike = (states.float() - self.mean) / self.deviation
        if self.raising is None:
            return alike
        with torch.autocast(states.device.type, enabled=False):  # small directions would be lost beside large ones
            return torch.einsum('rlw,lwv->rlv', alike, self.raising)
