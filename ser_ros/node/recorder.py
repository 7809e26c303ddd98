# SPDX-License-Identifier: Apache-2.0
"""Records what people said and how it was classified, so that a human can correct it and train on it."""

import contextlib
import csv
import io
import os
import tempfile
from datetime import datetime, timezone
from pathlib import Path

import soundfile

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.errors import SerError
from ser_ros.files import whole_file
from ser_ros.places import expanded
from ser_ros.recognition.estimate import Estimate
from ser_ros.speech.segmenter import Utterance

TABLE = 'utterances.csv'
"""Name of the table in each folder."""

COLUMNS = ('path', 'emotion', 'confidence', 'start_time', 'start_seconds', 'duration')
"""The table's columns, before one `probability_LABEL` for each label: file name, most probable label, its probability
(0..1), capture time of the speech (ISO 8601 in UTC, and seconds of the same clock), seconds of speech."""

_MEGABYTE = 1_000_000
_FOLDER_NAME = '%Y-%m-%dT%H-%M-%S'


class Recorder:
    """Writes final utterances as FLAC files (16 bit, 16 kHz, mono) with a table that `train --data` reads.

    Each recorder, and each set of labels, gets its own folder below `directory`, named after the local time and created
    with the first utterance; only its owner has access. A file holds what the model heard: the pre-roll, the speech,
    the post-roll. A sound file is written under another name and renamed; a row is written whole or not at all.

    The first error, or the size limit, ends the recording for good: a folder that was removed or unmounted must not be
    created again in another place. A new recorder starts afresh. One thread at a time may call `add`.
    """

    def __init__(self, directory: str | Path, max_megabytes: float):
        """Check that `directory` can be created and written; its whole content counts towards `max_megabytes` (10^6 B).

        Raises SerError. If the limit is already reached, `problem` says so.
        """
        self._directory = expanded(directory)
        self._limit = max_megabytes * _MEGABYTE
        self._labels: tuple[str, ...] = ()
        self._problem = ''
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self._directory, buffering=0) as probe:
                probe.write(b'?')
            self._size = _size(self._directory)
        except OSError as error:
            raise SerError(
                f'record.directory {self._directory} cannot be written ({error.strerror}); '
                'give a folder of your own with free space, or leave it empty to record nothing'
            ) from None
        if self._size >= self._limit:
            self._stop_at_limit()

    @property
    def problem(self) -> str:
        """Why nothing is recorded any more, in one sentence; '' while all is well."""
        return self._problem

    @property
    def warning(self) -> str:
        """States that people are being recorded, and how much; '' once the recording has ended."""
        if self._problem:
            return ''
        used, limit = self._size / _MEGABYTE, self._limit / _MEGABYTE
        return f'recording the voices of people into {self._directory}: {used:.1f} of {limit:g} MB'

    def add(self, utterance: Utterance, estimate: Estimate) -> None:
        """Record a final utterance; interim ones are left out. Does not raise on disk errors."""
        if self._problem or not utterance.is_final:
            return
        sound = _flac(utterance)
        try:
            if estimate.labels != self._labels:
                self._begin_folder(estimate.labels)
            name = f'{self._count + 1:06d}.flac'
            row = _line(_cells(name, utterance, estimate))
            if self._size + len(sound) + len(row) > self._limit:
                self._stop_at_limit()
                return
            self._write_both(name, sound, row)
        except OSError as error:
            self._problem = (
                f'recording has ended: {self._directory} cannot be written ({error.strerror}); '
                'make it writable or free some space, then configure the node again'
            )

    def _begin_folder(self, labels: tuple[str, ...]) -> None:
        # Without its parents: a directory that was removed in the meantime was removed on purpose.
        self._folder = _make_folder(self._directory, datetime.now().strftime(_FOLDER_NAME))
        header = _line([*COLUMNS, *(f'probability_{label}' for label in labels)])
        _write(self._folder / TABLE, header)
        self._size += len(header)
        self._count = 0
        self._labels = labels

    def _write_both(self, name: str, sound: bytes, row: bytes) -> None:
        file = self._folder / name
        try:
            with whole_file(file) as partial:
                _write(partial, sound)
            self._append(row)
        except OSError:
            file.unlink(missing_ok=True)
            raise
        self._count += 1
        self._size += len(sound) + len(row)

    def _append(self, row: bytes) -> None:
        # r+, not a: a table that was removed must not come back without its header.
        with (self._folder / TABLE).open('r+b', buffering=0) as table:
            end = table.seek(0, os.SEEK_END)
            try:
                _write_all(table, row)
            except OSError:
                table.truncate(end)
                raise

    def _stop_at_limit(self) -> None:
        self._problem = (
            f'recording has ended: {self._directory} holds {self._size / _MEGABYTE:.1f} MB of '
            f'record.max_megabytes {self._limit / _MEGABYTE:g}; move recordings away or raise the limit, '
            'then configure the node again'
        )


def _flac(utterance: Utterance) -> bytes:
    # In memory first, so that the size is known before anything is written, and an OSError can only come from the disk.
    file = io.BytesIO()
    soundfile.write(file, utterance.samples, SAMPLE_RATE, format='FLAC', subtype='PCM_16')
    return file.getvalue()


def _cells(name: str, utterance: Utterance, estimate: Estimate) -> list[str]:
    began = datetime.fromtimestamp(utterance.start_time, timezone.utc)
    return [
        name,
        estimate.label,
        f'{estimate.confidence:.4f}',
        began.isoformat(timespec='milliseconds'),
        f'{utterance.start_time:.3f}',
        f'{utterance.duration:.3f}',
        *(f'{probability:.4f}' for probability in estimate.probabilities),
    ]


def _line(cells: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator='\n').writerow(cells)
    return text.getvalue().encode()


def _make_folder(directory: Path, name: str) -> Path:
    """Create a new folder; several within one second are numbered."""
    number = 1
    while True:
        folder = directory / (name if number == 1 else f'{name}-{number}')
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            number += 1
        else:
            return folder


def _write(path: Path, data: bytes) -> None:
    """Create a new file, whole or not at all."""
    with path.open('xb', buffering=0) as file:
        try:
            _write_all(file, data)
        except OSError:
            path.unlink()
            raise


def _write_all(file: io.RawIOBase, data: bytes) -> None:
    # A raw file may accept a part and fail only at the next attempt.
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _size(directory: Path) -> int:
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # another recorder may just have renamed it
                total += (Path(folder) / name).lstat().st_size
    return total
