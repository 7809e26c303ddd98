# SPDX-License-Identifier: Apache-2.0
"""A full disk is told by whatever the libraries that write to it raise, and other errors are not taken for one."""

import errno
import os
from pathlib import Path

import numpy as np
import pyarrow
import pytest
import safetensors.torch
import torch

from ser_ros.places import is_taken
from ser_ros.system_errors import tells_of_a_full_disk
from ser_ros.training.storage.disk import full_disk_told, put_in_place

LARGE = 200_000


def write_text(path: Path) -> None:
    path.write_text('x' * LARGE, encoding='utf-8')


def write_safetensors(path: Path) -> None:
    safetensors.torch.save_file({'weight': torch.zeros(LARGE)}, path)


def write_torch(path: Path) -> None:
    torch.save({'weight': torch.zeros(LARGE)}, path)


def write_arrow(path: Path) -> None:
    table = pyarrow.table({'samples': np.zeros(LARGE)})
    with pyarrow.OSFile(str(path), 'wb') as file, pyarrow.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table)


@pytest.mark.parametrize('write', [write_text, write_safetensors, write_torch, write_arrow])
def test_each_librarys_error_is_told(disk_without_room, tmp_path, write):
    with disk_without_room(), pytest.raises(Exception) as caught:
        write(tmp_path / 'file')
    assert tells_of_a_full_disk(caught.value)


def test_a_full_device_is_told():
    with pytest.raises(OSError) as caught, Path('/dev/full').open('w') as device:
        device.write('x')
    assert caught.value.errno == errno.ENOSPC
    assert tells_of_a_full_disk(caught.value)


@pytest.mark.parametrize(
    'message',
    [
        'Error while serializing: I/O error: No space left on device (os error 28)',
        '[enforce fail at inline_container.cc:672] . unexpected pos 52800 vs 52688',
        'basic_ios::clear: iostream error',
    ],
)
def test_what_a_file_system_without_room_brought_about_is_told(message):
    """The messages are those of safetensors and torch 2.11 on a full tmpfs."""
    assert tells_of_a_full_disk(RuntimeError(message))


@pytest.mark.parametrize('code', [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_the_cause_of_another_error_is_told(code):
    with pytest.raises(RuntimeError) as caught:
        try:
            raise OSError(code, 'in another language')
        except OSError as error:
            raise RuntimeError('could not save') from error
    assert tells_of_a_full_disk(caught.value)


@pytest.mark.parametrize('write', [write_text, write_safetensors, write_torch, write_arrow])
def test_a_folder_that_is_not_there_is_another_error(tmp_path, write):
    with pytest.raises(Exception) as caught:
        write(tmp_path / 'missing' / 'file')
    assert not tells_of_a_full_disk(caught.value)


@pytest.mark.parametrize('error', [OSError(errno.EACCES, os.strerror(errno.EACCES)), ValueError('no room'), None])
def test_other_errors_are_not_taken_for_one(error):
    assert not tells_of_a_full_disk(error)


@pytest.fixture
def made(tmp_path):
    folder = tmp_path / 'made'
    (folder / 'logs').mkdir(parents=True)
    for name in ('config.json', 'model.safetensors', 'logs/events'):
        (folder / name).write_text(name)
    return folder


@pytest.mark.parametrize('kind', ['new', 'deep/new', 'empty'])
def test_a_folder_is_put_in_place(made, tmp_path, kind):
    folder = tmp_path / kind
    if kind == 'empty':
        folder.mkdir()
        node = folder.stat().st_ino
    assert not is_taken(folder)
    put_in_place(made, folder)
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob('*'))
    assert found == ['config.json', 'logs', 'logs/events', 'model.safetensors']
    assert not made.exists() and is_taken(folder)
    if kind == 'empty':
        assert folder.stat().st_ino == node, 'whoever works in it would work in a folder that is gone'


def test_a_file_is_taken(tmp_path):
    (tmp_path / 'file').touch()
    assert is_taken(tmp_path / 'file')


def test_what_cannot_be_moved_stays_whole_and_is_told(made, tmp_path, refuses):
    (tmp_path / 'file').touch()
    with refuses('could not be moved', str(made)):
        put_in_place(made, tmp_path / 'file')
    assert (made / 'config.json').is_file()


def test_a_full_disk_becomes_one_sentence_and_other_errors_stay(disk_without_room, tmp_path, refuses):
    with (
        refuses(f'the disk of {tmp_path} is full; make room'),
        disk_without_room(),
        full_disk_told(tmp_path, 'make room'),
    ):
        write_safetensors(tmp_path / 'file')
    with pytest.raises(ZeroDivisionError), full_disk_told(tmp_path, 'make room'):
        1 / 0  # noqa: B018
