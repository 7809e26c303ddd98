# SPDX-License-Identifier: Apache-2.0
"""The report of `evaluate`: trained models on a corpus, and which of its clips they were tested on."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ser_ros.errors import SerError
from ser_ros.files import whole_folder, write_text
from ser_ros.training.data.corpus import Corpus
from ser_ros.training.evaluation.measures import HEARINGS, MEASURES
from ser_ros.training.evaluation.results import Result
from ser_ros.training.provenance.environment import environment
from ser_ros.training.reporting.markdown import percent, table
from ser_ros.training.reporting.pictures import confusion_picture
from ser_ros.training.reporting.scores_markdown import (
    condition_lines,
    group_tables,
    recall_sentence,
    scores_lines,
    stream_lines,
)
from ser_ros.training.storage.json_files import REPORT, write_json


@dataclass(frozen=True)
class NumberedResult(Result):
    """A result among others.

    Attributes:
        confusion_picture: Name of its file.
    """

    confusion_picture: str


@dataclass(frozen=True)
class EvaluationReport:
    """What `evaluate` writes.

    Attributes:
        corpus: Name of what was tested.
        remarks: See Corpus.
    """

    corpus: str
    remarks: tuple[str, ...]
    results: tuple[NumberedResult, ...]
    command: str
    hardware: str
    versions: dict[str, str]


def evaluation_report(results: Sequence[Result], corpus: Corpus, command: str) -> EvaluationReport:
    """Return the report of `results` on this machine."""
    pictures = [f'confusion{f"-{number}" if len(results) > 1 else ""}.png' for number in range(1, len(results) + 1)]
    numbered = (
        NumberedResult(result.model, result.notes, result.evaluation, picture)
        for result, picture in zip(results, pictures, strict=True)
    )
    return EvaluationReport(corpus.name, corpus.remarks, tuple(numbered), command, **environment())


def evaluation_table(report: EvaluationReport) -> list[str]:
    """Return a Markdown table: a row for each model and hearing."""
    rows = []
    for result in report.results:
        for hearing in HEARINGS:
            scores = getattr(result.evaluation, hearing)
            figures = (percent(getattr(scores, measure)) for measure in MEASURES)
            rows.append([result.model, hearing.replace('_', ' '), str(scores.clips), *figures])
    return table(['model', 'heard', 'clips', *MEASURES.values()], rows)


def evaluation_lines(report: EvaluationReport) -> list[str]:
    """Return the report for a terminal: the notes and figures of each model, and a table of all."""
    lines = list(report.remarks)
    for result in report.results:
        lines += [f'{result.model} on {report.corpus}', *(f'  {note}' for note in result.notes)]
        for hearing, heading in HEARINGS.items():
            scores = getattr(result.evaluation, hearing)
            lines += ['', heading, scores.report, recall_sentence(scores)]
        lines += [*group_tables({'corpus': result.evaluation.utterance.groups.get('corpus', {})}), '']
    lines += evaluation_table(report)
    for result in report.results:
        if conditions := condition_lines(result.evaluation):
            lines += ['', result.model, *conditions]
        if streams := stream_lines(result.evaluation.streams):
            lines += ['', result.model, *streams]
    return lines


def evaluation_markdown(report: EvaluationReport) -> str:
    """Return the whole report."""
    used = ', '.join(f'{name} {version}' for name, version in report.versions.items())
    lines = [f'# Evaluation on {report.corpus}', '', *evaluation_table(report), '']
    lines += [f'- {report.hardware}; {used}', f'- `{report.command}`', *(f'- {remark}' for remark in report.remarks)]
    for result in report.results:
        lines += ['', f'## {result.model}', '', *(f'- {note}' for note in result.notes), '']
        lines += [f'![confusion, whole clips]({result.confusion_picture})']
        for hearing, heading in HEARINGS.items():
            lines += ['', f'### {heading.capitalize()}', '', *scores_lines(getattr(result.evaluation, hearing))]
        if conditions := condition_lines(result.evaluation):
            lines += ['', '### In other conditions', '', *conditions]
        if streams := stream_lines(result.evaluation.streams):
            lines += ['', '### In a stream', '', *streams]
    return '\n'.join(lines) + '\n'


def write_evaluation(report: EvaluationReport, out: Path) -> None:
    """Write report.md, report.json and a picture for each model into the new folder `out`, all or nothing.

    Raises SerError if the folder cannot be written.
    """
    try:
        with whole_folder(out) as made:
            made.mkdir()
            for result in report.results:
                scores = result.evaluation.whole_clip
                title = f'{result.model} on {report.corpus}, whole clips'
                confusion_picture(scores.labels, scores.confusion, made / result.confusion_picture, title)
            write_text(made / 'report.md', evaluation_markdown(report))
            write_json(made / REPORT, asdict(report))
    except OSError as error:
        raise SerError(f'{out} cannot be written ({error.strerror}); free some space or give another --out') from None
