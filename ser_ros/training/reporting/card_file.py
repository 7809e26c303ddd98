# SPDX-License-Identifier: Apache-2.0
"""The file README.md of a model folder: each command writes its own part; everything else belongs to the user."""

from dataclasses import dataclass
from pathlib import Path

from ser_ros.files import as_utf8, write_text

CARD = 'README.md'


@dataclass(frozen=True)
class Part:
    """The lines between which a command writes.

    Attributes:
        begins: The line above; '' for the part at the top, where front matter must be.
        ends: The line below.
    """

    begins: str
    ends: str


TRAINED = Part('', '<!-- end of what train writes; what is written below stays -->')
OPTIMISED = Part('<!-- what optimize writes -->', '<!-- end of what optimize writes; what is written below stays -->')


def put_part(folder: Path, part: Part, text: str) -> None:
    """Write `text` into the card of the model `folder`, in place of what `part` held before.

    Nothing else in the card changes. A new part goes to the top or to the end.
    """
    card = folder / CARD
    # The user's lines may have any encoding.
    old = card.read_text(encoding='utf-8', errors='surrogateescape') if card.is_file() else ''
    before, after = _around(old, part)
    pieces = [before.rstrip(), part.begins, as_utf8(text).strip(), part.ends, after.strip()]
    new = '\n\n'.join(piece for piece in pieces if piece) + '\n'
    write_text(card, new, errors='surrogateescape')


def _around(card: str, part: Part) -> tuple[str, str]:
    begin, end = card.find(part.begins), card.find(part.ends)
    if 0 <= begin <= end:
        return card[:begin], card[end + len(part.ends) :]
    return (card, '') if part.begins else ('', card)
