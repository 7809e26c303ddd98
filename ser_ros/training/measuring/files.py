# SPDX-License-Identifier: Apache-2.0
"""The JSON files that runs leave in their folders."""

import json
from pathlib import Path

REPORT = 'report.json'
SUMMARY = 'summary.json'


def read_json(path: Path) -> dict:
    """Return what `write_json` wrote."""
    return json.loads(path.read_text(encoding='utf-8'))


def write_json(path: Path, values: dict) -> None:
    """Write `values` so that a reader sees the old file or the whole new one."""
    partial = path.with_name(f'.{path.name}.partial')
    partial.write_text(json.dumps(values, indent=1) + '\n', encoding='utf-8')
    partial.replace(path)
