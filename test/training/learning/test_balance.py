# SPDX-License-Identifier: Apache-2.0
"""No corpus, label or speaker drowns the others in a balanced training."""

from pathlib import Path

import pytest

from ser_ros.training.data.clip import Clip
from ser_ros.training.learning.balance import MOST_SPEAKERS, chances


def test_balanced_chances_count_a_corpus_by_its_speakers_and_are_even_in_it():
    clips = [
        *(Clip(Path(f'a{index}'), f'a{index}', 'happy', 'ann', corpus='large') for index in range(6)),
        *(Clip(Path(f'b{index}'), f'b{index}', 'happy', 'bob', corpus='large') for index in range(2)),
        Clip(Path('c'), 'c', 'sad', 'ann', corpus='large'),
        Clip(Path('d'), 'd', 'happy', 'eve', corpus='small'),
    ]
    found = chances(clips)
    assert found.sum() == pytest.approx(1.0)
    assert found[-1] == pytest.approx(1 / 3)
    assert found[8] == pytest.approx(1 / 3)
    assert found[:6].sum() == pytest.approx(found[6:8].sum()) == pytest.approx(1 / 6)


def test_a_corpus_of_a_crowd_counts_for_no_more_than_its_most():
    sizes = {'crowd': 3 * MOST_SPEAKERS, 'small': MOST_SPEAKERS // 2}
    clips = [
        Clip(Path(f'{name}{number}'), f'{name}{number}', 'happy', number, corpus=name)
        for name, size in sizes.items()
        for number in range(size)
    ]
    found = chances(clips)
    assert found[: sizes['crowd']] == pytest.approx(2 / 3 / sizes['crowd'])
    assert found[sizes['crowd'] :].sum() == pytest.approx(1 / 3)


def test_a_corpus_whose_speakers_are_not_known_counts_as_one():
    told = (('a', 'ann', 'known'), ('b', 'bob', 'known'), ('c', None, 'other'), ('d', None, 'other'))
    clips = [Clip(Path(name), name, 'happy', speaker, corpus=corpus) for name, speaker, corpus in told]
    assert chances(clips) == pytest.approx([1 / 3, 1 / 3, 1 / 6, 1 / 6])


def test_men_count_as_often_as_asked_and_no_label_or_corpus_more_for_it():
    told = (('happy', 'ann', 'female'), ('happy', 'bob', 'male'), ('happy', 'bob', 'male'), ('sad', 'ann', 'female'))
    clips = [Clip(Path(str(at)), str(at), label, who, sex=sex, corpus='a') for at, (label, who, sex) in enumerate(told)]
    clips.append(Clip(Path('other'), 'other', 'happy', 'tom', corpus='b'))
    assert chances(clips, 2.0) == pytest.approx([1 / 9, 1 / 9, 1 / 9, 1 / 3, 1 / 3])
    assert chances(clips, 1.0) == pytest.approx([1 / 6, 1 / 12, 1 / 12, 1 / 3, 1 / 3])
