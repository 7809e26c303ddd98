# SPDX-License-Identifier: Apache-2.0
"""A teacher that has heard what tests here is refused."""

import pytest

from ser_ros.training.data.corpus import read_corpus
from ser_ros.training.data.splits import make_splits, measure_on_validation_clips
from ser_ros.training.data.table import write_table
from ser_ros.training.finetuning.teaching import teacher_of


@pytest.fixture
def corpus(make_clips, tmp_path):
    return read_corpus(make_clips(tmp_path / 'data', (1, 2, 3)))


@pytest.fixture
def split_of(corpus):
    def split(protocol, fold=1, **values):
        return make_splits(corpus.clips, protocol, **{'validation_share': 0.0, 'seed': 0} | values)[fold - 1]

    return split


def make_teacher(folder, clips):
    folder.mkdir(parents=True)
    (folder / 'config.json').write_text('{}')
    if clips:
        write_table(folder / 'train.csv', clips)
    return folder


def test_each_fold_has_its_own(tmp_path, corpus, split_of):
    for fold in (1, 2, 3):
        make_teacher(tmp_path / 'folds' / f'fold-{fold}', split_of('leave-one-speaker-out', fold).train)
    for fold in (1, 2, 3):
        chosen = teacher_of(tmp_path / 'folds', split_of('leave-one-speaker-out', fold), corpus)
        assert chosen.name == f'fold-{fold}'


def test_one_that_has_heard_test_clips_is_refused(tmp_path, corpus, split_of, refuses):
    teacher = make_teacher(tmp_path / 'teacher', split_of('leave-one-speaker-out', 2).train)
    with refuses('has heard 8 of the 8 clips that test here', '--protocol leave-one-speaker-out'):
        teacher_of(teacher, split_of('leave-one-speaker-out', 1), corpus)
    assert teacher_of(teacher, split_of('leave-one-speaker-out', 2), corpus) == teacher


def test_one_that_has_heard_other_clips_of_test_speakers_is_refused(tmp_path, corpus, split_of, refuses):
    split = split_of('leave-one-speaker-out', 1)
    others = [clip for clip in corpus.clips if clip.speaker == 1][:4]
    teacher = make_teacher(tmp_path / 'teacher', others)
    remaining = [clip for clip in split.test if clip not in others]
    with refuses('has heard 4 of the 8 clips'):
        teacher_of(teacher, split, corpus)
    split = type(split)(split.protocol, 1, 3, split.train, (), tuple(remaining))
    with refuses('has heard speakers that test here (1)'):
        teacher_of(teacher, split, corpus)


def test_of_the_papers_protocol_only_the_same_split_is_taken(tmp_path, corpus, split_of, refuses):
    teacher = make_teacher(tmp_path / 'teacher', split_of('paper').train)
    assert teacher_of(teacher, split_of('paper'), corpus) == teacher
    with refuses('clips that test here'):
        teacher_of(teacher, split_of('paper', seed=1), corpus)


def test_in_a_trial_the_validation_clips_test(tmp_path, corpus, split_of, refuses):
    split = split_of('leave-one-speaker-out', validation_share=0.5)
    trial = measure_on_validation_clips(split)
    teacher = make_teacher(tmp_path / 'all', split.train + split.validation)
    with refuses('clips that test here'):
        teacher_of(teacher, trial, corpus)
    assert teacher_of(make_teacher(tmp_path / 'half', split.train), trial, corpus).name == 'half'


def test_one_that_is_not_there_or_does_not_tell_is_refused(tmp_path, corpus, split_of, refuses):
    with refuses('does not exist', '--protocol'):
        teacher_of(tmp_path / 'nowhere', split_of('paper'), corpus)
    with refuses('it is not known what it has heard'):
        teacher_of(make_teacher(tmp_path / 'mute', ()), split_of('paper'), corpus)
    assert teacher_of(tmp_path / 'mute', split_of('full'), corpus) == tmp_path / 'mute'
