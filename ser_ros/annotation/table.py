# SPDX-License-Identifier: Apache-2.0
"""What was said in a sound file, as a table (CSV) and as an Audacity label track."""

import contextlib
import csv
import io
from collections.abc import Sequence
from pathlib import Path

from ser_ros.annotation.listening import Annotation
from ser_ros.errors import SerError
from ser_ros.files import write_text

COLUMNS = ('start', 'end', 'duration', 'emotion', 'confidence')
"""The table's columns, before one `probability_LABEL` for each label; seconds from the file's beginning, the label or
`unknown`, 0..1."""


def write_tables(files: tuple[Path, Path], annotations: Sequence[Annotation], labels: Sequence[str]) -> None:
    """Write the table and the label track to `files`, in this order, both whole or none.

    Raises SerError if a file cannot be written.
    """
    with contextlib.ExitStack() as written:
        for file, text in zip(files, (table(annotations, labels), label_track(annotations)), strict=True):
            _write(file, text)
            written.callback(file.unlink, missing_ok=True)
        written.pop_all()


def table(annotations: Sequence[Annotation], labels: Sequence[str]) -> str:
    """Return the CSV; `labels` are the model's, in its own order."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow([*COLUMNS, *(f'probability_{label}' for label in labels)])
    for annotation in annotations:
        start, end = annotation.start_time, annotation.start_time + annotation.duration
        times = [f'{seconds:.3f}' for seconds in (start, end, annotation.duration)]
        confidence = f'{annotation.estimate.confidence:.4f}'
        probabilities = [f'{probability:.4f}' for probability in annotation.estimate.probabilities]
        writer.writerow([*times, annotation.emotion, confidence, *probabilities])
    return text.getvalue()


def label_track(annotations: Sequence[Annotation]) -> str:
    """Return the lines that Audacity imports as labels: start, end, emotion, separated by tabs."""
    return ''.join(
        f'{annotation.start_time:.6f}\t{annotation.start_time + annotation.duration:.6f}\t{annotation.emotion}\n'
        for annotation in annotations
    )


def _write(file: Path, text: str) -> None:
    try:
        write_text(file, text)
    except OSError as error:
        raise SerError(f'{file} cannot be written ({error.strerror}); free some space or give another --out') from None
