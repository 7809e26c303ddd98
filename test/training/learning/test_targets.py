# SPDX-License-Identifier: Apache-2.0
"""What a model should answer: the label, the teacher, or both; and which other speech is due."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ser_ros.training.data.clip import Clip
from ser_ros.training.data.recordings import Recording
from ser_ros.training.learning.targets import OtherRecordings, Targets

LABELS = ('neutral', 'angry')
SAID = torch.tensor([0.25, 0.75])


def recording(name, emotion):
    return Recording(Clip(Path(name), name, emotion), np.zeros(16_000, dtype=np.float32), (0.0, 1.0))


class Parrot:
    """Says always the same."""

    name = 'parrot'

    def __call__(self, recording, epoch):
        return SAID


@pytest.mark.parametrize(
    ('weight', 'emotion', 'wanted'),
    [
        (0.0, 'angry', [0.0, 1.0]),
        (0.5, 'neutral', [0.625, 0.375]),
        (1.0, 'neutral', [0.25, 0.75]),
        (0.5, '', [0.25, 0.75]),
        (0.0, '', [0.25, 0.75]),
    ],
)
def test_labels_and_teacher_are_mixed_and_speech_without_label_is_the_teachers(weight, emotion, wanted):
    target = Targets(LABELS, Parrot(), weight)(recording('a', emotion), 0)
    assert target.tolist() == pytest.approx(wanted) and float(target.sum()) == pytest.approx(1.0)


def test_without_a_teacher_the_labels_are_all():
    targets = Targets(LABELS)
    assert targets(recording('a', 'neutral'), 3).tolist() == [1.0, 0.0] and targets.teacher_name == ''
    assert Targets(LABELS, Parrot()).teacher_name == 'parrot'


def test_other_speech_comes_in_turn_and_none_is_heard_twice_before_all_are():
    taught = [recording(f't{number}', '') for number in range(6)]
    ordinary = [recording(f'o{number}', 'neutral') for number in range(4)]
    other = OtherRecordings(taught, ordinary, taught_count=2, ordinary_count=1)
    heard = [[item.clip.name for item in other.due(variant, seed=0)] for variant in range(3)]
    assert all(sorted(name[0] for name in names) == ['o', 't', 't'] for names in heard)
    assert len({name for names in heard for name in names if name[0] == 't'}) == 6
    assert heard == [[item.clip.name for item in other.due(variant, seed=0)] for variant in range(3)]
    assert heard != [[item.clip.name for item in other.due(variant, seed=1)] for variant in range(3)]
    assert len(other.names) == 10


def test_fewer_recordings_than_are_due_come_again():
    other = OtherRecordings([recording('only', '')], taught_count=3)
    assert [item.clip.name for item in other.due(0, seed=0)] == ['only'] * 3


def test_no_other_speech_is_never_due():
    assert OtherRecordings(taught_count=3, ordinary_count=2).due(0, seed=0) == []
