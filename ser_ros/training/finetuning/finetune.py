# SPDX-License-Identifier: Apache-2.0
"""Trains one model with the Hugging Face Trainer and keeps checkpoints from which a killed run continues."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_model
from torch.nn.functional import cross_entropy
from torch.utils.data import Sampler
from transformers import (
    EarlyStoppingCallback,
    EvalPrediction,
    PreTrainedModel,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    set_seed,
)
from transformers.trainer_utils import get_last_checkpoint

from ser_ros.training.finetuning.finetuning_recipe import FinetuningRecipe, decisive_values
from ser_ros.training.learning.checkpoints import Clock, Seal, open_work_folder, training_arguments
from ser_ros.training.learning.dataset import KNOWN, LABELS, VOICE, TrainingSet, ValidationSet, collate_clips
from ser_ros.training.learning.design import Design
from ser_ros.training.learning.layers import freeze, parameter_groups
from ser_ros.training.learning.loss import masked_cross_entropy, without_unknown
from ser_ros.training.learning.mixup import Mixture
from ser_ros.training.learning.network import new_classifier
from ser_ros.training.learning.order import EpochOrder
from ser_ros.training.learning.voice_offsets import VoiceOffsets
from ser_ros.training.learning.weight_average import WeightAverage


@dataclass(frozen=True)
class Finetuned:
    """A trained network and how it was trained.

    Attributes:
        model: With the weights of the chosen checkpoint.
        log: The Trainer's entries, of training ('loss') and of validation ('eval_loss', 'eval_accuracy').
        steps: How many were trained.
        chosen_step: The step of the best checkpoint, or the last step if none is chosen.
        validation_accuracy: Of that checkpoint, 0..1; None if there is no validation.
        seconds: Spent in all legs of a resumed run.
        peak_gpu_memory_gib: The most that torch used on the first GPU in this leg; None on a CPU.
    """

    model: PreTrainedModel
    log: list[dict]
    steps: int
    chosen_step: int
    validation_accuracy: float | None
    seconds: float
    peak_gpu_memory_gib: float | None


def finetune(
    recipe: FinetuningRecipe,
    design: Design,
    training: TrainingSet,
    validation: ValidationSet | None,
    work: Path,
    *,
    resume: bool,
    report_to: tuple[str, ...] = (),
) -> Finetuned:
    """Train `design` on `training`.

    Args:
        recipe: How it is trained.
        design: The classifier before it has weights.
        training: The clips and, by the recipe, other speech, with what the model should answer.
        validation: The clips on which the best checkpoint is chosen; None for the last checkpoint.
        work: Folder of the checkpoints.
        resume: Whether to continue from the last checkpoint, if there is one; otherwise `work` is emptied first.
        report_to: Trackers that transformers knows, such as 'tensorboard' and 'wandb'.

    Raises:
        SerError: `work` is to be resumed, but was started with another recipe, other data or another number of
            processes.
    """
    arguments = _arguments(recipe, work, validates=validation is not None, report_to=report_to)
    with arguments.main_process_first(desc='preparing'):
        if arguments.process_index == 0:
            run = {
                'recipe': decisive_values(recipe),
                'weights': design.initial_weights,
                'labels': list(design.config.label2id),
                'clips': [list(clip) for clip in zip(training.names, training.label_ids, strict=True)],
                'teacher': training.teacher_name,
                'other_speech': training.other_names,
                'processes': arguments.world_size,
            }
            open_work_folder(work, run, resume=resume)
    set_seed(recipe.seed)
    model = new_classifier(design)
    freeze(model, recipe.network)
    share = recipe.optimisation.voice_normalised
    offsets = VoiceOffsets.attach(model, training.voice_count, share=share) if share else None
    keep = recipe.optimisation.weight_average
    average = WeightAverage(model, keep) if keep else None
    trainer = _Trainer(
        model=model,
        args=arguments,
        train_dataset=training,
        eval_dataset=validation,
        data_collator=collate_clips,
        compute_metrics=_accuracy,
        callbacks=_callbacks(recipe, validation, average),
        recipe=recipe,
        offsets=offsets,
        average=average,
    )
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    trainer.train(resume_from_checkpoint=get_last_checkpoint(work))
    state = trainer.state
    best = state.best_global_step if validation is not None else None
    if best and state.best_model_checkpoint is None:  # `work` was moved, and the Trainer looked in the old place
        load_model(model, work / f'checkpoint-{best}' / 'model.safetensors')
    if average is not None:
        if best:
            average.load(work / f'checkpoint-{best}')
        average.copy_to(model)
    if offsets is not None:
        offsets.detach(model)
    return Finetuned(
        model=model,
        log=[entry for entry in state.log_history if 'loss' in entry or 'eval_loss' in entry],
        steps=state.global_step,
        chosen_step=best or state.global_step,
        validation_accuracy=_accuracy_at(state.log_history, best) if best else None,
        seconds=state.log_history[-1]['seconds'],
        peak_gpu_memory_gib=torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else None,
    )


class _Trainer(Trainer):
    """Takes the order of utterances from the data set, and learning rates and loss from the recipe."""

    optimizer: torch.optim.Optimizer

    def __init__(
        self,
        *,
        recipe: FinetuningRecipe,
        offsets: VoiceOffsets | None,
        average: WeightAverage | None,
        **others: Any,
    ):
        super().__init__(**others)
        self._recipe = recipe
        self._offsets = offsets
        self._average = average
        # The loss below is a mean over one batch; the Trainer must divide it by the accumulated batches.
        self.model_accepts_loss_kwargs = False
        self._class_weights = None
        if recipe.optimisation.class_weights:
            counts = np.bincount(self.train_dataset.label_ids, minlength=self.model.config.num_labels)
            weights = len(self.train_dataset) / (len(counts) * np.maximum(counts, 1))
            self._class_weights = torch.tensor(weights, dtype=torch.float32)

    def _get_train_sampler(self, train_dataset: TrainingSet | None = None) -> Sampler:
        dataset = train_dataset or self.train_dataset
        return EpochOrder(dataset, self.args.train_batch_size, self._recipe.optimisation)

    def create_optimizer(self, model: PreTrainedModel | None = None) -> torch.optim.Optimizer:
        if self.optimizer is None:
            model = model or self.model
            kind, values = self.get_optimizer_cls_and_kwargs(self.args, model)
            groups = parameter_groups(
                self.model, self._recipe.optimisation, set(self.get_decay_parameter_names(self.model))
            )
            self.optimizer = kind(groups, **values)
        return self.optimizer

    def evaluate(self, *arguments: Any, **named: Any) -> dict[str, float]:
        with self._average.in_place(self.model) if self._average else contextlib.nullcontext():
            return super().evaluate(*arguments, **named)

    def compute_loss(
        self,
        model: PreTrainedModel,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor | tuple[torch.Tensor, dict[str, torch.Tensor]]:
        inputs = dict(inputs)
        labels, known = inputs.pop(LABELS), inputs.pop(KNOWN)
        voices = inputs.pop(VOICE, None)
        if self._offsets is not None and voices is not None:
            self._offsets.prepare(voices, labels)
        mixup = self._recipe.optimisation.mixup
        mixture = Mixture.draw(len(labels), mixup, labels.device) if mixup and model.training else None
        outputs = model(**(inputs if mixture is None else mixture.of(inputs)))
        logits = outputs.logits.float()
        if model.training:
            weights = None if self._class_weights is None else self._class_weights.to(logits.device)
            smoothing = self._recipe.optimisation.label_smoothing
            loss_of = masked_cross_entropy if mixture is None else mixture.cross_entropy
            loss = loss_of(logits, labels, known, weights=weights, smoothing=smoothing)
        else:
            logits = without_unknown(logits, known)
            loss = cross_entropy(logits, labels)
        return (loss, {'loss': loss, 'logits': logits}) if return_outputs else loss


class _EarlyStopping(EarlyStoppingCallback):
    """Leaves no checkpoint when it stops: a run that is resumed there would take another step before it ends."""

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        super().on_evaluate(args, state, control, **kwargs)
        if self.early_stopping_patience_counter >= self.early_stopping_patience:
            control.should_save = False


def _callbacks(
    recipe: FinetuningRecipe, validation: ValidationSet | None, average: WeightAverage | None
) -> list[TrainerCallback]:
    patience = recipe.validation.patience
    stopping = [_EarlyStopping(patience)] if patience and validation is not None else []
    return [Clock(), *([average] if average else []), Seal(), *stopping]


def _accuracy(prediction: EvalPrediction) -> dict[str, float]:
    return {'accuracy': float((prediction.predictions.argmax(axis=-1) == prediction.label_ids).mean())}


def _accuracy_at(log_history: list[dict], step: int) -> float:
    return next(entry['eval_accuracy'] for entry in log_history if 'eval_accuracy' in entry and entry['step'] == step)


def _arguments(
    recipe: FinetuningRecipe, work: Path, *, validates: bool, report_to: tuple[str, ...]
) -> TrainingArguments:
    validation = recipe.validation
    every = validation.every_steps
    return training_arguments(
        recipe.optimisation,
        work,
        seed=recipe.seed,
        every_steps=every,
        checkpoints_kept=validation.checkpoints_kept,
        eval_strategy=('steps' if every else 'epoch') if validates else 'no',
        eval_steps=every or 1,
        load_best_model_at_end=validates,
        metric_for_best_model=validation.measure if validates else None,
        restore_callback_states_from_checkpoint=validates and validation.patience > 0,
        report_to=list(report_to) or 'none',
        ddp_find_unused_parameters=True,  # layer drop, which many encoders have, leaves some without a gradient
    )
