# SPDX-License-Identifier: Apache-2.0
"""The scale at which a teacher's hidden states are to be reproduced, and in which directions."""

from collections.abc import Sequence

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
        """Take float32 of shape (layers, width), twice, and (layers, width, directions); None for no raising."""
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
    def of_means(cls, pieces: Sequence[torch.Tensor], directions: int) -> 'Whitening':
        """Return the whitening that keeps the directions in which the means over pieces vary most, all alike.

        A classifier reads the mean over time. In most directions it hardly differs between utterances.

        Args:
            pieces: The states of several pieces, at least as many as directions; float32, shape (rows, layers, width).
            directions: How many are kept, 1 to width.
        """
        states = torch.cat(list(pieces))
        mean, deviation = states.mean(dim=0), states.std(dim=0).clamp_min(_SMALLEST_DEVIATION)
        means = torch.stack([(piece.mean(dim=0) - mean) / deviation for piece in pieces]).transpose(0, 1)
        _, found = torch.linalg.eigh((means - means.mean(dim=1, keepdim=True)).transpose(1, 2) @ means)
        kept = found[:, :, -directions:]
        spread = torch.einsum('rlw,lwv->rlv', (states - mean) / deviation, kept).std(dim=0)
        raising = kept / spread.clamp_min(_SMALLEST_DEVIATION)[:, None]
        return cls(mean, deviation, raising.contiguous())  # safetensors takes no other

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
        """Number of values of a row that are reproduced: the teacher's width, or the directions that are kept."""
        return self.mean.shape[1] if self.raising is None else self.raising.shape[2]

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Return `states`, shape (rows, layers, teacher's width), as they are to be reproduced.

        Float32, shape (rows, layers, width).
        """
        alike = (states.float() - self.mean) / self.deviation
        if self.raising is None:
            return alike
        with torch.autocast(states.device.type, enabled=False):  # small directions would be lost beside large ones
            return torch.einsum('rlw,lwv->rlv', alike, self.raising)
