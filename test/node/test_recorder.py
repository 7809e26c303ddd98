# SPDX-License-Identifier: Apache-2.0
"""What the recorder leaves on disk, and that no fault of the disk harms more than the recording."""

import csv
import errno
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.node.recorder import COLUMNS, TABLE, Recorder
from ser_ros.recognition.estimate import Estimate
from ser_ros.speech.segmenter import Utterance
from ser_ros.training.data.table import read_table

LABELS = ('angry', 'sad, or so', 'happy')


@pytest.fixture
def said(made_sound):
    """Return say(start_time, duration, is_final): an utterance of noise, which FLAC cannot make small."""

    def say(start_time: float = 1_000.25, duration: float = 1.0, *, is_final: bool = True) -> Utterance:
        sound = made_sound('white noise', duration)
        return Utterance(7, sound, start_time, duration - 0.4, end_arrival=0.0, is_final=is_final)

    return say


def taken_for(*probabilities: float, labels=LABELS) -> Estimate:
    return Estimate(labels, np.array(probabilities, dtype=np.float32), inference_time=0.1)


def rows_in(folder: Path) -> list[dict[str, str]]:
    with (folder / TABLE).open(newline='') as file:
        return list(csv.DictReader(file))


def only_folder(directory: Path) -> Path:
    (folder,) = directory.iterdir()
    return folder


def test_sound_and_row_hold_what_was_heard(tmp_path, said):
    recorder = Recorder(tmp_path / 'deep' / 'down', 10)
    utterance = said()
    recorder.add(utterance, taken_for(0.2, 0.7, 0.1))
    folder = only_folder(tmp_path / 'deep' / 'down')
    (row,) = rows_in(folder)
    assert row == {
        'path': '000001.flac',
        'emotion': 'sad, or so',
        'confidence': '0.7000',
        'start_time': '1970-01-01T00:16:40.250+00:00',
        'start_seconds': '1000.250',
        'duration': '0.600',
        'probability_angry': '0.2000',
        'probability_sad, or so': '0.7000',
        'probability_happy': '0.1000',
    }
    assert tuple(row)[: len(COLUMNS)] == COLUMNS
    sound, rate = soundfile.read(folder / '000001.flac', dtype='float32')
    assert rate == SAMPLE_RATE and soundfile.info(folder / '000001.flac').subtype == 'PCM_16'
    assert np.abs(sound - utterance.samples).max() < 1 / 32_000
    assert folder.stat().st_mode & 0o077 == 0


def test_full_scale_does_not_wrap(tmp_path):
    samples = np.tile(np.array([1.0, -1.0], dtype=np.float32), 4000)
    Recorder(tmp_path, 10).add(Utterance(1, samples, 0.0, 0.5, 0.0, is_final=True), taken_for(1, 0, 0))
    sound, _ = soundfile.read(only_folder(tmp_path) / '000001.flac', dtype='float32')
    assert np.abs(sound - samples).max() < 1 / 32_000


def test_a_human_can_correct_the_table_and_train_on_it(tmp_path, said):
    recorder = Recorder(tmp_path, 10)
    for _ in range(3):
        recorder.add(said(), taken_for(0.6, 0.3, 0.1))
    table = only_folder(tmp_path) / TABLE
    table.write_text(table.read_text().replace('000002.flac,angry', '000002.flac,happy'))
    clips = read_table(table, LABELS)
    assert [clip.emotion for clip in clips] == ['angry', 'happy', 'angry']
    assert [clip.path for clip in clips] == [table.with_name(f'{number:06d}.flac') for number in (1, 2, 3)]


def test_interim_utterances_are_not_recorded(tmp_path, said):
    Recorder(tmp_path, 10).add(said(is_final=False), taken_for(1, 0, 0))
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_made_before_somebody_speaks(tmp_path):
    recorder = Recorder(tmp_path / 'voices', 10)
    assert list((tmp_path / 'voices').iterdir()) == []
    assert recorder.problem == ''
    assert recorder.warning == f'recording the voices of people into {tmp_path / "voices"}: 0.0 of 10 MB'


def test_every_start_gets_a_folder_of_its_own(tmp_path, said):
    for _ in range(3):
        Recorder(tmp_path, 10).add(said(), taken_for(1, 0, 0))
    folders = sorted(tmp_path.iterdir())
    assert len(folders) == 3
    assert [len(rows_in(folder)) for folder in folders] == [1, 1, 1]


def test_other_labels_get_a_folder_of_their_own(tmp_path, said):
    recorder = Recorder(tmp_path, 10)
    recorder.add(said(), taken_for(1, 0, 0))
    recorder.add(said(), taken_for(0.5, 0.5, labels=('yes', 'no')))
    recorder.add(said(), taken_for(0.5, 0.5, labels=('yes', 'no')))
    assert sorted(len(rows_in(folder)) for folder in tmp_path.iterdir()) == [1, 2]


def test_the_limit_ends_the_recording_and_is_never_exceeded(tmp_path, said):
    recorder = Recorder(tmp_path, 0.1)
    for _ in range(10):
        recorder.add(said(), taken_for(1, 0, 0))
    sizes = [path.stat().st_size for path in tmp_path.rglob('*') if path.is_file()]
    assert 50_000 < sum(sizes) <= 100_000
    assert 0 < len(rows_in(only_folder(tmp_path))) == len(sizes) - 1
    assert '0.1' in recorder.problem and 'record.max_megabytes' in recorder.problem
    assert recorder.warning == ''


def test_what_earlier_runs_left_counts(tmp_path, said):
    (tmp_path / 'monday').mkdir()
    (tmp_path / 'monday' / 'old.flac').write_bytes(bytes(99_000))
    recorder = Recorder(tmp_path, 0.1)
    assert recorder.warning.endswith('0.1 of 0.1 MB')
    recorder.add(said(), taken_for(1, 0, 0))
    assert 'recording has ended' in recorder.problem
    assert [path.name for path in tmp_path.rglob('*.flac')] == ['old.flac']
    (tmp_path / 'monday' / 'more.flac').write_bytes(bytes(2_000))
    assert 'recording has ended' in Recorder(tmp_path, 0.1).problem


def test_the_warning_grows(tmp_path, said):
    recorder = Recorder(tmp_path, 1000)
    for _ in range(8):
        recorder.add(said(), taken_for(1, 0, 0))
    megabytes = sum(path.stat().st_size for path in tmp_path.rglob('*') if path.is_file()) / 1e6
    assert recorder.warning.endswith(f': {megabytes:.1f} of 1000 MB') and megabytes > 0.1


@pytest.mark.parametrize('nth', range(1, 7))
def test_a_full_disk_leaves_nothing_half_written(tmp_path, said, monkeypatch, nth):
    """Each write fails in turn: of the header, of a first sound, its row, a second sound, its row, a third sound."""
    recorder = Recorder(tmp_path, 10)
    writes = []

    class FullDisk(io.FileIO):
        def write(self, data):
            writes.append(self.name)
            if len(writes) == nth:
                super().write(bytes(data)[: len(data) // 2])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(data)

    monkeypatch.setattr(Path, 'open', lambda path, mode, buffering: FullDisk(path, mode.replace('b', '')))
    for _ in range(3):
        recorder.add(said(), taken_for(1, 0, 0))
    monkeypatch.undo()
    assert len(writes) == nth
    complete = (nth - 2) // 2 if nth > 1 else 0
    assert 'No space left on device' in recorder.problem and recorder.warning == ''
    folder = only_folder(tmp_path)
    expected = [f'{number:06d}.flac' for number in range(1, complete + 1)]
    assert sorted(path.name for path in folder.iterdir()) == expected + ([TABLE] if nth > 1 else [])
    if nth > 1:
        assert [row['path'] for row in rows_in(folder)] == expected
        assert (folder / TABLE).read_bytes().endswith(b'\n')


def test_a_real_limit_of_the_system_leaves_nothing_half_written(tmp_path):
    """RLIMIT_FSIZE takes a part of a write and refuses the rest, as a full disk does."""
    code = f"""
import resource
import numpy as np
from ser_ros.recognition.estimate import Estimate
from ser_ros.node.recorder import Recorder
from ser_ros.speech.segmenter import Utterance
recorder = Recorder({str(tmp_path)!r}, 10)
noise = np.random.default_rng(1).uniform(-1, 1, 32_000).astype(np.float32)
estimate = Estimate(('yes', 'no'), np.array([0.25, 0.75], dtype=np.float32), 0.1)
def say(count):
    recorder.add(Utterance(1, noise[:count], 0.0, 1.0, 0.0, is_final=True), estimate)
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
say(8_000)
print(repr(recorder.problem))
say(32_000)
print(recorder.problem)
"""
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert first == "''"
    assert 'recording has ended' in second and 'File too large' in second
    folder = only_folder(tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == ['000001.flac', TABLE]
    assert [row['path'] for row in rows_in(folder)] == ['000001.flac']


@pytest.mark.parametrize('removed', ['directory', 'folder', 'table'])
def test_what_is_removed_while_running_does_not_come_back(tmp_path, said, removed):
    directory = tmp_path / 'voices'
    recorder = Recorder(directory, 10)
    recorder.add(said(), taken_for(1, 0, 0))
    path = {'directory': directory, 'folder': only_folder(directory), 'table': only_folder(directory) / TABLE}[removed]
    path.unlink() if removed == 'table' else shutil.rmtree(path)
    for _ in range(2):
        recorder.add(said(), taken_for(1, 0, 0))
    assert 'recording has ended' in recorder.problem and 'No such file' in recorder.problem
    assert not path.exists()
    assert list(tmp_path.rglob('*.partial')) == []


def test_a_directory_that_cannot_be_made_is_refused(tmp_path, refuses):
    (tmp_path / 'file').write_text('not a folder')
    with refuses('record.directory', str(tmp_path / 'file'), 'leave it empty'):
        Recorder(tmp_path / 'file', 10)
    with refuses('record.directory', 'leave it empty'):
        Recorder(tmp_path / 'file' / 'below', 10)


def test_a_directory_that_cannot_be_written_is_refused(refuses):
    with refuses('record.directory /proc/self/fdinfo', 'leave it empty'):
        Recorder('/proc/self/fdinfo', 10)
