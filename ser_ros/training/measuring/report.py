# SPDX-License-Identifier: Apache-2.0
"""Reports of a run and of all folds of a protocol, as JSON for programs and Markdown for people."""

import importlib.metadata
import json
import os
import platform
import statistics
from pathlib import Path

import torch
import transformers

from ser_ros.training.data.splits import PROTOCOLS
from ser_ros.training.measuring.markdown import confusion_table, megabytes, percent, table
from ser_ros.training.measuring.measures import (
    CONDITION_MEASURES,
    HEARINGS,
    MEASURES,
    condition_lines,
    scores_lines,
)

REPORT = 'report.json'
SUMMARY = 'summary.json'

SELECTIONS = {
    'last': 'a fixed number of epochs, the last one is taken: nothing is chosen on test clips',
    'validation': 'the checkpoint is chosen on validation clips, which neither train nor test',
    'test': 'the checkpoint is chosen on the test clips, as in the study: optimistic',
}
"""How the checkpoint was chosen -> what a reader must know."""

_OPTIMISTIC = '**Chosen on the test clips: optimistic. Do not compare with figures that were not.**'

_SHARED = ('recipe', 'protocol', 'folds', 'labels', 'seed', 'settings', 'hardware', 'versions')
_SHARED_IN_NEW_REPORTS = ('corpus', 'initial_weights', 'parameters', 'model_megabytes', 'processes')
_OF_EACH_FOLD = ('fold', 'test_speakers', 'training_minutes')
_OF_EACH_FOLD_IN_NEW_REPORTS = (
    'chosen_step',
    'steps',
    'steps_per_second',
    'validation_accuracy',
    'temperature',
    'peak_gpu_memory_gib',
)
_PACKAGES = ('torchaudio', 'datasets', 'scikit-learn', 'accelerate')


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
            **_installed(_PACKAGES),
        },
    }


def summarise(reports: list[dict]) -> dict:
    """Return mean and standard deviation (n - 1) over folds, and the figures of each, from all reports."""
    measures = [
        measure for measure in MEASURES if all(measure in report['evaluation']['whole_clip'] for report in reports)
    ]
    return {
        **{key: reports[0][key] for key in _SHARED},
        **{key: reports[0][key] for key in _SHARED_IN_NEW_REPORTS if key in reports[0]},
        **_selection(reports),
        'test_clips': sum(report['test_clips'] for report in reports),
        'training_minutes': round(sum(report['training_minutes'] for report in reports), 1),
        'commands': sorted({report['command'] for report in reports}),
        'mean': _over_folds(reports, measures, statistics.mean),
        'deviation': _over_folds(reports, measures, statistics.stdev),
        'per_fold': [
            {
                **{key: report[key] for key in _OF_EACH_FOLD},
                **{key: report[key] for key in _OF_EACH_FOLD_IN_NEW_REPORTS if key in report},
                **{
                    hearing: {measure: report['evaluation'][hearing][measure] for measure in measures}
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
    lines = [f'# {report["recipe"]}: {report["protocol"]}{fold}', '', *optimism(report)]
    lines += [f'- {fact}' for fact in _data_facts(report) + _training_facts(report)]
    lines += _provenance(report, [report['command']])
    if 'selection' in report:
        lines += ['', '![training curves](curves.png)']
    if report['evaluation']:
        if 'selection' in report:
            lines += ['', '![confusion, whole clips](confusion.png)']
        for hearing, heading in HEARINGS.items():
            lines += ['', f'## {heading.capitalize()}', '', *scores_lines(report['evaluation'][hearing])]
        lines += _conditions(report['evaluation'])
    return '\n'.join(lines) + '\n'


def summary_markdown(summary: dict) -> str:
    """Return the report of all folds together."""
    facts = [f'protocol {_protocol(summary["protocol"])}', *_weights_facts(summary)]
    lines = [
        f'# {summary["recipe"]}: {summary["protocol"]}, {summary["folds"]} folds',
        '',
        *optimism(summary),
        *(f'- {fact}' for fact in facts),
        f'- tested on {summary["test_clips"]} clips, each once; {summary["training_minutes"]:.0f} minutes of training '
        'in all',
        *_provenance(summary, summary['commands']),
        '',
        *fold_table(summary),
    ]
    if 'selection' in summary:
        lines += ['', '![confusion of all folds, whole clips](confusion.png)']
    for hearing, heading in HEARINGS.items():
        lines += [
            '',
            f'## Confusion, {heading}',
            '',
            *confusion_table(summary['labels'], summary['confusion'][hearing]),
        ]
    lines += _conditions(summary['mean'])
    return '\n'.join(lines) + '\n'


def fold_table(summary: dict) -> list[str]:
    """Return a Markdown table: a row for each fold, the mean and the deviation over folds."""
    columns = [
        (hearing, measure) for hearing in HEARINGS for measure in MEASURES if measure in summary['mean'][hearing]
    ]

    def row(name: str, speakers: str, scores: dict) -> list[str]:
        return [name, speakers, *(percent(scores[hearing][measure]) for hearing, measure in columns)]

    rows = [row(str(fold['fold']), ' '.join(map(str, fold['test_speakers'])), fold) for fold in summary['per_fold']]
    rows += [row(name, '', summary[name]) for name in ('mean', 'deviation')]
    headings = [f'{hearing.replace("_", " ")}: {MEASURES[measure]}' for hearing, measure in columns]
    return table(['fold', 'test speakers', *headings], rows)


def optimism(report: dict) -> list[str]:
    """Return a warning where the test clips chose the checkpoint, else nothing."""
    return [_OPTIMISTIC, ''] if report.get('selection') == 'test' else []


def is_random(report: dict) -> bool:
    """Return whether the model of a run or summary began with random weights, as all did whose reports say nothing."""
    return report.get('initial_weights', 'random') == 'random'


def read_json(path: Path) -> dict:
    """Return what `write_json` wrote."""
    return json.loads(path.read_text(encoding='utf-8'))


def write_json(path: Path, values: dict) -> None:
    """Write `values` so that a reader sees the old file or the whole new one."""
    partial = path.with_name(f'.{path.name}.partial')
    partial.write_text(json.dumps(values, indent=1) + '\n', encoding='utf-8')
    partial.replace(path)


def teaching_facts(report: dict) -> list[str]:
    """Return what taught the model besides the labels; nothing where nothing did."""
    facts = [f'the answers of the teacher {report["teacher"]}'] if report.get('teacher') else []
    for key, what in (('taught_speech', 'speech that it labelled'), ('ordinary_speech', 'ordinary speech')):
        if report.get(key):
            facts.append(f'{what}: {", ".join(report[key])}')
    return facts


def _conditions(evaluation: dict) -> list[str]:
    lines = condition_lines(evaluation)
    return ['', '## In other conditions', '', *lines] if lines else []


def _data_facts(report: dict) -> list[str]:
    trained = f'trained on {report["train_clips"]} clips{_count_speakers(report["train_speakers"])}'
    tested = f'tested on {report["test_clips"]} clips{_name_speakers(report["test_speakers"])}'
    facts = [f'protocol {_protocol(report["protocol"])}', f'{trained} in {report["training_minutes"]:.1f} minutes']
    if report.get('corpus'):
        facts.insert(0, f'corpus {report["corpus"]}')
    if report.get('validation_clips'):
        facts.append(
            f'validated on {report["validation_clips"]} clips{_name_speakers(report.get("validation_speakers", []))}'
        )
    return [*facts, tested]


def _training_facts(report: dict) -> list[str]:
    facts = [*_weights_facts(report), *teaching_facts(report)]
    if report.get('steps'):
        taken = report.get('chosen_step') or report['steps']
        pace = f', {report["steps_per_second"]:.2f} steps a second' if report.get('steps_per_second') else ''
        processes = f', {report["processes"]} processes' if report.get('processes', 1) > 1 else ''
        facts.append(f'step {taken} of {report["steps"]} is taken{pace}{processes}')
    if report.get('validation_accuracy') is not None:
        facts.append(f'accuracy on the clips that chose the checkpoint {percent(report["validation_accuracy"])}')
    if report.get('temperature', 1.0) != 1.0:
        facts.append(
            f'calibrated on the validation clips: logits are divided by the temperature {report["temperature"]:.3g}'
        )
    if report.get('peak_gpu_memory_gib'):
        facts.append(f'peak GPU memory {report["peak_gpu_memory_gib"]:.1f} GiB')
    return facts


def _weights_facts(report: dict) -> list[str]:
    facts = []
    if 'initial_weights' in report:
        facts.append('random initial weights' if is_random(report) else f'initial weights {report["initial_weights"]}')
    if report.get('parameters'):
        facts.append(f'{report["parameters"] / 1e6:.1f} M parameters, {megabytes(report["model_megabytes"])} on disk')
    return facts


def _provenance(report: dict, commands: list[str]) -> list[str]:
    used = ', '.join(f'{name} {version}' for name, version in report['versions'].items())
    return [
        f'- seed {report["seed"]}; {SELECTIONS[report.get("selection", "last")]}',
        f'- {report["hardware"]}; {used}',
        *(f'- `{command}`' for command in commands),
    ]


def _protocol(name: str) -> str:
    return f'{name}: {PROTOCOLS[name]}' if name in PROTOCOLS else name


def _count_speakers(speakers: list) -> str:
    return f' of {len(speakers)} speakers' if speakers else ''


def _name_speakers(speakers: list) -> str:
    return f' of the speakers {", ".join(map(str, speakers))}' if speakers else ''


def _selection(reports: list[dict]) -> dict:
    """Return the most optimistic way in which any fold's checkpoint was chosen; nothing for old reports."""
    found = {report['selection'] for report in reports if 'selection' in report}
    return {'selection': next(name for name in ('test', 'validation', 'last') if name in found)} if found else {}


def _over_folds(reports: list[dict], measures: list[str], statistic) -> dict:
    evaluations = [report['evaluation'] for report in reports]
    over = {
        hearing: {measure: statistic([each[hearing][measure] for each in evaluations]) for measure in measures}
        for hearing in HEARINGS
    }
    if all('conditions' in each for each in evaluations):
        over['conditions'] = {
            name: {
                measure: statistic([each['conditions'][name][measure] for each in evaluations])
                for measure in CONDITION_MEASURES
            }
            for name in evaluations[0]['conditions']
        }
    return over


def _installed(packages: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _cpu_name() -> str:
    try:
        lines = Path('/proc/cpuinfo').read_text(encoding='utf-8').splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(':')[2].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.machine()
