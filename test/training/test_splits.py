# SPDX-License-Identifier: Apache-2.0
"""The protocols, on the names of all 1440 clips."""

from collections import Counter
from pathlib import Path

import pytest

from ser_ros.training.ravdess import find_clips, parse_clip
from ser_ros.training.splits import PROTOCOLS, hold_out_for_validation, make_splits


def speakers(clips) -> set[int]:
    return {clip.speaker for clip in clips}


@pytest.fixture(scope='module')
def clips():
    names = [
        f'03-01-{emotion:02d}-{intensity:02d}-{statement:02d}-{repetition:02d}-{actor:02d}.wav'
        for actor in range(1, 25)
        for emotion in range(1, 9)
        for intensity in ((1,) if emotion == 1 else (1, 2))
        for statement in (1, 2)
        for repetition in (1, 2)
    ]
    assert len(names) == 1440
    return tuple(parse_clip(Path(name)) for name in names)


@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_no_clip_is_on_both_sides_and_none_is_lost(clips, protocol):
    for split in make_splits(clips, protocol, seed=0):
        assert not set(split.train) & set(split.test)
        assert set(split.train) | set(split.test) == set(clips)


def test_the_papers_split_has_the_papers_support(clips):
    (split,) = make_splits(clips, 'paper', seed=0)
    assert (len(split.train), len(split.test)) == (1152, 288)
    support = Counter(clip.emotion for clip in split.test)
    assert support.pop('neutral') == 19
    assert set(support.values()) <= {38, 39}


def test_the_seed_draws_the_papers_split(clips):
    (first,), (again,), (other,) = (make_splits(clips, 'paper', seed=seed) for seed in (1, 1, 2))
    assert first == again != other


def test_each_actor_is_tested_in_one_of_the_six_folds(clips):
    splits = make_splits(clips, 'speaker-independent', seed=0)
    assert [len(split.test) for split in splits] == [240] * 6
    assert all(not speakers(split.train) & speakers(split.test) for split in splits)
    assert sorted(speaker for split in splits for speaker in speakers(split.test)) == list(range(1, 25))
    assert speakers(splits[0].test) == {1, 11, 20, 21}


def test_one_actor_is_left_out_in_each_of_24_folds(clips):
    splits = make_splits(clips, 'leave-one-speaker-out', seed=0)
    assert [speakers(split.test) for split in splits] == [{speaker} for speaker in range(1, 25)]


def test_validation_never_hears_a_test_actor(clips):
    split = make_splits(clips, 'speaker-independent', seed=0)[0]
    validation = hold_out_for_validation(split)
    assert len(speakers(validation.test)) == 4
    assert speakers(validation.train) | speakers(validation.test) == speakers(split.train)
    assert not speakers(validation.train) & speakers(validation.test)


def test_a_missing_actor_is_named(refuses, clips):
    with refuses('actors 7, 9 have no clip', 'speaker-independent'):
        make_splits(tuple(clip for clip in clips if clip.speaker not in (7, 9)), 'speaker-independent', seed=0)


def test_data_that_cannot_be_split_is_refused(refuses, clips, tmp_path):
    with refuses('all but one actor'):
        make_splits(clips[:60], 'leave-one-speaker-out', seed=0)
    with refuses('80:20'):
        make_splits(clips[:1], 'paper', seed=0)


def test_made_clips_are_clips(make_clips, tmp_path):
    assert len(find_clips(make_clips(tmp_path, (1, 2)))) == 16
