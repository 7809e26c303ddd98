# SPDX-License-Identifier: Apache-2.0
"""One recording of a corpus and what is known about it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Clip:
    """One recording and what is known about it.

    Attributes:
        path: Its file.
        name: Unique within its corpus, and the same on every machine.
        emotion: Its label.
        speaker: RAVDESS's actor number, or the number or name in the user's table; None if there is none.
        intensity: 'normal' or 'strong' in RAVDESS; '' if it is not known.
        statement: The sentence that is spoken; '' if it is not known.
        repetition: 1 or 2 in RAVDESS; None if it is not known.
        sex: 'male' or 'female' in RAVDESS; '' if it is not known.
    """

    path: Path
    name: str
    emotion: str
    speaker: int | str | None = None
    intensity: str = ''
    statement: str = ''
    repetition: int | None = None
    sex: str = ''
