# SPDX-License-Identifier: Apache-2.0
"""Writes the table of published corpora in docs/training.md from ser_ros/training/data/corpora."""

import argparse
import re
from pathlib import Path

from ser_ros.emotions import LABELS
from ser_ros.training.data.corpora.by_key import SCHEMES
from ser_ros.training.data.corpora.scheme import Scheme

PAGE = Path(__file__).resolve().parents[2] / 'docs' / 'training.md'
_TABLE = re.compile(r'(?<=<!-- published corpora -->\n).*?(?=\n<!-- end of published corpora -->)', re.DOTALL)


def main() -> None:
    """Write the table."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    PAGE.write_text(with_table(PAGE.read_text(encoding='utf-8')), encoding='utf-8')


def with_table(page: str) -> str:
    """Return `page` with the present table below its mark."""
    lines = [
        '| key | corpus | a clip | clips | speakers | labels | language | licence | source |',
        '|---|---|---|---|---|---|---|---|---|',
        *map(_row, SCHEMES.values()),
    ]
    table = '\n'.join(lines)
    return _TABLE.sub(lambda _: f'\n{table}\n', page)


def _row(scheme: Scheme) -> str:
    labels = {meaning for meaning in scheme.codes['emotion'].values() if meaning}
    cells = (
        f'`{scheme.key}`',
        scheme.name,
        f'`{scheme.example}.wav`',
        scheme.clips or '',
        scheme.speakers or '',
        ', '.join(label for label in LABELS if label in labels),
        ', '.join(scheme.languages),
        scheme.licence or 'not stated',
        scheme.source,
    )
    return f'| {" | ".join(map(str, cells))} |'


if __name__ == '__main__':
    main()
