# SPDX-License-Identifier: Apache-2.0
"""The one place that writes the reports of a run: JSON, Markdown, pictures and card."""

from pathlib import Path

from ser_ros.files import write_text
from ser_ros.training.reporting.card_file import TRAINED, put_part
from ser_ros.training.reporting.model_card import model_card
from ser_ros.training.reporting.pictures import confusion_picture, curves_picture
from ser_ros.training.reporting.run_markdown import run_markdown
from ser_ros.training.reporting.run_report import RunReport
from ser_ros.training.reporting.summary import Summary
from ser_ros.training.reporting.summary_markdown import summary_markdown
from ser_ros.training.reporting.supplement import Supplement
from ser_ros.training.storage.json_files import REPORT, SUMMARY, write_json

_CONFUSION = 'confusion.png'


def write_run_folder(folder: Path, report: RunReport, supplement: Supplement = Supplement()) -> None:
    """Write `report` into the model's `folder`, replacing an earlier one; of the card only train's part."""
    write_text(folder / 'report.md', run_markdown(report))
    curves_picture(report.training_log, folder / 'curves.png', report.name, chosen_step=report.chosen_step)
    if report.evaluation:
        scores = report.evaluation.whole_clip
        confusion_picture(scores.labels, scores.confusion, folder / _CONFUSION, report.name)
    put_part(folder, TRAINED, model_card(report, supplement))
    write_json(folder / REPORT, report.to_json())


def write_summary_folder(folder: Path, summary: Summary) -> None:
    """Write `summary` into `folder`, which contains the folds."""
    write_text(folder / 'summary.md', summary_markdown(summary))
    title = f'{summary.recipe}, {summary.protocol}, all {summary.folds} folds'
    confusion_picture(summary.labels, summary.confusion['whole_clip'], folder / _CONFUSION, title)
    write_json(folder / SUMMARY, summary.to_json())
