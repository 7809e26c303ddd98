# SPDX-License-Identifier: Apache-2.0
"""Trains one model with the Hugging Face Trainer and keeps checkpoints from which a killed run goes on."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import torch
from torch.utils.data import Sampler
from transformers import PretrainedConfig, PreTrainedModel, Trainer, TrainingArguments, set_seed
from transformers.trainer_utils import get_last_checkpoint

from ser_ros.errors import SerError
from ser_ros.training.dataset import UtteranceDataset, collate
from ser_ros.training.model import new_model
from ser_ros.training.recipe import Recipe

_ADAM_BETA2 = 0.98
"""As for training transformers on speech from random weights (Gulati et al. 2020, Conformer, section 3.2)."""


def finetune(
    recipe: Recipe, config: PretrainedConfig, dataset: UtteranceDataset, work: Path, *, resume: bool
) -> tuple[PreTrainedModel, list[dict]]:
    """Train a network of `config` on `dataset`; return it and the Trainer's log, one entry for each epoch.

    `work` holds the checkpoints, one at the end of each epoch. With `resume` the run goes on from the last one, if
    there is one; otherwise `work` is emptied first. Raises SerError where it was begun with another recipe or data.
    """
    _prepare(work, recipe, dataset, resume=resume)
    set_seed(recipe.seed)
    model = new_model(config)
    trainer = _LengthGroupedTrainer(
        model=model, args=_arguments(recipe, work), train_dataset=dataset, data_collator=collate
    )
    trainer.train(resume_from_checkpoint=get_last_checkpoint(work))
    return model, [entry for entry in trainer.state.log_history if 'loss' in entry]


def save_model(model: PreTrainedModel, feature_extractor, folder: Path, *, half_precision: bool) -> None:
    """Write a Hugging Face model folder; `half_precision` stores the weights as float16."""
    shutil.rmtree(folder, ignore_errors=True)
    model.to('cpu', torch.float16 if half_precision else torch.float32).save_pretrained(folder)
    feature_extractor.save_pretrained(folder)
    for file in folder.iterdir():
        file.chmod(0o644)


class _LengthGroupedTrainer(Trainer):
    """Takes the order of utterances from the data set."""

    def _get_train_sampler(self, train_dataset: UtteranceDataset | None = None) -> Sampler:
        return _EpochOrder(train_dataset or self.train_dataset, self.args.train_batch_size)


class _EpochOrder(Sampler):
    def __init__(self, dataset: UtteranceDataset, batch_size: int):
        self._dataset = dataset
        self._batch_size = batch_size

    def __len__(self) -> int:
        return len(self._dataset)

    def __iter__(self) -> Iterator[int]:
        return iter(self._dataset.order(self._batch_size))


def _prepare(work: Path, recipe: Recipe, dataset: UtteranceDataset, *, resume: bool) -> None:
    run = json.loads(json.dumps({'recipe': asdict(recipe), 'clips': dataset.names}))
    record = work / 'run.json'
    if resume and record.is_file():
        if json.loads(record.read_text(encoding='utf-8')) != run:
            raise SerError(
                f'{work} was begun with another recipe or other clips, so it cannot be resumed; '
                'give the same ones, or leave out --resume to begin again'
            )
        return
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    record.write_text(json.dumps(run, indent=1), encoding='utf-8')


def _arguments(recipe: Recipe, work: Path) -> TrainingArguments:
    optimisation = recipe.optimisation
    gpu = torch.cuda.is_available()
    return TrainingArguments(
        output_dir=str(work),
        num_train_epochs=optimisation.epochs,
        per_device_train_batch_size=optimisation.batch_size,
        learning_rate=optimisation.learning_rate,
        weight_decay=optimisation.weight_decay,
        adam_beta2=_ADAM_BETA2,
        warmup_steps=optimisation.warmup_share,
        lr_scheduler_type='cosine',
        label_smoothing_factor=optimisation.label_smoothing,
        max_grad_norm=optimisation.gradient_clip,
        bf16=optimisation.bfloat16 and (not gpu or torch.cuda.is_bf16_supported()),
        use_cpu=not gpu,
        seed=recipe.seed,
        save_strategy='epoch',
        save_total_limit=1,
        logging_strategy='epoch',
        remove_unused_columns=False,
        report_to='none',
    )
