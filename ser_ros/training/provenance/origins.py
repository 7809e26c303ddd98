# SPDX-License-Identifier: Apache-2.0
"""How the weights of a checkpoint were made, according to its folder."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from ser_ros.training.data.clip import Clip
from ser_ros.training.data.corpus import Corpus
from ser_ros.training.provenance.pretraining_report import PretrainingReport
from ser_ros.training.storage.json_files import REPORT, read_part


@dataclass(frozen=True, kw_only=True)
class TrainedOn:
    """The part of one corpus that trained a model.

    Attributes:
        corpus: Its name.
        licence: '' if none is stated.
        clips: How many.
        speakers: As the corpus calls them; empty if they are not known.
        labels: That its clips have, in the order of the model's.
    """

    corpus: str
    licence: str
    clips: int
    speakers: tuple[str, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training of `train`, as described in the reports of later ones.

    Attributes:
        corpus: Name of all data of the protocol.
        trained_on: What trained of each corpus.
        labels: Of the model.
    """

    recipe: str
    corpus: str
    train_clips: int
    trained_on: tuple[TrainedOn, ...]
    labels: tuple[str, ...]
    command: str

    @property
    def train_speakers(self) -> frozenset[tuple[str, str]]:
        """Corpus and name of each; see Clip.person."""
        return frozenset((part.corpus, speaker) for part in self.trained_on for speaker in part.speakers)


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


def trained_on(clips: Sequence[Clip], corpus: Corpus) -> tuple[TrainedOn, ...]:
    """Return what `clips`, which are among those of `corpus`, are of each corpus."""
    parts = {name: [clip for clip in clips if clip.corpus == name] for name in dict.fromkeys(it.corpus for it in clips)}
    return tuple(
        TrainedOn(
            corpus=name,
            licence=corpus.licences.get(name, ''),
            clips=len(part),
            speakers=tuple(sorted({clip.person[1] for clip in part if clip.person}, key=_number_first)),
            labels=tuple(label for label in corpus.labels if label in {clip.emotion for clip in part}),
        )
        for name, part in parts.items()
    )


def _number_first(speaker: str) -> tuple[int, int, str]:
    return (0, int(speaker), '') if speaker.isdecimal() else (1, 0, speaker)


def read_origins(folder: Path) -> Origins | None:
    """Return the origins in the report in the model `folder`; None if `train` left none. Raises SerError."""
    return read_part(Origins, folder / REPORT, 'train_clips')


def learned_labels(folder: Path) -> frozenset[str] | None:
    """Return the labels of all clips that trained the model in `folder`, in any training; None if it does not say.

    A fold of leave-one-corpus-out also has labels of the tested corpus alone, of which it has learned nothing.
    """
    origins = read_origins(folder)
    if origins is None:
        return None
    trainings = (*origins.trained_before, origins.training)
    return frozenset(label for training in trainings for part in training.trained_on for label in part.labels)


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
