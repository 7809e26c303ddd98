# SPDX-License-Identifier: Apache-2.0
"""What a model card shows besides the report of its own run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ser_ros.errors import SerError
from ser_ros.training.reporting.run_report import RunReport, read_run_report
from ser_ros.training.reporting.summary import Summary, read_summary


@dataclass(frozen=True)
class Supplement:
    """Figures from elsewhere; all may be missing.

    Attributes:
        scores: Summary of the same recipe's folds, for a model that has no test clips of its own.
        others: Reports and summaries of models of other recipes or protocols.
        notes: Markdown of further measurements.
    """

    scores: Summary | None = None
    others: tuple[RunReport | Summary, ...] = ()
    notes: str = ''

    def __bool__(self) -> bool:
        """Whether there is anything to show."""
        return self != Supplement()


def read_supplement(scores: Path | None, others: Sequence[Path], notes: Path | None) -> Supplement:
    """Read a `summary.json`, some files of either kind, and a Markdown file. Raises SerError."""
    return Supplement(
        scores=_read_scores(scores) if scores else None,
        others=tuple(map(_read_other, others)),
        notes=_read_notes(notes) if notes else '',
    )


def _read_scores(path: Path) -> Summary:
    scores = read_summary(path)
    if scores is None:
        raise SerError(f'{path} is not a summary of folds; give the summary.json of the folds of the same recipe')
    return scores


def _read_other(path: Path) -> RunReport | Summary:
    if summary := read_summary(path):
        return summary
    report = read_run_report(path)
    if report is None or report.evaluation is None:
        raise SerError(
            f'{path} is not a report of a measured model; give the report.json in its folder, or the summary.json of '
            'its folds'
        )
    return report


def _read_notes(path: Path) -> str:
    try:
        return path.read_text(encoding='utf-8').strip()
    except (OSError, ValueError):
        raise SerError(f'{path} cannot be read as text; give a Markdown file for the card') from None
