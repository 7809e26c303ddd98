# SPDX-License-Identifier: Apache-2.0
"""Clips are found by their names, at any depth, and bad names are refused."""

from pathlib import Path

import pytest

from ser_ros.training.data.clip import Clip
from ser_ros.training.data.ravdess import find_clips, incomplete_speakers, parse_clip


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_a_name_says_all_of_a_clip():
    path = Path('any/03-01-06-02-02-01-12.wav')
    assert parse_clip(path) == Clip(
        path, path.stem, 'fearful', 12, 'strong', 'Dogs are sitting by the door', 1, 'female'
    )


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


def all_names():
    """Return the names of all 1440 clips: neutral has no strong intensity."""
    return [
        f'03-01-{emotion:02d}-{intensity:02d}-{statement:02d}-{repetition:02d}-{actor:02d}.wav'
        for actor in range(1, 25)
        for emotion in range(1, 9)
        for intensity in ((1,) if emotion == 1 else (1, 2))
        for statement in (1, 2)
        for repetition in (1, 2)
    ]


def test_the_whole_of_ravdess_lacks_nothing():
    clips = [parse_clip(Path(name)) for name in all_names()]
    assert len(clips) == 1440 and incomplete_speakers(clips) == []


def test_actors_that_lack_clips_are_told():
    clips = [parse_clip(Path(name)) for name in all_names()]
    lacking = [clip for clip in clips if clip.speaker not in (5, 6) and clip.name != '03-01-08-02-02-02-07']
    assert incomplete_speakers(lacking) == ['actors 5, 6 have 0 of 60 clips', 'actor 7 has 59 of 60 clips']


def test_other_corpora_are_not_measured_by_ravdess():
    assert incomplete_speakers([Clip(Path('a.wav'), 'a.wav', 'happy')]) == []
