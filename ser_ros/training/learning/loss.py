# SPDX-License-Identifier: Apache-2.0
"""The loss of fine-tuning."""

import torch


def without_unknown(logits: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Return logits of which those of unknown labels are -inf, as if the model did not have these labels.

    Args:
        logits: float32, shape (batch, labels).
        known: bool, of the same shape.
    """
    return logits.masked_fill(~known, -torch.inf)


def masked_cross_entropy(
    logits: torch.Tensor,
    targets: torch.Tensor,
    known: torch.Tensor,
    *,
    weights: torch.Tensor | None = None,
    smoothing: float = 0.0,
    shares: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the mean cross-entropy of a batch in which each utterance tells of some labels only.

    The others count neither for nor against. If all are known, this is torch's `cross_entropy`.

    Args:
        logits: float32, shape (batch, labels).
        targets: Probabilities of the same shape, above 0 for a known label; those of the others are shared out.
        known: bool, of the same shape.
        weights: Of the labels, float32, shape (labels,); None for 1 each.
        smoothing: Share of each target that is spread over the known labels, 0..1 (Szegedy et al. 2016).
        shares: What each utterance counts for, shape (batch,), sums to 1; None for the same.
    """
    targets = targets.masked_fill(~known, 0.0)
    targets = targets / targets.sum(dim=-1, keepdim=True)
    spread = (known / known.sum(dim=-1, keepdim=True)).to(targets.dtype)
    wanted = torch.lerp(targets, spread, smoothing)
    log_probabilities = without_unknown(logits, known).log_softmax(dim=-1).masked_fill(~known, 0.0)
    if weights is not None:
        wanted = wanted * weights
    each = -(wanted * log_probabilities).sum(dim=-1)
    return each.mean() if shares is None else (shares * each).sum()
