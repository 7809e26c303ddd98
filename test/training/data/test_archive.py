# SPDX-License-Identifier: Apache-2.0
"""A zip of clips is unpacked once, all or nothing, and never outside its folder."""

import zipfile

import pytest

from ser_ros.training.data.archive import unpack_clips

NAMES = ('03-01-01-01-01-01-01.wav', '03-01-05-01-01-01-01.wav')


@pytest.fixture
def pack(tmp_path):
    """Return pack(members): a stored zip of them, so that a byte changed in it is a byte changed in a clip."""

    def make(members, name='clips.zip'):
        with zipfile.ZipFile(tmp_path / name, 'w') as file:
            for member, content in members:
                file.writestr(member, content)
        return tmp_path / name

    return make


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_clips_of_any_folder_are_unpacked_and_nothing_else(pack):
    archive = pack(
        [
            (f'Actor_01/{NAMES[0]}', b'one'),
            (f'{NAMES[1]}', b'two'),
            ('Actor_01/03-02-01-01-01-01-01.wav', b'a song'),
            (f'__MACOSX/Actor_01/._{NAMES[0]}', b'a Macintosh has packed it'),
            ('README.txt', b'text'),
        ]
    )
    assert contents(unpack_clips(archive)) == {NAMES[0]: b'one', NAMES[1]: b'two'}


def test_the_same_clips_are_unpacked_once_wherever_their_zip_is(pack, cache):
    archive = pack([(NAMES[0], b'one')])
    folder = unpack_clips(archive)
    (folder / 'mark').touch()
    assert unpack_clips(archive.rename(archive.with_name('moved.zip'))) == folder
    assert (folder / 'mark').exists()
    other = unpack_clips(pack([(NAMES[0], b'another')]))
    assert other != folder and contents(other) == {NAMES[0]: b'another'}


def test_identical_copies_become_one_and_others_are_refused(pack, refuses):
    folder = unpack_clips(pack([(f'Actor_01/{NAMES[0]}', b'one'), (f'copy/{NAMES[0]}', b'one')]))
    assert contents(folder) == {NAMES[0]: b'one'}
    with refuses('two different clips', f'copy/{NAMES[0]}'):
        unpack_clips(pack([(f'Actor_01/{NAMES[0]}', b'one'), (f'copy/{NAMES[0]}', b'two')]))


@pytest.mark.parametrize('way_out', ['../../', '/tmp/'])
def test_nothing_is_written_outside(pack, tmp_path, cache, way_out):
    folder = unpack_clips(pack([(f'{way_out}{NAMES[0]}', b'one')]))
    assert contents(folder) == {NAMES[0]: b'one'}
    assert list(cache.rglob(NAMES[0])) == [folder / NAMES[0]]
    assert [path.name for path in tmp_path.iterdir()] == ['clips.zip']


def test_a_damaged_zip_is_refused_and_leaves_nothing(pack, refuses, cache):
    whole = pack([(name, b'sound' * 1000) for name in NAMES])
    data = whole.read_bytes()
    damages = {
        'cut': data[: len(data) // 2],
        'changed': data.replace(b'soundsound', b'noisenoise', 1),
        'text': b'<html>not found</html>',
        'empty': b'',
    }
    for name, damaged in damages.items():
        path = whole.with_name(f'{name}.zip')
        path.write_bytes(damaged)
        with refuses(path.name, 'not a whole zip', 'download it again'):
            unpack_clips(path)
    assert list(cache.rglob('*.wav')) == []
    assert set(contents(unpack_clips(whole))) == set(NAMES)


def test_an_interrupted_unpacking_is_begun_anew(pack, cache, monkeypatch):
    archive = pack([(name, b'sound') for name in NAMES])

    def interrupted(packed, unpacked):
        unpacked.write(b'so')
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr('shutil.copyfileobj', interrupted)
        unpack_clips(archive)
    assert contents(unpack_clips(archive)) == dict.fromkeys(NAMES, b'sound')


def test_what_a_kill_has_left_is_not_taken_for_whole(pack):
    archive = pack([(name, b'sound') for name in NAMES])
    folder = unpack_clips(archive)
    (folder / NAMES[1]).unlink()
    folder.rename(folder.with_suffix('.partial'))
    assert contents(unpack_clips(archive)) == dict.fromkeys(NAMES, b'sound')


def test_a_zip_without_clips_is_refused(pack, refuses):
    with refuses('clips.zip', 'no RAVDESS speech clip'):
        unpack_clips(pack([('thesis.txt', b'all of it')]))


def test_a_disk_without_room_is_told(pack, refuses, cache, disk_without_room):
    archive = pack([(NAMES[0], b'sound' * 10_000)])
    with disk_without_room(), refuses('cannot be unpacked', str(cache), 'SER_ROS_CACHE'):
        unpack_clips(archive)
    assert contents(unpack_clips(archive)) == {NAMES[0]: b'sound' * 10_000}
