# SPDX-License-Identifier: Apache-2.0
"""One recording of a corpus and what is known about it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Clip:
    """One recording and what is known about it.

    Attributes:
        path: Its file.
        name: Unique within its corpus, and the same on every machine; with several corpora `CORPUS/NAME`.
        emotion: Its label.
        speaker: A number if all speakers of the corpus are numbers (as RAVDESS's actors), otherwise a name; None if it
            is not known. With several corpora `CORPUS:SPEAKER`.
        intensity: Such as 'normal' or 'strong' in RAVDESS; '' if it is not known.
        statement: The sentence that is spoken; '' if it is not known.
        repetition: Such as 1 or 2 in RAVDESS; None if it is not known.
        sex: 'male' or 'female'; '' if it is not known.
        corpus: Name of the corpus that it comes from, also if several are read together.
    """

    path: Path
    name: str
    emotion: str
    speaker: int | str | None = None
    intensity: str = ''
    statement: str = ''
    repetition: int | None = None
    sex: str = ''
    corpus: str = ''

    @property
    def person(self) -> tuple[str, str] | None:
        """Corpus and speaker, the same whether it is read alone or with others; None if the speaker is not known."""
        if self.speaker is None:
            return None
        return self.corpus, str(self.speaker).removeprefix(f'{self.corpus}:')

    @property
    def voice(self) -> str:
        """Its person as one text; '' if the speaker is not known."""
        return ':'.join(self.person or ())
