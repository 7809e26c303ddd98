# SPDX-License-Identifier: Apache-2.0
"""Unlabelled speech: folders of audio files, cut into pieces that are read when they are due."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from ser_ros.audio.file import read_part
from ser_ros.audio.reader import SoundReader
from ser_ros.errors import SerError
from ser_ros.training.data.other_speech import audio_files_of
from ser_ros.training.data.problems import refuse_together
from ser_ros.training.data.remarks import tell_remarks
from ser_ros.training.pretraining.pretraining_recipe import Pieces


@dataclass(frozen=True)
class Piece:
    """A part of an audio file.

    Attributes:
        name: The same on every machine.
        start: Seconds from the beginning of the file.
        duration: Seconds.
        scale: Of the file; see `SoundReader`.
    """

    path: Path
    name: str
    start: float
    duration: float
    scale: float

    def read(self) -> np.ndarray:
        """Return its samples, float32, shape (n,), decoded like training clips. Raises SerError."""
        try:
            return read_part(self.path, self.start, self.duration, scale=self.scale)
        except SerError as error:
            raise SerError(f'{error}, and use --resume') from None


def find_pieces(folders: Sequence[Path], pieces: Pieces) -> list[Piece]:
    """Return the pieces of all audio files below `folders`, in the order of their names.

    Each file is as long as its sound is, whatever it announces; what is remarkable in the files is told on stderr.

    Raises:
        SerError: A folder holds no audio, files cannot be read (all are listed), or no piece has a length that
            `pieces` allows.
    """
    files = audio_files_of(folders)
    found, problems, remarks = [], [], []
    for name, path in tqdm(files.items(), desc='looking at the speech', unit='file'):
        try:
            # A moment that is no sound costs unlabelled speech only that moment.
            with SoundReader(path, mends=True) as reader:
                duration = reader.count_frames() / reader.rate
                remarks.append(reader.remarks)
        except SerError as error:
            problems.append(str(error))
            continue
        found += [
            Piece(path, f'{name}@{start:g}', start, length, reader.scale) for start, length in _cut(duration, pieces)
        ]
    refuse_together('some files cannot be read as audio; remove them', problems)
    tell_remarks(list(files.values()), remarks)
    if not found:
        raise SerError(f'all files are shorter than {pieces.shortest:g} s (pieces.shortest); give longer ones')
    return found


def _cut(duration: float, pieces: Pieces) -> list[tuple[float, float]]:
    starts = np.arange(0.0, duration, pieces.longest)
    cut = [(float(start), float(min(pieces.longest, duration - start))) for start in starts]
    return [(start, length) for start, length in cut if length >= pieces.shortest]


def hours(pieces: Sequence[Piece]) -> float:
    """Return the total duration of all pieces in hours."""
    return sum(piece.duration for piece in pieces) / 3600
