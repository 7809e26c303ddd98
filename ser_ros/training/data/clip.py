# SPDX-License-Identifier: Apache-2.0
"""One recording of a corpus and what is known of it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Clip:
    """One recording and what is known of it.

    name: unique within its corpus, and the same on every machine.
    speaker: RAVDESS's actor number, or the name that the user's table gives; None where nobody is named.
    sex, intensity, statement, repetition: as RAVDESS's file names tell; empty or None elsewhere.
    """

    path: Path
    name: str
    emotion: str
    speaker: int | str | None = None
    intensity: str = ''
    statement: str = ''
    repetition: int | None = None
    sex: str = ''
