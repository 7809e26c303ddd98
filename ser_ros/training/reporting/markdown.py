# SPDX-License-Identifier: Apache-2.0
"""Markdown that also reads well on a terminal: aligned tables, shares in percent."""

from collections.abc import Iterable, Sequence


def percent(share: float) -> str:
    """Return 0.5347 as '53.5 %'."""
    return f'{share * 100:.1f} %'


def percent_if_known(share: float | None) -> str:
    """Return the same; '' for None."""
    return '' if share is None else percent(share)


def megabytes(size: float) -> str:
    """Return 82.3 as '82.3 MB' and 1270.0 as '1.27 GB'."""
    return f'{size / 1000:.2f} GB' if size >= 1000 else f'{size:.1f} MB'


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a Markdown table whose columns are padded to the same width."""
    cells = [list(header), *map(list, rows)]
    widths = [max(3, *(len(row[column]) for row in cells)) for column in range(len(header))]
    lines = [
        '| ' + ' | '.join(f'{cell:<{width}}' for cell, width in zip(row, widths, strict=True)) + ' |' for row in cells
    ]
    return [lines[0], '|' + '|'.join('-' * (width + 2) for width in widths) + '|', *lines[1:]]


def confusion_table(labels: Sequence[str], confusion: Sequence[Sequence[int]]) -> list[str]:
    """Return a table whose rows are the true labels and whose columns are the answers."""
    rows = ([label, *map(str, row)] for label, row in zip(labels, confusion, strict=True))
    return table(['true, answered', *labels], rows)
