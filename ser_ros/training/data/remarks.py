# SPDX-License-Identifier: Apache-2.0
"""What is to be told of many sound files: one line for each kind, however many files there are."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

_FIGURES = re.compile(r'\d+([.e+]+\d+)*')


def tell_remarks(files: Sequence[str | Path], remarks: Sequence[Sequence[str]]) -> None:
    """Print on stderr what a `SoundReader` remarked on each of `files`: of each kind how many, and the first."""
    kinds: dict[str, list[str]] = {}
    for file, found in zip(files, remarks, strict=True):
        for remark in found:
            kinds.setdefault(_FIGURES.sub('', remark), []).append(f'{file} {remark}')
    for same in kinds.values():
        count = '' if len(same) == 1 else f'{len(same)} of {len(files)} files are like this one: '
        print(f'{count}{same[0]}', file=sys.stderr, flush=True)
