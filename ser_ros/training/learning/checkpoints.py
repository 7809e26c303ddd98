# SPDX-License-Identifier: Apache-2.0
"""The folder of checkpoints, from which a killed run continues, and when checkpoints are written."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ser_ros.errors import SerError
from ser_ros.files import write_text
from ser_ros.training.learning.precision import bfloat16_is_fast
from ser_ros.training.learning.recipe import Optimisation
from ser_ros.training.storage.lock import LOCK

_WHOLE = 'whole'
"""File that marks a whole checkpoint."""


def open_work_folder(work: Path, run: dict[str, Any], *, resume: bool) -> None:
    """Prepare `work` for checkpoints: empty, or with `resume` as a run of the same kind left it.

    Args:
        work: The folder.
        run: What determines the result of the training, as plain values.
        resume: Whether to continue what is there.

    Raises:
        SerError: `resume` is given and `work` holds another run.
    """
    run = json.loads(json.dumps(run))  # as it comes back: without tuples
    record = work / 'run.json'
    if resume and record.is_file():
        if json.loads(record.read_text(encoding='utf-8')) != run:
            raise SerError(
                f'{work} was begun with another recipe, other clips or another number of processes, so it cannot be '
                'resumed; give the same ones, or leave out --resume to begin again'
            )
    else:
        work.mkdir(parents=True, exist_ok=True)
        _empty(work)
        write_text(record, json.dumps(run, indent=1))
    for folder in work.glob('checkpoint-*'):
        if not (folder / _WHOLE).is_file():
            shutil.rmtree(folder)


def _empty(work: Path) -> None:
    """Remove everything but the lock, which this run holds."""
    for path in work.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != LOCK:
            path.unlink()


def training_arguments(
    optimisation: Optimisation, work: Path, *, seed: int, every_steps: int, checkpoints_kept: int, **others: Any
) -> TrainingArguments:
    """Return the arguments of transformers' Trainer.

    Args:
        optimisation: The recipe's.
        work: Folder of the checkpoints.
        seed: Of everything random.
        every_steps: Steps from one log entry and checkpoint to the next; 0 for each epoch.
        checkpoints_kept: How many checkpoints are kept at most.
        **others: Passed on unchanged.
    """
    gpu = torch.cuda.is_available()
    rhythm = 'steps' if every_steps else 'epoch'
    memory_saver = {}
    if optimisation.gradient_checkpointing:
        memory_saver = {'gradient_checkpointing': True, 'gradient_checkpointing_kwargs': {'use_reentrant': False}}
    ahead_of_the_gpu = {}
    if gpu:  # batches, which the Trainer pins, are copied while it computes, and no step waits for its loss
        ahead_of_the_gpu = {'accelerator_config': {'non_blocking': True}, 'logging_nan_inf_filter': False}
    return TrainingArguments(
        output_dir=str(work),
        num_train_epochs=optimisation.epochs,
        per_device_train_batch_size=optimisation.batch_size,
        per_device_eval_batch_size=optimisation.evaluation_batch_size,
        gradient_accumulation_steps=optimisation.gradient_accumulation,
        **memory_saver,
        **ahead_of_the_gpu,
        learning_rate=optimisation.learning_rate,
        weight_decay=optimisation.weight_decay,
        adam_beta2=optimisation.adam_beta2,
        warmup_steps=optimisation.warmup_share,
        lr_scheduler_type=optimisation.schedule,
        max_grad_norm=optimisation.gradient_clip,
        bf16=optimisation.bfloat16 and bfloat16_is_fast('cuda' if gpu else 'cpu'),
        use_cpu=not gpu,
        seed=seed,
        save_strategy=rhythm,
        logging_strategy=rhythm,
        save_steps=every_steps or 1,
        logging_steps=every_steps or 1,
        save_total_limit=checkpoints_kept,
        remove_unused_columns=False,
        label_names=['labels'],
        disable_tqdm=False,
        **others,
    )


class Seal(TrainerCallback):
    """Marks a checkpoint as whole once all its files exist: a killed run or a full disk leaves half of one."""

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Mark it; the Trainer calls this."""
        PartialState().wait_for_everyone()  # each process writes a part
        if state.is_world_process_zero:
            (Path(args.output_dir) / f'checkpoint-{state.global_step}' / _WHOLE).touch()


class LastEntry(TrainerCallback):
    """Logs the last step, which may be between two entries."""

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Request the log entry; the Trainer calls this."""
        if state.global_step >= state.max_steps:
            control.should_log = True


class Clock(TrainerCallback):
    """Writes into each log entry how many seconds the training has taken, over all legs of a resumed run."""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Continue from the time of a resumed run; the Trainer calls this."""
        before = state.log_history[-1]['seconds'] if state.log_history else 0.0
        self._started = time.monotonic() - before

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Write the seconds; the Trainer calls this."""
        state.log_history[-1]['seconds'] = round(time.monotonic() - self._started, 2)
