# SPDX-License-Identifier: Apache-2.0
"""Pretrains an encoder with the Hugging Face Trainer and keeps checkpoints from which a killed run continues."""

import copy
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Sampler
from tqdm.auto import tqdm
from transformers import AutoModel, PretrainedConfig, PreTrainedModel, Trainer, set_seed
from transformers.feature_extraction_sequence_utils import SequenceFeatureExtractor
from transformers.trainer_utils import get_last_checkpoint

from ser_ros.errors import SerError
from ser_ros.training.learning.checkpoints import Clock, LastEntry, Seal, open_work_folder, training_arguments
from ser_ros.training.learning.design import design_encoder
from ser_ros.training.learning.network import new_encoder, outline, try_out
from ser_ros.training.learning.order import EpochOrder
from ser_ros.training.learning.recipe import plain_values
from ser_ros.training.pretraining.beginning import begin
from ser_ros.training.pretraining.examples import STATES, Examples, collate_pieces
from ser_ros.training.pretraining.pretraining_recipe import PretrainingRecipe
from ser_ros.training.pretraining.speech import Piece
from ser_ros.training.pretraining.student import Student
from ser_ros.training.pretraining.teacher_encoder import TeacherEncoder
from ser_ros.training.pretraining.whitening import Whitening

_MEASURED_PIECES = 200
"""Number of pieces over which the scale of the teacher's states is computed: ten minutes, some 10 000 rows."""

_MEASURED_FOR_MEANS = 2000
"""The same, for the directions in which their means vary: several pieces for each of some hundred dimensions."""

_KEPT = 'variants'
"""Folder in `work` for what is computed once."""


@dataclass(frozen=True)
class Pretrained:
    """An encoder and how it was trained.

    Attributes:
        log: The Trainer's entries.
        initial_weights: 'random', or the checkpoint's name.
        seconds: In all legs of a resumed run.
    """

    encoder: PreTrainedModel
    feature_extractor: SequenceFeatureExtractor
    log: list[dict]
    initial_weights: str
    steps: int
    seconds: float


def pretrain(
    recipe: PretrainingRecipe, pieces: list[Piece], teacher: TeacherEncoder | None, work: Path, *, resume: bool
) -> Pretrained:
    """Train an encoder on `pieces`; `work` holds checkpoints and, if the recipe has variants, what is computed once.

    Raises SerError if `work` was started with another recipe, other speech or another teacher.
    """
    made = design_encoder(recipe.network, recipe.feature_extraction)
    lengths = outline(made, AutoModel)
    try_out(made, new_encoder)
    arguments = training_arguments(
        recipe.optimisation,
        work,
        seed=recipe.seed,
        every_steps=recipe.checkpoint_every_steps,
        checkpoints_kept=recipe.checkpoints_kept,
        eval_strategy='no',
        report_to='none',
    )
    with arguments.main_process_first(desc='preparing'):
        if arguments.process_index == 0:
            run = {
                'recipe': plain_values(recipe),
                'weights': made.initial_weights,
                'teacher': teacher.name if teacher else '',
                'pieces': [piece.name for piece in pieces],
                'processes': arguments.world_size,
            }
            open_work_folder(work, run, resume=resume)
    examples = Examples(pieces, recipe, made.frontend, lengths._get_feat_extract_output_lengths, teacher, work / _KEPT)
    whitening = _whitening(examples, recipe, teacher.width) if teacher else Whitening.none()
    set_seed(recipe.seed)
    student = Student(made, recipe, whitening)
    begin(student, examples, recipe)
    before = copy.deepcopy(student.encoder.state_dict())
    trainer = _Trainer(
        model=student,
        args=arguments,
        train_dataset=examples,
        data_collator=collate_pieces,
        callbacks=[Clock(), Seal(), LastEntry()],
        recipe=recipe,
    )
    trainer.train(resume_from_checkpoint=get_last_checkpoint(work))
    history = trainer.state.log_history
    _average(student.encoder, before, recipe.initial_share)
    return Pretrained(
        encoder=_as_designed(student.encoder, made.config),
        feature_extractor=made.feature_extractor,
        log=[entry for entry in history if 'loss' in entry],
        initial_weights=made.initial_weights,
        steps=trainer.state.global_step,
        seconds=history[-1]['seconds'],
    )


def _average(encoder: PreTrainedModel, before: dict[str, torch.Tensor], share: float) -> None:
    """Give `encoder` the average of its weights and of those `before`, which count `share`."""
    learned = encoder.state_dict()
    encoder.load_state_dict(
        {name: (1.0 - share) * value + share * before[name].to(value) for name, value in learned.items()}
    )


def _as_designed(encoder: PreTrainedModel, config: PretrainedConfig) -> PreTrainedModel:
    """Return the encoder without its masking of rows: a fine-tuning must not continue that by itself."""
    if config.model_type == 'whisper':  # which was not masked
        return encoder
    config = copy.deepcopy(config)
    config.apply_spec_augment, config.mask_time_prob = False, 0.0
    clean = AutoModel.from_config(config, dtype=torch.float32)
    wanted = clean.state_dict().keys()
    clean.load_state_dict({name: value for name, value in encoder.state_dict().items() if name in wanted})
    return clean


class _Trainer(Trainer):
    """Takes the order of pieces from the data set, and logs each loss separately."""

    def __init__(self, *, recipe: PretrainingRecipe, **others: Any):
        super().__init__(**others)
        self._recipe = recipe
        self.model_accepts_loss_kwargs = False
        self._parts: dict[str, list[torch.Tensor]] = defaultdict(list)

    def _get_train_sampler(self, train_dataset: Examples | None = None) -> Sampler:
        dataset = train_dataset or self.train_dataset
        return EpochOrder(dataset, self.args.train_batch_size, self._recipe.optimisation)

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor | tuple[torch.Tensor, dict[str, torch.Tensor]]:
        losses = model(**inputs)
        for name, value in losses.items():
            if name != 'loss':
                self._parts[name].append(value.detach())
        return (losses['loss'], losses) if return_outputs else losses['loss']

    def log(self, logs: dict[str, float], *others: Any) -> None:
        if 'loss' in logs:
            logs |= {name: round(float(torch.stack(values).mean()), 4) for name, values in self._parts.items()}
            self._parts.clear()
        super().log(logs, *others)


def _whitening(examples: Examples, recipe: PretrainingRecipe, width: int) -> Whitening:
    """Return the scale of the teacher's states over some pieces. Raises SerError; there may be too few."""
    directions = recipe.distillation.directions
    if directions > width:
        raise SerError(f'distillation.directions is {directions}, but the teacher has {width}; give fewer')
    count = _MEASURED_FOR_MEANS if directions else _MEASURED_PIECES
    chosen = np.random.default_rng(recipe.seed).permutation(len(examples))[:count]
    if len(chosen) < directions:
        raise SerError(f'distillation.directions is {directions}, but there are {len(chosen)} pieces; give more speech')
    states = [
        examples[int(index)][STATES].float()
        for index in tqdm(chosen, desc="measuring the teacher's states", unit='piece')
    ]
    if directions:
        return Whitening.of_means(states, directions)
    return Whitening.of(torch.cat(states), recipe.distillation.whitening)
