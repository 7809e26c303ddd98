# SPDX-License-Identifier: Apache-2.0
"""Runs a pretraining and moves the finished encoder's folder into place at once, with a card and its curves."""

import contextlib
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from accelerate import PartialState

from ser_ros.files import write_text
from ser_ros.places import check_can_be_made, refuse_taken
from ser_ros.training.data.dataset_card import read_dataset_card
from ser_ros.training.data.ravdess import is_clip_name
from ser_ros.training.learning.network import save_model
from ser_ros.training.learning.recipe import plain_values
from ser_ros.training.pretraining.encoder_report import EncoderReport, encoder_card
from ser_ros.training.pretraining.pretrain import Pretrained, pretrain
from ser_ros.training.pretraining.pretraining_recipe import PretrainingRecipe
from ser_ros.training.pretraining.speech import Piece, hours
from ser_ros.training.pretraining.teacher_encoder import TeacherEncoder
from ser_ros.training.provenance.environment import environment
from ser_ros.training.provenance.origins import pretraining_of
from ser_ros.training.provenance.pretraining_report import UnlabelledSpeech
from ser_ros.training.reporting.pictures import curves_picture
from ser_ros.training.storage.disk import full_disk_told, put_in_place, work_folder
from ser_ros.training.storage.json_files import REPORT, write_json
from ser_ros.training.storage.lock import held


@dataclass(frozen=True)
class Pretraining:
    """One run.

    Attributes:
        speech: Folders of the pieces.
        command: How to repeat it, for the card.
    """

    recipe_name: str
    recipe: PretrainingRecipe
    speech: tuple[Path, ...]
    out: Path
    command: str
    resume: bool = False


def make_encoder(run: Pretraining, pieces: Sequence[Piece], teacher: TeacherEncoder | None) -> EncoderReport:
    """Pretrain, write a Hugging Face folder that `train --model` can start from, and return its report.

    Raises:
        SerError: The folder exists already, or the disk is full.
    """
    refuse_taken(run.out)
    work = work_folder(run.out)
    cure = (
        'make room, choose another --out, or keep fewer variants with --set augmentation.variants=1, and '
        'continue with --resume'
    )
    with _held(run, work), full_disk_told(work, cure):
        made = pretrain(run.recipe, list(pieces), teacher, work, resume=run.resume)
        report = _report(run, pieces, teacher, made)
        if PartialState().is_main_process:
            _write(work / 'model', made, report)
            put_in_place(work / 'model', run.out)
            shutil.rmtree(work)
    PartialState().wait_for_everyone()
    return report


def check_output(run: Pretraining) -> None:
    """Raise SerError unless the folder of the encoder can be made."""
    if PartialState().is_main_process:  # the others write nothing
        refuse_taken(run.out)
        check_can_be_made(run.out, name=work_folder(run.out).name)


@contextlib.contextmanager
def _held(run: Pretraining, work: Path) -> Iterator[None]:
    """Keep other runs from the folder."""
    with held(work) if PartialState().is_main_process else contextlib.nullcontext():
        refuse_taken(run.out)  # by a run that has ended in the meantime
        yield


def _report(
    run: Pretraining, pieces: Sequence[Piece], teacher: TeacherEncoder | None, made: Pretrained
) -> EncoderReport:
    return EncoderReport(
        recipe=run.recipe_name,
        description=run.recipe.description,
        speech=_speech(run.speech, pieces),
        initial_weights=made.initial_weights,
        pretrained_before=pretraining_of(run.recipe.network.checkpoint),
        teacher=teacher.name if teacher else '',
        pieces=len(pieces),
        ravdess_clips=len({piece.path for piece in pieces if is_clip_name(piece.path.stem)}),
        epochs=run.recipe.optimisation.epochs,
        hours_heard=round(hours(pieces) * run.recipe.optimisation.epochs, 1),
        steps=made.steps,
        pretraining_minutes=round(made.seconds / 60, 1),
        parameters=made.encoder.num_parameters(),
        processes=PartialState().num_processes,
        seed=run.recipe.seed,
        settings=plain_values(run.recipe),
        command=run.command,
        **environment(),
        training_log=tuple(made.log),
    )


def _speech(folders: Sequence[Path], pieces: Sequence[Piece]) -> tuple[UnlabelledSpeech, ...]:
    heard: defaultdict[str, float] = defaultdict(float)
    for piece in pieces:
        heard[piece.name.partition('/')[0]] += piece.duration / 3600
    cards = {folder.resolve().name: read_dataset_card(folder) for folder in folders}
    return tuple(UnlabelledSpeech(**asdict(cards[name]), hours=round(time, 2)) for name, time in heard.items())


def _write(folder: Path, made: Pretrained, report: EncoderReport) -> None:
    save_model(made.encoder, made.feature_extractor, folder, stored_weights='float32')
    write_json(folder / REPORT, asdict(report))
    title = f'pretraining {report.recipe}'
    curves_picture(made.log, folder / 'curves.png', title, loss='weighted sum of losses')
    write_text(folder / 'README.md', '\n'.join(encoder_card(report)) + '\n')
