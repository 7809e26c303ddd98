# SPDX-License-Identifier: Apache-2.0
"""One recording of a corpus and what is known about it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Clip:
    """One recording and what is known about it.

    name: unique within its corpus, and the same on every machine.
    speaker: RAVDESS's actor number, or the name in the user's table; None if there is none.
    sex, intensity, statement, repetition: from RAVDESS's file names; empty or None elsewhere.
    """

    path: Path
    name: str
    emotion: str
    speaker: int | str | None = None
    intensity: str = ''
    statement: str = ''
    repetition: int | None = None
    sex: str = ''
