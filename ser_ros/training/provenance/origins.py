# SPDX-License-Identifier: Apache-2.0
"""How the weights of a checkpoint were made, according to its folder."""

from dataclasses import dataclass, fields
from pathlib import Path

from ser_ros.training.provenance.pretraining_report import PretrainingReport
from ser_ros.training.storage.json_files import REPORT, read_part


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training of `train`, as described in the reports of later ones.

    Attributes:
        licence: Of the corpus; '' if it is not known.
    """

    recipe: str
    corpus: str
    licence: str
    train_clips: int
    train_speakers: tuple[int | str, ...]
    labels: tuple[str, ...]
    command: str


@dataclass(frozen=True, kw_only=True)
class Origins(Training):
    """What the report of `train` says about the origin of a model's weights.

    Attributes:
        selection: How the checkpoint was chosen: 'last', 'validation' or 'test'.
        trained_before: Earlier trainings by `train` of the initial weights, oldest first.
    """

    protocol: str
    selection: str
    pretraining: PretrainingReport | None
    trained_before: tuple[Training, ...]

    @property
    def training(self) -> Training:
        """What the reports of later trainings say about this one."""
        return Training(**{field.name: getattr(self, field.name) for field in fields(Training)})


def read_origins(folder: Path) -> Origins | None:
    """Return the origins in the report in the model `folder`; None if `train` left none. Raises SerError."""
    return read_part(Origins, folder / REPORT, 'train_clips')


def pretraining_of(checkpoint: str) -> PretrainingReport | None:
    """Return how `pretrain` made the encoder in the folder `checkpoint`, or the one from which `train` made the model.

    None for random weights, and where the folder has no report of it. Raises SerError if that is damaged.
    """
    if not checkpoint:
        return None
    encoder = read_part(PretrainingReport, Path(checkpoint) / REPORT, 'pretraining_minutes')
    if encoder is not None:
        return encoder
    origins = read_origins(Path(checkpoint))
    return origins.pretraining if origins else None


def trainings_of(checkpoint: str) -> tuple[Training, ...]:
    """Return how `train` made the weights in the folder `checkpoint`, oldest training first.

    Empty for random weights, where the folder has no report of it, and for an encoder that `pretrain` made. Raises
    SerError if its report is damaged.
    """
    if not checkpoint:
        return ()
    origins = read_origins(Path(checkpoint))
    return (*origins.trained_before, origins.training) if origins else ()
