# SPDX-License-Identifier: Apache-2.0
"""Probabilities as bars in the terminal."""

import sys
from collections.abc import Iterable, Sequence

_WIDTH = 32


def probability_bars(labels: Sequence[str], probabilities: Iterable[float]) -> str:
    """Return one line for each label: its name, a bar, and percent; probabilities are 0..1."""
    block, shade = ('█', '·') if 'utf' in (sys.stdout.encoding or '').lower() else ('#', '.')
    longest = max(map(len, labels))
    lines = []
    for label, probability in zip(labels, probabilities, strict=True):
        filled = round(probability * _WIDTH)
        lines.append(f'    {label:<{longest}} {block * filled}{shade * (_WIDTH - filled)} {probability:5.1%}')
    return '\n'.join(lines)
