# SPDX-License-Identifier: Apache-2.0
"""What a model should answer to a training utterance: its label, a teacher's answer, or a mixture of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from ser_ros.training.data.recordings import Recording


class Teacher(Protocol):
    """Any model that gives the answers."""

    name: str

    def __call__(self, recording: Recording, epoch: int) -> torch.Tensor:
        """Return its answer to a recording's variant in `epoch`: probabilities, float32, shape (labels,)."""


@dataclass(frozen=True)
class OtherRecordings:
    """Speech without labels of emotion.

    Attributes:
        taught: Labelled by the teacher.
        ordinary: Has the label of its clips.
        taught_count: How many of `taught` are due in an epoch.
        ordinary_count: How many of `ordinary` are due in an epoch.
    """

    taught: Sequence[Recording] = ()
    ordinary: Sequence[Recording] = ()
    taught_count: int = 0
    ordinary_count: int = 0

    @property
    def names(self) -> list[str]:
        """Names of all."""
        return [recording.clip.name for recording in (*self.taught, *self.ordinary)]

    def due(self, variant: int, seed: int) -> list[Recording]:
        """Return those that are due with that variant of the clips: different ones each time, if there are enough."""
        return _turn(self.taught, self.taught_count, variant, seed) + _turn(
            self.ordinary, self.ordinary_count, variant, seed
        )


class Targets:
    """Probabilities that the model should answer with."""

    def __init__(self, labels: Sequence[str], teacher: Teacher | None = None, weight: float = 0.0):
        """Give the `teacher` the share `weight` of the targets of labelled clips, and all targets of the others."""
        self._labels = list(labels)
        self._teacher = teacher
        self._weight = weight if teacher else 0.0

    @property
    def teacher_name(self) -> str:
        """Name of the teacher; '' if there is none."""
        return self._teacher.name if self._teacher else ''

    def __call__(self, recording: Recording, epoch: int) -> torch.Tensor:
        """Return the target of the variant that is due in `epoch`: float32, shape (labels,), sums to 1."""
        teacher, emotion = self._teacher, recording.clip.emotion
        if teacher is not None and not emotion:
            return teacher(recording, epoch)
        target = torch.zeros(len(self._labels))
        target[self._labels.index(emotion)] = 1.0
        if teacher is None or not self._weight:
            return target
        return torch.lerp(target, teacher(recording, epoch), self._weight)


def _turn(recordings: Sequence[Recording], count: int, variant: int, seed: int) -> list[Recording]:
    if not recordings or not count:
        return []
    shuffled = np.random.default_rng(seed).permutation(len(recordings))
    return [recordings[shuffled[(variant * count + index) % len(recordings)]] for index in range(count)]
