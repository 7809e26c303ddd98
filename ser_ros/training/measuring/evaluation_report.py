# SPDX-License-Identifier: Apache-2.0
"""The report of `evaluate`: trained models on a corpus, and which of its clips they were tested on."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from ser_ros.errors import SerError
from ser_ros.training.measuring.evaluation import Evaluation
from ser_ros.training.measuring.files import REPORT, write_json
from ser_ros.training.measuring.markdown import percent, table
from ser_ros.training.measuring.measures import HEARINGS, MEASURES, condition_lines, scores_lines
from ser_ros.training.measuring.pictures import confusion_picture
from ser_ros.training.measuring.report import environment


@dataclass(frozen=True)
class Result:
    """One model, or several that answer as one.

    model: what to call it.
    notes: what a reader of the figures must know: which clips, which labels.
    """

    model: str
    evaluation: Evaluation
    notes: tuple[str, ...]


def evaluation_report(results: list[Result], corpus: str, command: str) -> dict:
    """Return plain values for JSON."""
    return {
        'corpus': corpus,
        'results': [
            {
                'model': result.model,
                'notes': list(result.notes),
                'confusion_picture': f'confusion{f"-{number}" if len(results) > 1 else ""}.png',
                'evaluation': result.evaluation.as_dict(),
            }
            for number, result in enumerate(results, start=1)
        ],
        'command': command,
        **environment(),
    }


def evaluation_table(report: dict) -> list[str]:
    """Return a Markdown table: a row for each model and hearing."""
    rows = [
        [
            result['model'],
            hearing.replace('_', ' '),
            str(result['evaluation'][hearing]['clips']),
            *(percent(result['evaluation'][hearing][measure]) for measure in MEASURES),
        ]
        for result in report['results']
        for hearing in HEARINGS
    ]
    return table(['model', 'heard', 'clips', *MEASURES.values()], rows)


def evaluation_markdown(report: dict) -> str:
    """Return the whole report."""
    used = ', '.join(f'{name} {version}' for name, version in report['versions'].items())
    lines = [f'# Evaluation on {report["corpus"]}', '', *evaluation_table(report), '']
    lines += [f'- {report["hardware"]}; {used}', f'- `{report["command"]}`']
    for result in report['results']:
        lines += ['', f'## {result["model"]}', '', *(f'- {note}' for note in result['notes']), '']
        lines += [f'![confusion, whole clips]({result["confusion_picture"]})']
        for hearing, heading in HEARINGS.items():
            lines += ['', f'### {heading.capitalize()}', '', *scores_lines(result['evaluation'][hearing])]
        if conditions := condition_lines(result['evaluation']):
            lines += ['', '### In other conditions', '', *conditions]
    return '\n'.join(lines) + '\n'


def write_evaluation(report: dict, out: Path) -> None:
    """Write report.md, report.json and a picture for each model into the new folder `out`, all or nothing.

    Raises SerError where the folder cannot be written.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f'.{out.name}.') as name:
            made = Path(name) / 'report'
            made.mkdir()
            for result in report['results']:
                scores = result['evaluation']['whole_clip']
                title = f'{result["model"]} on {report["corpus"]}, whole clips'
                confusion_picture(scores['labels'], scores['confusion'], made / result['confusion_picture'], title)
            (made / 'report.md').write_text(evaluation_markdown(report), encoding='utf-8')
            write_json(made / REPORT, report)
            made.replace(out)
    except OSError as error:
        raise SerError(f'{out} cannot be written ({error.strerror}); free some space or give another --out') from None
