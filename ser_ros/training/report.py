# SPDX-License-Identifier: Apache-2.0
"""Reports of a run and of all folds of a protocol, as JSON for programs and Markdown for people."""

import json
import os
import platform
import statistics
from pathlib import Path

import torch
import transformers

REPORT = 'report.json'
SUMMARY = 'summary.json'

HEARINGS = {'whole_clip': 'whole clips', 'utterance': 'utterances as the node cuts them'}
"""The two ways in which test clips are heard -> heading."""

MEASURES = {'accuracy': 'accuracy', 'unweighted_recall': 'unweighted recall', 'macro_f1': 'macro F1'}

_SHARED = ('recipe', 'protocol', 'folds', 'labels', 'seed', 'settings', 'hardware', 'versions')


def environment() -> dict:
    """Return the hardware and the versions that decide speed and figures."""
    if torch.cuda.is_available():
        hardware = torch.cuda.get_device_name()
    else:
        threads = torch.get_num_threads()
        hardware = f'CPU {_cpu_name()}, {threads} thread{"s" * (threads > 1)} of {os.cpu_count()} cores'
    return {
        'hardware': hardware,
        'versions': {
            'python': platform.python_version(),
            'torch': torch.__version__,
            'transformers': transformers.__version__,
        },
    }


def summarise(reports: list[dict]) -> dict:
    """Return mean and standard deviation (n - 1) over folds, and the figures of each, from all reports."""
    shared = {key: reports[0][key] for key in _SHARED}
    return {
        **shared,
        'test_clips': sum(report['test_clips'] for report in reports),
        'training_minutes': round(sum(report['training_minutes'] for report in reports), 1),
        'commands': sorted({report['command'] for report in reports}),
        'mean': _over_folds(reports, statistics.mean),
        'deviation': _over_folds(reports, statistics.stdev),
        'per_fold': [
            {
                'fold': report['fold'],
                'test_speakers': report['test_speakers'],
                'training_minutes': report['training_minutes'],
                **{
                    hearing: {measure: report['evaluation'][hearing][measure] for measure in MEASURES}
                    for hearing in HEARINGS
                },
            }
            for report in reports
        ],
        'confusion': {
            hearing: [
                [sum(cells) for cells in zip(*rows, strict=True)]
                for rows in zip(*(report['evaluation'][hearing]['confusion'] for report in reports), strict=True)
            ]
            for hearing in HEARINGS
        },
    }


def run_markdown(report: dict) -> str:
    """Return the report of one run."""
    fold = f', fold {report["fold"]} of {report["folds"]}' if report['folds'] > 1 else ''
    lines = [
        f'# {report["recipe"]}: {report["protocol"]}{fold}',
        '',
        f'- trained on {report["train_clips"]} clips of {len(report["train_speakers"])} speakers '
        f'in {report["training_minutes"]:.1f} minutes',
        f'- tested on {report["test_clips"]} clips'
        + (f' of the speakers {", ".join(map(str, report["test_speakers"]))}' if report['test_speakers'] else ''),
        *_provenance(report, [report['command']]),
    ]
    if report['evaluation']:
        for hearing, heading in HEARINGS.items():
            scores = report['evaluation'][hearing]
            figures = ', '.join(f'{name} {percent(scores[measure])}' for measure, name in MEASURES.items())
            lines += ['', f'## {heading.capitalize()}', '', figures, '', '```', scores['report'].rstrip(), '```', '']
            lines += confusion_table(report['labels'], scores['confusion'])
    return '\n'.join(lines) + '\n'


def summary_markdown(summary: dict) -> str:
    """Return the report of all folds together."""
    lines = [
        f'# {summary["recipe"]}: {summary["protocol"]}, {summary["folds"]} folds',
        '',
        f'- tested on {summary["test_clips"]} clips, each once; {summary["training_minutes"]:.0f} minutes of training '
        'in all',
        *_provenance(summary, summary['commands']),
        '',
        *fold_table(summary),
    ]
    for hearing, heading in HEARINGS.items():
        lines += [
            '',
            f'## Confusion, {heading}',
            '',
            *confusion_table(summary['labels'], summary['confusion'][hearing]),
        ]
    return '\n'.join(lines) + '\n'


def fold_table(summary: dict) -> list[str]:
    """Return a Markdown table: a row for each fold, the mean and the deviation over folds."""
    columns = [(hearing, measure) for hearing in HEARINGS for measure in MEASURES]
    headings = [f'{hearing.replace("_", " ")}: {MEASURES[measure]}' for hearing, measure in columns]
    lines = ['| fold | test speakers | ' + ' | '.join(headings) + ' |', '|---' * (len(columns) + 2) + '|']
    for fold in summary['per_fold']:
        cells = [percent(fold[hearing][measure]) for hearing, measure in columns]
        speakers = ' '.join(map(str, fold['test_speakers']))
        lines.append(f'| {fold["fold"]} | {speakers} | ' + ' | '.join(cells) + ' |')
    for name in ('mean', 'deviation'):
        cells = [percent(summary[name][hearing][measure]) for hearing, measure in columns]
        lines.append(f'| {name} | | ' + ' | '.join(cells) + ' |')
    return lines


def confusion_table(labels: list[str], confusion: list[list[int]]) -> list[str]:
    """Return a Markdown table whose rows are the true labels and whose columns are the answers."""
    lines = ['| true, answered | ' + ' | '.join(labels) + ' |', '|---' * (len(labels) + 1) + '|']
    return lines + [
        f'| {label} | ' + ' | '.join(map(str, row)) + ' |' for label, row in zip(labels, confusion, strict=True)
    ]


def percent(share: float) -> str:
    """Return 0.5347 as '53.5 %'."""
    return f'{share * 100:.1f} %'


def read_json(path: Path) -> dict:
    """Return what `write_json` wrote."""
    return json.loads(path.read_text(encoding='utf-8'))


def write_json(path: Path, values: dict) -> None:
    """Write `values` so that a reader sees the old file or the whole new one."""
    partial = path.with_name(f'.{path.name}.partial')
    partial.write_text(json.dumps(values, indent=1) + '\n', encoding='utf-8')
    partial.replace(path)


def _provenance(report: dict, commands: list[str]) -> list[str]:
    used = ', '.join(f'{name} {version}' for name, version in report['versions'].items())
    return [
        f'- seed {report["seed"]}; a fixed number of epochs, the last one is taken: nothing is chosen on test clips',
        f'- {report["hardware"]}; {used}',
        *(f'- `{command}`' for command in commands),
    ]


def _over_folds(reports: list[dict], statistic) -> dict:
    return {
        hearing: {
            measure: statistic([report['evaluation'][hearing][measure] for report in reports]) for measure in MEASURES
        }
        for hearing in HEARINGS
    }


def _cpu_name() -> str:
    try:
        lines = Path('/proc/cpuinfo').read_text(encoding='utf-8').splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(':')[2].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.machine()
