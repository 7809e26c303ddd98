# SPDX-License-Identifier: Apache-2.0
"""Outputs are tried before work begins, and of the attempt nothing stays; what may not be read is told, not skipped."""

import os
import pwd
import resource
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from permissions import permissions_count

from ser_ros.errors import SerError
from ser_ros.files import whole_file, whole_folder
from ser_ros.places import check_can_be_made, exists, expanded, files_below, home_folder, is_taken, refuse_taken


def contents(folder):
    return sorted(os.fsencode(path.name) for path in folder.iterdir())


@pytest.fixture
def closed(tmp_path):
    """Return a folder that one may not enter."""
    folder = tmp_path / 'closed'
    (folder / 'inside').mkdir(parents=True)
    folder.chmod(0)
    with permissions_count():
        yield folder
    folder.chmod(0o700)


@pytest.fixture
def unwritable(tmp_path):
    folder = tmp_path / 'unwritable'
    folder.mkdir()
    folder.chmod(0o555)
    with permissions_count():
        yield folder
    folder.chmod(0o700)


@pytest.mark.parametrize('path', ['new', 'deep/er/new', '', 'new.json'])
def test_a_place_of_ones_own_is_good_and_stays_as_it_was(tmp_path, path):
    check_can_be_made(tmp_path / path)
    check_can_be_made(tmp_path / path, name='.other.partial')
    assert contents(tmp_path) == []


def test_the_current_folder_is_good(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_can_be_made(Path('new'))
    check_can_be_made(Path())
    assert contents(tmp_path) == []


@pytest.mark.parametrize(
    ('path', 'why'),
    [
        ('file/new', 'Not a directory'),
        ('file/deep/er', 'Not a directory'),
        ('x' * 256, 'File name too long'),
        ('é' * 128, 'File name too long'),
        ('/'.join(['x' * 200] * 25), 'File name too long'),
        ('a\0b', 'null byte'),
        ('loop/new', 'Too many levels of symbolic links'),
    ],
)
def test_a_bad_place_is_told_and_nothing_is_left(tmp_path, refuses, path, why):
    (tmp_path / 'file').touch()
    (tmp_path / 'loop').symlink_to('loop')
    with refuses('--out', 'cannot be written', why, 'give a place'):
        check_can_be_made(tmp_path / path)
    assert contents(tmp_path) == [b'file', b'loop']


def test_what_is_made_beside_it_must_fit_too(tmp_path, refuses):
    check_can_be_made(tmp_path / ('x' * 250))
    with refuses('File name too long'):
        check_can_be_made(tmp_path / ('x' * 250), name='.' + 'x' * 250 + '.partial')


def test_a_folder_that_one_may_not_enter_is_told(closed, refuses):
    for path in (closed / 'new', closed / 'inside' / 'new', closed):
        with refuses('Permission denied'):
            check_can_be_made(path)
    for look in (exists, is_taken, refuse_taken):
        with refuses(str(closed), 'Permission denied'):
            look(closed / 'new')
    with refuses(str(closed), 'Permission denied'):
        is_taken(closed)


def test_a_folder_that_one_may_not_write_is_told(unwritable, refuses):
    for path in (unwritable / 'new', unwritable / 'deep' / 'new', unwritable):
        with refuses('Permission denied'):
            check_can_be_made(path, '--json')


def test_a_file_that_one_may_not_change_is_told(tmp_path, refuses):
    (tmp_path / 'file').touch(0o444)
    with permissions_count(), refuses('may not be changed'):
        check_can_be_made(tmp_path / 'file', '--json')
    check_can_be_made(Path('/dev/null'), '--json')


def test_a_full_disk_is_told(tmp_path, refuses):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with refuses('File too large'):
            check_can_be_made(tmp_path / 'new')
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert contents(tmp_path) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(st.text(st.characters(), min_size=1) | st.binary(min_size=1).map(os.fsdecode), st.booleans())
def test_what_is_called_good_can_be_made_and_nothing_else_is(tmp_path, name, as_folder):
    """Any text, and any bytes, as the output of a command; some of it leads elsewhere, and is not tried."""
    if name.startswith('/') or '..' in name.split('/'):
        return
    path = tmp_path / 'in' / name
    try:
        check_can_be_made(path)
    except SerError as error:
        assert '\n' not in str(error)
        with pytest.raises((OSError, ValueError)):
            path.mkdir(parents=True)
        return
    if is_taken(path) or path == tmp_path / 'in':
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if as_folder:
        with whole_folder(path) as made:
            made.mkdir()
            (made / 'file').touch()
    else:
        with whole_file(path) as made:
            made.touch()
    assert exists(path)


@pytest.mark.parametrize('kind', ['file', 'link to nothing', 'full folder'])
def test_what_is_there_is_not_overwritten(tmp_path, refuses, kind):
    path = tmp_path / 'out'
    if kind == 'file':
        path.touch()
    elif kind == 'link to nothing':
        path.symlink_to(tmp_path / 'missing')
    else:
        (path / 'thesis').mkdir(parents=True)
    with refuses('never overwritten', 'choose another --out'):
        refuse_taken(path)


def test_an_empty_or_a_missing_folder_is_not_taken(tmp_path):
    refuse_taken(tmp_path)
    refuse_taken(tmp_path / 'missing')
    (tmp_path / 'file').touch()
    refuse_taken(tmp_path / 'file' / 'deeper')


def test_the_files_below_are_found_in_order_and_hidden_ones_are_not(tmp_path):
    for name in ('c.wav', 'b/2.wav', 'b/1.wav', '.a', '._c.wav', '.trash/3.wav', '__MACOSX/b/4.wav', '..wav/5.wav'):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in files_below(tmp_path)]
    assert found == ['b/1.wav', 'b/2.wav', 'c.wav']


def test_a_folder_below_that_one_may_not_enter_is_not_passed_over(closed, refuses):
    (closed.parent / 'clip.wav').touch()
    with refuses(str(closed), 'Permission denied'):
        files_below(closed.parent)


@pytest.fixture
def no_home(monkeypatch):
    """A user whom the system does not know, as in a container, without HOME."""

    def unknown(user):
        raise KeyError(f'getpwuid(): uid not found: {user}')

    monkeypatch.delenv('HOME', raising=False)
    monkeypatch.setattr(pwd, 'getpwuid', unknown)


def test_without_a_home_one_sentence_says_so(no_home, refuses):
    with refuses('HOME is not set', 'set HOME, or SER_ROS_MODELS'):
        home_folder('SER_ROS_MODELS')
    with refuses('~/models', 'give a whole path'):
        expanded('~/models')
    assert expanded('/models') == Path('/models')


def test_home_is_what_home_says(monkeypatch):
    monkeypatch.setenv('HOME', '/somewhere')
    assert home_folder('') == Path('/somewhere') and expanded('~/x') == Path('/somewhere/x')
