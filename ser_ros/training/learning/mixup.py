# SPDX-License-Identifier: Apache-2.0
"""Mixes the utterances of a batch with one another, so that a network learns to be as unsure as what it hears is.

Zhang et al. 2018, mixup: Beyond Empirical Risk Minimization.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from ser_ros.training.learning.loss import masked_cross_entropy


@dataclass(frozen=True, eq=False)
class Mixture:
    """Which two utterances of a batch are heard at once, and how much of each.

    Attributes:
        partners: Index of the other utterance: int64, shape (batch,).
        shares: How much is left of the utterance itself, 0.5..1: float32, shape (batch,).
    """

    partners: torch.Tensor
    shares: torch.Tensor

    @classmethod
    def draw(cls, batch: int, alpha: float, device: torch.device) -> 'Mixture':
        """Draw the mixture of a batch from torch's global generator.

        Args:
            batch: Number of utterances.
            alpha: Both parameters of the Beta distribution of the shares, above 0: the smaller, the less is mixed.
            device: Of the batch.
        """
        drawn = torch.distributions.Beta(alpha, alpha).sample((batch,))
        return cls(torch.randperm(batch).to(device), torch.maximum(drawn, 1.0 - drawn).to(device))

    def of(self, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return a batch of the model's arguments, mixed; a mask of whole numbers holds where one of the two does."""
        return {name: self._mixed(value) for name, value in inputs.items()}

    def cross_entropy(
        self,
        logits: torch.Tensor,
        targets: torch.Tensor,
        known: torch.Tensor,
        *,
        weights: torch.Tensor | None = None,
        smoothing: float = 0.0,
    ) -> torch.Tensor:
        """Return the mean of both utterances' losses by their shares; see masked_cross_entropy."""
        count = len(logits)
        own = masked_cross_entropy(
            logits, targets, known, weights=weights, smoothing=smoothing, shares=self.shares / count
        )
        other = masked_cross_entropy(
            logits,
            targets[self.partners],
            known[self.partners],
            weights=weights,
            smoothing=smoothing,
            shares=(1.0 - self.shares) / count,
        )
        return own + other

    def _mixed(self, value: torch.Tensor) -> torch.Tensor:
        if not value.is_floating_point():
            return torch.maximum(value, value[self.partners])
        shares = self.shares.to(value.dtype).reshape(-1, *[1] * (value.dim() - 1))
        return torch.lerp(value[self.partners], value, shares)
