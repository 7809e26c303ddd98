# SPDX-License-Identifier: Apache-2.0
"""Folders of speech without labels: found, named, drawn, cut; never clips of the corpus."""

import shutil

import pytest
import soundfile

from ser_ros.training.data.corpus import read_corpus
from ser_ros.training.data.other_speech import (
    audio_files,
    audio_files_of,
    load_other_speech,
    load_outliers,
    refuse_clips_of,
)


@pytest.fixture
def folder(tmp_path, made_sound):
    for name in ('b.wav', 'a.flac', 'deep/er/c.ogg', 'd.wav'):
        path = tmp_path / 'read' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, made_sound('chord', 3.0), 16_000)
    (tmp_path / 'read' / 'notes.txt').write_text('not sound')
    (tmp_path / 'read' / '._a.flac').write_bytes(b'what macOS leaves beside a file')
    return tmp_path / 'read'


def test_files_are_found_wherever_they_lie_and_named_without_where_that_is(folder):
    assert list(audio_files(folder)) == ['read/a.flac', 'read/b.wav', 'read/d.wav', 'read/deep/er/c.ogg']


def test_the_seed_draws_and_the_label_is_the_one_that_is_given(folder):
    drawn = load_other_speech([folder], 2, emotion='neutral', longest=1.0, seed=0)
    names = [recording.clip.name for recording in drawn]
    assert len(names) == 2 and {recording.clip.emotion for recording in drawn} == {'neutral'}
    assert names == [
        recording.clip.name for recording in load_other_speech([folder], 2, emotion='', longest=1.0, seed=0)
    ]
    assert all(recording.speech[1] - recording.speech[0] <= 1.0 for recording in drawn)
    assert len(load_other_speech([folder], 9, emotion='', longest=4.0, seed=0)) == 4


def test_a_few_outliers_are_heard_as_of_many_people(folder):
    made = load_outliers([folder], 10, longest=2.0, seed=0)
    assert len({outlier.clip.name for outlier in made}) == 10
    seconds = [len(outlier.samples) / 16_000 for outlier in made]
    assert all(3.0 / 1.35 - 0.01 < each < 3.0 / 0.75 + 0.01 for each in seconds) and len(set(seconds)) == 10
    for outlier, length in zip(made, seconds, strict=True):
        start, end = outlier.speech
        assert 0.0 <= start < end <= length + 0.01 and (end - start) * 3.0 / length < 2.01
    again = load_outliers([folder], 10, longest=2.0, seed=0)
    assert [outlier.clip for outlier in again] == [outlier.clip for outlier in made]
    assert [len(outlier.samples) for outlier in again] == [len(outlier.samples) for outlier in made]


def test_nothing_is_read_where_nothing_is_wanted(folder):
    (folder / 'broken.wav').write_text('no sound')
    assert load_other_speech([folder], 0, emotion='', longest=1.0, seed=0) == []
    assert load_outliers([folder], 0, longest=1.0, seed=0) == []


def test_what_holds_no_speech_is_refused(tmp_path, refuses):
    with refuses('nowhere is not a folder'):
        audio_files(tmp_path / 'nowhere')
    with refuses('holds no audio file', '.wav'):
        audio_files(tmp_path)


def test_two_folders_with_the_same_name_are_refused(folder, tmp_path, refuses):
    twin = tmp_path / 'other' / 'read'
    twin.mkdir(parents=True)
    soundfile.write(twin / 'b.wav', [0.0] * 16_000, 16_000)
    with refuses('two folders are called read'):
        audio_files_of([folder, twin])


def test_clips_of_the_corpus_are_refused(make_clips, tmp_path, refuses):
    data = make_clips(tmp_path / 'data', (1, 2))
    corpus = read_corpus(data)
    with refuses('holds 8 clips of RAVDESS'):
        refuse_clips_of(corpus, [data / 'Actor_01'])
    shutil.copytree(data / 'Actor_02', tmp_path / 'copies')
    with refuses('holds 8 clips of RAVDESS'):
        refuse_clips_of(corpus, [tmp_path / 'copies'])
