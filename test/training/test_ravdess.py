# SPDX-License-Identifier: Apache-2.0
"""Clips are found by their names, at any depth, and bad names are refused."""

from pathlib import Path

import pytest

from ser_ros.training.ravdess import Clip, find_clips, parse_clip


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_a_name_says_all_of_a_clip():
    path = Path('any/03-01-06-02-02-01-12.wav')
    assert parse_clip(path) == Clip(path, 'fearful', 12, 'strong', 'Dogs are sitting by the door', 1)


@pytest.mark.parametrize('name', ['03-02-06-01-02-01-12.wav', '01-01-06-01-02-01-12.wav', 'notes.wav', '03-01-06.wav'])
def test_songs_videos_and_other_names_are_no_clips(name):
    assert parse_clip(Path(name)) is None


@pytest.mark.parametrize(
    ('name', 'code'), [('03-01-09-01-01-01-01', '09'), ('03-01-01-03-01-01-01', '03'), ('03-01-01-01-01-01-25', '25')]
)
def test_codes_that_ravdess_does_not_have_are_refused(refuses, name, code):
    with refuses(name, f"'{code}'", 'rename'):
        parse_clip(Path(f'{name}.wav'))


def test_clips_are_found_at_any_depth_in_the_order_of_their_names(tmp_path):
    second = touch(tmp_path / 'a' / '03-01-02-01-01-01-01.wav')
    first = touch(tmp_path / 'z' / 'deep' / '03-01-01-01-01-01-01.FLAC')
    touch(tmp_path / 'readme.txt')
    assert [clip.path for clip in find_clips(tmp_path)] == [first, second]


def test_a_folder_without_clips_is_refused(refuses, tmp_path):
    with refuses('no RAVDESS speech clip', str(tmp_path)):
        find_clips(tmp_path)
    with refuses('does not exist', 'nowhere'):
        find_clips(tmp_path / 'nowhere')


def test_a_clip_that_is_there_twice_is_refused(refuses, tmp_path):
    touch(tmp_path / 'a' / '03-01-02-01-01-01-01.wav')
    touch(tmp_path / 'copy' / '03-01-02-01-01-01-01.wav')
    with refuses('the same clip', 'remove one'):
        find_clips(tmp_path)
