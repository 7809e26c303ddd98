# SPDX-License-Identifier: Apache-2.0
"""What a model card tells besides the report of its own run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ser_ros.errors import SerError
from ser_ros.training.measuring.files import read_json


@dataclass(frozen=True)
class Supplement:
    """Figures from elsewhere; all may be missing.

    scores: summary of the same recipe's folds, for a model that has no test clips of its own.
    reports: of models of other recipes or protocols.
    notes: Markdown of further measurements.
    """

    scores: dict | None = None
    reports: tuple[dict, ...] = ()
    notes: str = ''

    def __bool__(self) -> bool:
        """Whether there is anything to tell."""
        return self != Supplement()


def read_supplement(scores: Path | None, reports: Sequence[Path], notes: Path | None) -> Supplement:
    """Read a `summary.json`, some `report.json` and a Markdown file. Raises SerError."""
    return Supplement(
        scores=_read_scores(scores) if scores else None,
        reports=tuple(map(_read_report, reports)),
        notes=_read_notes(notes) if notes else '',
    )


def _read_scores(path: Path) -> dict:
    scores = _read(path)
    if 'per_fold' not in scores:
        raise SerError(f'{path} is no summary of folds; give the summary.json that the folds of the same recipe left')
    return scores


def _read_report(path: Path) -> dict:
    report = _read(path)
    if not report.get('evaluation'):
        raise SerError(f'{path} is no report of a measured model; give the report.json that train left in its folder')
    return report


def _read_notes(path: Path) -> str:
    try:
        return path.read_text(encoding='utf-8').strip()
    except (OSError, ValueError):
        raise SerError(f'{path} cannot be read as text; give a Markdown file with what the card shall tell') from None


def _read(path: Path) -> dict:
    try:
        values = read_json(path)
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
