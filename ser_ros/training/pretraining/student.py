# SPDX-License-Identifier: Apache-2.0
"""An encoder with the heads that pretraining needs, and its losses."""

import copy
import dataclasses

import torch
from torch import nn
from torch.nn.functional import cross_entropy, pad, smooth_l1_loss

from ser_ros.errors import SerError
from ser_ros.training.learning.design import Design
from ser_ros.training.learning.network import new_encoder
from ser_ros.training.pretraining.examples import CODES, MASK, STATES, VALID
from ser_ros.training.pretraining.pretraining_recipe import PretrainingRecipe
from ser_ros.training.pretraining.whitening import Whitening


class Student(nn.Module):
    """Returns the loss of a batch of examples; `encoder` is what is kept afterwards."""

    def __init__(self, made: Design, recipe: PretrainingRecipe, whitening: Whitening):
        """Draw weights that `made` does not bring from torch's global generator. Raises SerError; see new_encoder.

        Args:
            made: Design of the encoder.
            recipe: Says what is learned.
            whitening: Of the teacher's states; without layers if there is no teacher.
        """
        super().__init__()
        config = copy.deepcopy(made.config)
        self._masks = config.model_type != 'whisper'  # whose encoder takes no mask
        if recipe.masking.share and not self._masks:
            raise SerError('masking.share is above 0, but the encoder of Whisper takes no mask; set it to 0')
        config.apply_spec_augment = self._masks  # otherwise the encoder would not apply the mask
        config.mask_time_prob = float(self._masks)  # otherwise it would have no mask vector
        self.encoder = new_encoder(dataclasses.replace(made, config=config))
        self._recipe = recipe
        self.whitening = whitening
        width = config.hidden_size
        self.name_code = nn.Linear(width, recipe.masked_prediction.codes) if recipe.masked_prediction.weight else None
        self.reproduce = nn.ModuleList(nn.Linear(width, whitening.width) for _ in range(whitening.layers))

    def forward(self, **batch: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return 'loss' and its parts 'prediction_loss' and 'distillation_loss', if they are used."""
        valid, mask = batch.pop(VALID), batch.pop(MASK)
        codes, states = batch.pop(CODES, None), batch.pop(STATES, None)
        rows = self._rows(batch, mask)[:, : valid.shape[1]]
        parts = {}
        if codes is not None and self.name_code is not None:
            logits = self.name_code(rows[mask]).float()
            # The sum over nothing is 0, while its mean would not be a number.
            parts['prediction_loss'] = cross_entropy(logits, codes[mask].long(), reduction='sum') / max(len(logits), 1)
        if states is not None:
            guessed = torch.stack([head(rows[valid]) for head in self.reproduce], dim=1).float()
            parts['distillation_loss'] = smooth_l1_loss(guessed, self.whitening(states[valid]))
        weights = {
            'prediction_loss': self._recipe.masked_prediction.weight,
            'distillation_loss': self._recipe.distillation.weight,
        }
        return {'loss': sum(weights[name] * part for name, part in parts.items()), **parts}

    def rows_and_states(self, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the encoder's rows (rows, width) of a batch without mask, and what is to be made of them."""
        valid, mask = batch.pop(VALID), batch.pop(MASK)
        batch.pop(CODES, None)
        states = batch.pop(STATES)
        rows = self._rows(batch, torch.zeros_like(mask))[:, : valid.shape[1]]
        return rows[valid].float(), self.whitening(states[valid])

    def _rows(self, batch: dict[str, torch.Tensor], mask: torch.Tensor) -> torch.Tensor:
        if self._masks:
            total = int(self.encoder._get_feat_extract_output_lengths(next(iter(batch.values())).shape[1]))
            # Always a mask: without one the encoder would draw its own.
            batch = {**batch, 'mask_time_indices': pad(mask, (0, total - mask.shape[1]))}
        return self.encoder(**batch).last_hidden_state
