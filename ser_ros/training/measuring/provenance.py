# SPDX-License-Identifier: Apache-2.0
"""What a model's weights come from besides its labelled clips: pretraining, other labelled clips, a teacher, speech."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from ser_ros.training.measuring.markdown import table


@dataclass(frozen=True, kw_only=True)
class UnlabelledSpeech:
    """Part of what an encoder heard. licence: '' where it is not known."""

    name: str
    licence: str
    hours: float


@dataclass(frozen=True, kw_only=True)
class PretrainingReport:
    """How `pretrain` made an encoder, as the reports of whatever was made of it tell.

    pretrained_before: the same of the encoder that it began with.
    teacher: '' for none.
    ravdess_clips: how many of the pieces are clips of RAVDESS.
    """

    recipe: str
    speech: tuple[UnlabelledSpeech, ...]
    initial_weights: str
    pretrained_before: 'PretrainingReport | None'
    teacher: str
    pieces: int
    ravdess_clips: int
    epochs: int
    hours_heard: float
    steps: int
    pretraining_minutes: float
    parameters: int
    processes: int
    seed: int
    command: str
    hardware: str
    versions: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class EncoderReport(PretrainingReport):
    """The report that `pretrain` leaves in the encoder's folder. training_log: the Trainer's entries."""

    description: str
    settings: dict[str, Any]
    training_log: tuple[dict[str, Any], ...]

    @property
    def pretraining(self) -> PretrainingReport:
        """What the reports of later runs tell of it."""
        return PretrainingReport(**{field.name: getattr(self, field.name) for field in fields(PretrainingReport)})


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training of `train`, as the reports of later ones tell of it. licence: '' where it is not known."""

    recipe: str
    corpus: str
    licence: str
    train_clips: int
    train_speakers: tuple[int | str, ...]
    labels: tuple[str, ...]
    command: str


def training_sentence(training: Training) -> str:
    """Return a training in words."""
    speakers = f' of {len(training.train_speakers)} speakers' if training.train_speakers else ''
    licence = f' (licence: {training.licence})' if training.licence else ''
    return (
        f'Before, the weights were trained on {training.train_clips} clips{speakers} of '
        f'{training.corpus}{licence} to tell {", ".join(training.labels)}.'
    )


def pretrainings(pretraining: PretrainingReport | None) -> list[PretrainingReport]:
    """Return a pretraining and those before it, oldest first."""
    return [*pretrainings(pretraining.pretrained_before), pretraining] if pretraining else []


def pretraining_lines(pretraining: PretrainingReport) -> list[str]:
    """Return how the encoder was made: for each pretraining one paragraph, and a table of the speech."""
    return [line for each in pretrainings(pretraining) for line in (*_lines_of_one(each), '')][:-1]


def _lines_of_one(pretraining: PretrainingReport) -> list[str]:
    begun = '' if pretraining.initial_weights == 'random' else f', beginning with {pretraining.initial_weights}'
    teacher = f', from the hidden states of {pretraining.teacher}' if pretraining.teacher else ''
    clips = pretraining.ravdess_clips
    known = f'{clips} clips of RAVDESS were' if clips else 'No clip of RAVDESS was'
    return [
        (
            f'The encoder was pretrained by ser_ros with the recipe {pretraining.recipe}{begun}{teacher}: '
            f'{pretraining.epochs} epochs over {pretraining.pieces} pieces ({pretraining.hours_heard:g} hours '
            f'heard), {pretraining.steps} steps in {pretraining.pretraining_minutes:.0f} minutes on '
            f'{pretraining.hardware}, seed {pretraining.seed}. {known} among them.'
        ),
        '',
        *speech_table(pretraining.speech),
    ]


def speech_table(speech: Iterable[UnlabelledSpeech]) -> list[str]:
    """Return a table of what an encoder heard."""
    rows = [[data.name, f'{data.hours:g}', data.licence or 'not known'] for data in speech]
    return table(['speech, unlabelled', 'hours', 'licence'], rows)
