# SPDX-License-Identifier: Apache-2.0
"""The file README.md of a model folder: each command writes its own part of it, and all else there is the user's."""

from dataclasses import dataclass
from pathlib import Path

from ser_ros.files import write_text

CARD = 'README.md'


@dataclass(frozen=True)
class Part:
    """The lines between which a command writes; `begins` is '' for the part at the top, where front matter must be."""

    begins: str
    ends: str


TRAINED = Part('', '<!-- end of what train writes; what is written below stays -->')
OPTIMISED = Part('<!-- what optimize writes -->', '<!-- end of what optimize writes; what is written below stays -->')


def put_part(folder: Path, part: Part, text: str) -> None:
    """Write `text` into the card of the model `folder`, in place of what `part` held before.

    Nothing else of the card changes. A part that is not there yet goes to the top or to the end.
    """
    card = folder / CARD
    # A user's lines may be of any encoding.
    known = card.read_text(encoding='utf-8', errors='surrogateescape') if card.is_file() else ''
    before, after = _around(known, part)
    pieces = [before.rstrip(), part.begins, text.strip(), part.ends, after.strip()]
    told = '\n\n'.join(piece for piece in pieces if piece) + '\n'
    write_text(card, told, errors='surrogateescape')


def _around(card: str, part: Part) -> tuple[str, str]:
    begin, end = card.find(part.begins), card.find(part.ends)
    if 0 <= begin <= end:
        return card[:begin], card[end + len(part.ends) :]
    return (card, '') if part.begins else ('', card)
