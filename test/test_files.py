# SPDX-License-Identifier: Apache-2.0
"""That files and folders appear whole or not at all, and that only plain files are read."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from no_plain_files import NO_PLAIN_FILES

from ser_ros.files import as_utf8, check_plain, open_plain, read_plain, whole_file, whole_folder, write_text


def test_a_file_takes_the_place_of_the_one_before_when_it_is_whole(tmp_path):
    path = tmp_path / 'table.csv'
    path.write_text('old')
    with whole_file(path) as partial:
        partial.write_text('new')
        assert path.read_text() == 'old' and partial.parent == tmp_path and partial.name.startswith('.')
    assert path.read_text() == 'new'
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize('error', [OSError, KeyboardInterrupt])
def test_of_a_file_that_could_not_be_written_nothing_is_left(tmp_path, error):
    path = tmp_path / 'table.csv'
    path.write_text('old')
    with pytest.raises(error), whole_file(path) as partial:
        partial.write_text('ne')
        raise error
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_what_was_there(tmp_path, disk_without_room):
    path = tmp_path / 'file.txt'
    write_text(path, 'first')
    with disk_without_room(), pytest.raises(OSError, match='too large'):
        write_text(path, 'x' * 100_000)
    assert path.read_text() == 'first'
    assert list(tmp_path.iterdir()) == [path]


def test_text_is_utf_8(tmp_path):
    write_text(tmp_path / 'file.txt', 'sécond')
    assert (tmp_path / 'file.txt').read_bytes() == b's\xc3\xa9cond'


def test_a_folder_appears_when_it_is_whole_with_those_above_it(tmp_path):
    path = tmp_path / 'made' / 'copy'
    with whole_folder(path) as folder:
        folder.mkdir()
        (folder / 'metadata.yaml').touch()
        assert folder.name == 'copy' and not path.exists()
    assert [file.relative_to(tmp_path).as_posix() for file in sorted(tmp_path.rglob('*'))] == [
        'made',
        'made/copy',
        'made/copy/metadata.yaml',
    ]


def test_of_a_folder_that_could_not_be_written_nothing_is_left(tmp_path):
    with pytest.raises(KeyboardInterrupt), whole_folder(tmp_path / 'copy') as folder:
        folder.mkdir()
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('kind', NO_PLAIN_FILES)
def test_what_is_no_plain_file_is_refused_at_once(tmp_path, refuses, kind):
    path = tmp_path / 'settings.json'
    NO_PLAIN_FILES[kind](path)
    for read in (check_plain, open_plain, lambda path: read_plain(path, 10)):
        with refuses(str(path), f'is {kind}', 'a plain file is expected'):
            read(path)


def test_a_file_that_becomes_a_pipe_between_two_looks_is_refused_at_once(tmp_path, refuses, monkeypatch):
    path, plain = tmp_path / 'settings.json', tmp_path / 'plain'
    os.mkfifo(path)
    plain.touch()
    status = plain.stat()
    monkeypatch.setattr(Path, 'stat', lambda path: status)
    with refuses('is a named pipe'):
        open_plain(path)


def test_a_plain_file_and_a_link_to_one_are_read_up_to_a_size(tmp_path, refuses):
    path, link = tmp_path / 'settings.json', tmp_path / 'link.json'
    path.write_bytes(b'0123456789')
    link.symlink_to(path)
    assert read_plain(path, 10) == read_plain(link, 10) == b'0123456789'
    with refuses(str(link), '10 bytes', 'at most 9'):
        read_plain(link, 9)
    with refuses(str(path), '10 bytes', 'at most 9'):
        check_plain(path, 9)
    with pytest.raises(FileNotFoundError):
        read_plain(tmp_path / 'none', 9)


@pytest.mark.parametrize('name', ['x' * 255, 'é' * 127, '漢' * 85, '\U0001f642' * 63])
def test_a_name_may_be_as_long_as_the_system_allows(tmp_path, name):
    write_text(tmp_path / name, 'content')
    (tmp_path / 'deeper').mkdir()
    with whole_folder(tmp_path / 'deeper' / name) as folder:
        folder.mkdir()
    assert (tmp_path / name).read_text() == 'content' and (tmp_path / 'deeper' / name).is_dir()
    assert len(list(tmp_path.rglob('*'))) == 3


def test_a_device_is_written_and_not_replaced():
    device = Path(os.devnull)
    write_text(device, 'gone')
    assert device.is_char_device()
    with pytest.raises(OSError, match='No space left'):
        write_text(Path('/dev/full'), 'too much')
    assert Path('/dev/full').is_char_device()


@given(st.text(st.characters()))
def test_any_text_becomes_utf_8_and_what_is_utf_8_stays(text):
    made = as_utf8(text)
    assert made.encode('utf-8').decode('utf-8') == made == as_utf8(made)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(st.characters()))
def test_any_text_is_written_as_utf_8(tmp_path, text):
    write_text(tmp_path / 'file', text)
    assert (tmp_path / 'file').read_bytes() == as_utf8(text).encode('utf-8')
