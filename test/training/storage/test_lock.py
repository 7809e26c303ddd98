# SPDX-License-Identifier: Apache-2.0
"""One run at a time works in a folder, and a killed one leaves no lock."""

import errno
import fcntl
import os
import subprocess
import sys

import pytest

from ser_ros.training.storage.lock import LOCK, held

HOLDER = """
import sys, time
from pathlib import Path
from ser_ros.training.storage.lock import held

with held(Path(sys.argv[1])):
    print('held', flush=True)
    time.sleep(600)
"""


@pytest.fixture
def work(tmp_path):
    return tmp_path / 'deep' / '.model.partial'


def test_another_run_is_refused_and_the_first_one_named(work, refuses):
    with held(work):
        for _ in range(2):  # being refused takes nothing from the lock
            with refuses(f'process {os.getpid()}', str(work), 'choose another --out'), held(work):
                pass
        assert work.is_dir()


def test_where_nothing_was_written_nothing_stays(work):
    with held(work):
        pass
    assert not work.exists()
    with pytest.raises(KeyboardInterrupt), held(work):
        raise KeyboardInterrupt
    assert not work.exists()


def test_what_was_written_stays_and_can_be_held_again(work):
    for _ in range(2):
        with held(work):
            (work / 'run.json').touch()
    assert sorted(path.name for path in work.iterdir()) == [LOCK, 'run.json']


def test_a_run_may_remove_the_folder(work):
    with held(work):
        (work / LOCK).unlink()
        work.rmdir()
    with held(work):
        pass


def test_a_killed_run_holds_nothing(work, refuses):
    process = subprocess.Popen([sys.executable, '-c', HOLDER, work], stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout.readline() == 'held\n'
        with refuses(f'process {process.pid}'), held(work):
            pass
        process.kill()
    with held(work):
        pass


@pytest.mark.parametrize('code', [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EIO])
def test_a_disk_without_locks_is_no_obstacle(work, monkeypatch, code):
    def refuse(*arguments):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, 'flock', refuse)
    with held(work):
        assert work.is_dir()


def test_the_lock_of_a_folder_that_another_run_removes_meanwhile_is_not_taken(work, monkeypatch):
    lock, removed = fcntl.flock, []

    def remove_once(file, operation):
        lock(file, operation)
        if not removed:
            removed.append(work)
            (work / LOCK).unlink()
            work.rmdir()

    monkeypatch.setattr(fcntl, 'flock', remove_once)
    with held(work):
        assert removed and (work / LOCK).read_text() == str(os.getpid())
