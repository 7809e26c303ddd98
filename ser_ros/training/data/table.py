# SPDX-License-Identifier: Apache-2.0
"""Tables of clips: a CSV of the user's own is read and checked row by row; any clips can be written as one."""

import csv
import io
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath

from tqdm.auto import tqdm

from ser_ros.audio.reader import SoundReader
from ser_ros.errors import SerError
from ser_ros.files import whole_file
from ser_ros.training.data.clip import Clip
from ser_ros.training.data.emotion_names import emotion_problems
from ser_ros.training.data.problems import refuse_together
from ser_ros.training.data.ravdess import is_clip_name

COLUMNS = ('path', 'emotion', 'speaker', 'intensity', 'statement', 'repetition', 'sex', 'corpus')
"""The columns that are read and written."""

_REQUIRED = COLUMNS[:2]
_DELIMITERS = ',;\t'

_MISSING = ('nan', 'NaN', '<NA>')
"""What pandas writes for a cell without a value."""

_WHOLE_NUMBER = re.compile(r'(\d{1,18})(?:\.0+)?')
"""Also as pandas writes it where other rows have none."""

_BAR_DELAY = 2.0
"""Seconds after which the checks show a progress bar."""


@dataclass
class _Row:
    """One row below the header: its first line, its cells by column, and what is wrong with it."""

    line: int
    cells: dict[str, str]
    problems: list[str] = field(default_factory=list)

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, '')


def read_table(path: Path, labels: Sequence[str] = (), *, for_training: bool = True) -> tuple[Clip, ...]:
    """Return the clips of the CSV at `path`, in its order, after every row has been checked.

    The file is UTF-8; the first line names the columns, separated by commas, semicolons or tabs. Columns other than
    COLUMNS are ignored, and so are empty rows and blanks around the content of a cell; `nan` is an empty cell. Relative
    paths count from the CSV's folder, and may be written as in Windows. Speakers become int if all of them are whole
    numbers, also where they are written 1.0. A clip's name is its path as written, or its
    stem if every file has a different name of a RAVDESS clip: a table of RAVDESS stands for the same clips as the
    folder. A clip without a corpus belongs to one that is named after the file.

    Args:
        path: The CSV file.
        labels: The emotions that may occur; any if none are given.
        for_training: Whether an emotion is refused as well that no model could be given (see emotions.name_problem), or
            that occurs only once and is not in `labels`: it is usually mistyped, and no split could have it in training
            and in test.

    Raises:
        SerError: Rows are bad (it lists all of them with their line numbers), or the file as a whole is.
    """
    rows = _read_rows(path)
    _read_windows_paths(rows, path.parent)
    complete = [row for row in rows if not row.problems]
    _check_emotions(rows, labels, for_training=for_training)
    _check_files(complete, path.parent)
    _check_speakers(complete)
    _check_repetitions(complete)
    bad = [f'line {row.line}: {", and ".join(row.problems)}' for row in rows if row.problems]
    refuse_together(f'{path} has {len(bad)} bad of {len(rows)} rows, correct or remove what is listed', bad)
    return _clips(rows, path.parent, path.stem)


def write_table(path: Path, clips: Iterable[Clip], relative_to: Path | None = None) -> None:
    """Write `clips` to the CSV at `path`, all or nothing; read_table reads them back.

    Args:
        path: The CSV file.
        clips: Its rows, in this order.
        relative_to: The future folder of the table; without it paths are absolute.

    Raises:
        SerError: The file cannot be written.
    """
    try:
        with (
            whole_file(path) as partial,
            partial.open('w', encoding='utf-8', errors='backslashreplace', newline='') as file,
        ):
            writer = csv.writer(file, lineterminator='\n')
            writer.writerow(COLUMNS)
            for clip in clips:
                written = os.path.relpath(clip.path, relative_to) if relative_to else os.path.abspath(clip.path)
                cells = (written, *(getattr(clip, column) for column in COLUMNS[1:]))
                writer.writerow(['' if cell is None else cell for cell in cells])
    except OSError as error:
        raise SerError(f'{path} cannot be written ({error.strerror}); free some space or write elsewhere') from None


def _read_rows(path: Path) -> list[_Row]:
    text = _read_text(path)
    first_line = next(iter(text.splitlines()), '')
    delimiter = max(_DELIMITERS, key=first_line.count)
    reader = csv.reader(io.StringIO(text, newline=''), delimiter=delimiter, skipinitialspace=True, strict=True)
    header = None
    rows = []
    last_line = 0
    try:
        for cells in reader:
            line, last_line = last_line + 1, reader.line_num
            cells = ['' if cell.strip() in _MISSING else cell.strip() for cell in cells]
            if header is None:
                header = _checked_header(path, cells)
            elif any(cells):
                rows.append(_Row(line, dict(zip(header, cells, strict=False))))
                if len(cells) != len(header):
                    rows[-1].problems.append(f'it has {_count(cells, "column")}, the header {len(header)}')
    except csv.Error as error:
        raise SerError(f'{path} is not valid CSV in line {last_line + 1} ({error}); correct its quotes') from None
    if not rows:
        _checked_header(path, header or [])
        raise SerError(f'{path} holds a header but no clips; add one row for each clip')
    return rows


def _read_windows_paths(rows: list[_Row], folder: Path) -> None:
    """Write paths with backslashes as they are here, unless a file is called so."""
    for row in rows:
        written = row['path']
        if '\\' in written and not os.path.lexists(folder / written):
            row.cells['path'] = written.replace('\\', '/')


def _read_text(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():  # to read from a pipe would be to wait
            raise SerError(f'the table {path} is not a file; give a CSV file')
        data = path.read_bytes()
        return data.decode('utf-8-sig')
    except OSError as error:
        raise SerError(f'the table {path} cannot be read ({error.strerror}); give a CSV file') from None
    except UnicodeDecodeError as error:
        line = data.count(b'\n', 0, error.start) + 1
        raise SerError(f'{path} is not UTF-8 in line {line}; save it as CSV in UTF-8') from None


def _checked_header(path: Path, cells: list[str]) -> list[str]:
    columns = [cell.casefold() for cell in cells]
    used = [column for column in columns if column in COLUMNS]
    if not set(_REQUIRED) <= set(used):
        raise SerError(
            f'{path} does not begin with a header that names the columns {" and ".join(_REQUIRED)}; '
            f"its first line must be such as '{','.join(COLUMNS)}', of which only {' and '.join(_REQUIRED)} are needed"
        )
    twice = sorted({column for column in used if used.count(column) > 1})
    if twice:
        raise SerError(f"{path} has the column '{twice[0]}' twice; remove or rename one of them")
    return columns


def _check_files(rows: list[_Row], folder: Path) -> None:
    first_lines: dict[Path, int] = {}
    for row in tqdm(rows, desc='checking clips', unit='clip', delay=_BAR_DELAY):
        if not row['path']:
            row.problems.append('the path is empty')
            continue
        if not row['path'].isprintable():
            row.problems.append(f'the path {row["path"]!r} has characters that no path has')
            continue
        if PureWindowsPath(row['path']).drive and not os.path.lexists(folder / row['path']):
            row.problems.append(
                f'{row["path"]} is a path on another computer, with Windows; write it as seen from here'
            )
            continue
        file = folder / row['path']
        try:
            SoundReader(file).close()
            first = first_lines.setdefault(file.resolve(), row.line)
        except SerError as error:
            row.problems.append(str(error))
        except OSError as error:
            row.problems.append(f'{file} cannot be opened ({error.strerror})')
        else:
            if first != row.line:
                row.problems.append(f'the file {file} is in line {first} already')


def _check_emotions(rows: list[_Row], labels: Sequence[str], *, for_training: bool) -> None:
    problems = emotion_problems([row['emotion'] for row in rows], labels, for_training=for_training)
    for row, problem in zip(rows, problems, strict=True):
        if problem and not row.problems:  # a row of another length counts here, but its cells may be shifted
            row.problems.append(problem)


def _check_speakers(rows: list[_Row]) -> None:
    if any(row['speaker'] for row in rows):
        for row in rows:
            if not row['speaker']:
                row.problems.append('the speaker is empty, and other rows have one')


def _check_repetitions(rows: list[_Row]) -> None:
    for row in rows:
        if row['repetition'] and _whole_number(row['repetition']) is None:
            row.problems.append(f"the repetition '{row['repetition']}' is not a whole number")


def _clips(rows: list[_Row], folder: Path, corpus: str) -> tuple[Clip, ...]:
    stems = [Path(row['path']).stem for row in rows]
    is_ravdess = all(map(is_clip_name, stems)) and len(set(stems)) == len(rows)
    numbers = [_whole_number(row['speaker']) for row in rows]
    numbered = None not in numbers
    return tuple(
        Clip(
            path=folder / row['path'],
            name=stem if is_ravdess else row['path'],
            emotion=row['emotion'],
            speaker=number if numbered else row['speaker'] or None,
            intensity=row['intensity'],
            statement=row['statement'],
            repetition=_whole_number(row['repetition']),
            sex=row['sex'],
            corpus=row['corpus'] or corpus,
        )
        for row, stem, number in zip(rows, stems, numbers, strict=True)
    )


def _whole_number(text: str) -> int | None:
    match = _WHOLE_NUMBER.fullmatch(text)
    return int(match[1]) if match else None


def _count(items: list, what: str) -> str:
    return f'{len(items)} {what}{"s" * (len(items) != 1)}'
