# SPDX-License-Identifier: Apache-2.0
"""A file is there whole, or as it was before."""

import pytest

from ser_ros.training.storage.whole_file import whole_file, write_text


def test_a_file_takes_the_place_of_the_one_before(tmp_path):
    path = tmp_path / 'file.txt'
    write_text(path, 'first')
    write_text(path, 'sécond')
    assert path.read_text(encoding='utf-8') == 'sécond'
    assert list(tmp_path.iterdir()) == [path]


def test_after_an_error_the_file_is_as_it_was_and_nothing_lies_beside_it(tmp_path):
    path = tmp_path / 'file.txt'
    write_text(path, 'first')
    with pytest.raises(RuntimeError), whole_file(path) as partial:
        partial.write_text('hal')
        raise RuntimeError
    assert path.read_text() == 'first'
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_what_was_there(tmp_path, disk_without_room):
    path = tmp_path / 'file.txt'
    write_text(path, 'first')
    with disk_without_room(), pytest.raises(OSError, match='too large'):
        write_text(path, 'x' * 100_000)
    assert path.read_text() == 'first'
    assert list(tmp_path.iterdir()) == [path]
