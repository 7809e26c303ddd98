# SPDX-License-Identifier: Apache-2.0
"""How `pretrain` made an encoder, as stated in the reports of the encoder and of models made from it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class UnlabelledSpeech:
    """Part of what an encoder heard.

    Attributes:
        licence: '' if it is not known.
    """

    name: str
    licence: str
    hours: float


@dataclass(frozen=True, kw_only=True)
class PretrainingReport:
    """One pretraining.

    Attributes:
        pretrained_before: The same for the encoder that it started from.
        teacher: Its name; '' for none.
        ravdess_clips: Number of pieces that are clips of RAVDESS.
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


def pretrainings(pretraining: PretrainingReport | None) -> list[PretrainingReport]:
    """Return a pretraining and those before it, oldest first."""
    return [*pretrainings(pretraining.pretrained_before), pretraining] if pretraining else []
