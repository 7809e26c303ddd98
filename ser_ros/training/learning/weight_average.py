# SPDX-License-Identifier: Apache-2.0
"""Keeps a running mean of a network's weights while it trains: the mean of many steps errs less than the last one."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_model, save_model
from torch.optim.swa_utils import AveragedModel
from transformers import PreTrainedModel, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

_FILE = 'weight_average.safetensors'
"""In a checkpoint, beside the weights that the training goes on with."""


class WeightAverage(TrainerCallback):
    """The exponential mean of the weights after each step; kept in the checkpoints, so that a resumed run has the same.

    At first it follows faster, so that it soon forgets the weights that the training began with (Polyak and Juditsky
    1992, Acceleration of Stochastic Approximation by Averaging, is the idea).
    """

    def __init__(self, model: PreTrainedModel, keep: float):
        """Start from the weights of `model`; `keep`, 0..1, is how much of the mean stays in each step."""
        self._mean = AveragedModel(model, multi_avg_fn=_follow(keep))

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        """Continue with the mean of a resumed run; the Trainer calls this."""
        if state.global_step and (checkpoint := get_last_checkpoint(args.output_dir)):
            self.load(Path(checkpoint))

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: PreTrainedModel | None = None,
        **kwargs: object,
    ) -> None:
        """Take in the weights after the step; the Trainer calls this."""
        assert model is not None
        self._mean.update_parameters(model)

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object) -> None:
        """Write the mean into the checkpoint; the Trainer calls this."""
        if state.is_world_process_zero:
            save_model(self._mean, str(Path(args.output_dir) / f'checkpoint-{state.global_step}' / _FILE))

    def load(self, checkpoint: Path) -> None:
        """Take the mean that was written into `checkpoint`."""
        load_model(self._mean, checkpoint / _FILE)

    @torch.no_grad()
    def copy_to(self, model: PreTrainedModel) -> None:
        """Give `model` the mean in place of its weights."""
        for weight, mean in zip(model.parameters(), self._mean.module.parameters(), strict=True):
            weight.copy_(mean)

    @contextlib.contextmanager
    def in_place(self, model: PreTrainedModel) -> Iterator[None]:
        """Let the mean answer in place of the weights of `model` for a while."""
        weights = [weight.detach().clone() for weight in model.parameters()]
        self.copy_to(model)
        try:
            yield
        finally:
            with torch.no_grad():
                for weight, kept in zip(model.parameters(), weights, strict=True):
                    weight.copy_(kept)


def _follow(keep: float) -> Callable[[Sequence[torch.Tensor], Sequence[torch.Tensor], torch.Tensor], None]:
    def follow(means: Sequence[torch.Tensor], weights: Sequence[torch.Tensor], steps: torch.Tensor) -> None:
        now = min(keep, float(steps) / (float(steps) + 10.0))
        torch._foreach_lerp_(list(means), list(weights), 1.0 - now)

    return follow
