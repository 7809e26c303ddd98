# SPDX-License-Identifier: Apache-2.0
"""The summary of all folds of a protocol, as JSON for programs and Markdown for people."""

import statistics

from ser_ros.training.measuring.held_out_speech import held_out_speech_lines
from ser_ros.training.measuring.markdown import confusion_table, percent, table
from ser_ros.training.measuring.measures import (
    CONDITION_MEASURES,
    HEARINGS,
    MEASURES,
    group_tables,
    largest_confusions,
)
from ser_ros.training.measuring.provenance import pretraining_lines, teaching_facts
from ser_ros.training.measuring.report import conditions_section, optimism, protocol_name, run_facts, weights_facts

_SHARED = ('recipe', 'protocol', 'folds', 'labels', 'seed', 'settings', 'hardware', 'versions')
_SHARED_IN_NEW_REPORTS = (
    'corpus',
    'initial_weights',
    'pretraining',
    'teacher',
    'taught_speech',
    'ordinary_speech',
    'parameters',
    'model_megabytes',
    'processes',
)
_OF_EACH_FOLD = ('fold', 'test_speakers', 'training_minutes')
_OF_EACH_FOLD_IN_NEW_REPORTS = (
    'chosen_step',
    'steps',
    'steps_per_second',
    'validation_accuracy',
    'temperature',
    'peak_gpu_memory_gib',
)


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
        'groups': {hearing: _groups([report['evaluation'][hearing] for report in reports]) for hearing in HEARINGS},
        **_held_out_speech(reports),
    }


def summary_markdown(summary: dict) -> str:
    """Return the report of all folds together."""
    facts = [f'protocol {protocol_name(summary["protocol"])}', *weights_facts(summary), *teaching_facts(summary)]
    lines = [
        f'# {summary["recipe"]}: {summary["protocol"]}, {summary["folds"]} folds',
        '',
        *optimism(summary),
        *(f'- {fact}' for fact in facts),
        (
            f'- tested on {summary["test_clips"]} clips, each once; '
            f'{summary["training_minutes"]:.0f} minutes of training in all'
        ),
        *run_facts(summary, summary['commands']),
        '',
        *fold_table(summary),
    ]
    if 'selection' in summary:
        lines += ['', '![confusion of all folds, whole clips](confusion.png)']
    if pooled := pooled_calibration(summary):
        lines += ['', pooled]
    for hearing, heading in HEARINGS.items():
        confusion = summary['confusion'][hearing]
        lines += ['', f'## {heading.capitalize()}', '', *confusion_table(summary['labels'], confusion)]
        lines += ['', largest_confusions(summary['labels'], confusion)]
        lines += group_tables(summary.get('groups', {}).get(hearing, {}))
    lines += conditions_section(summary['mean'])
    if told := held_out_speech_lines(summary.get('held_out_speech')):
        lines += ['', '## Held-out speech', '', *told]
    if summary.get('pretraining'):
        lines += ['', '## Pretraining', '', *pretraining_lines(summary['pretraining'])]
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


def pooled_calibration(summary: dict) -> str:
    """Return the calibration error over the test clips of all folds together; '' where it was not measured."""
    if 'pooled' not in summary:
        return ''
    told = [
        f'{percent(pooled["calibration_error"])} on {HEARINGS[hearing]} ({percent(pooled["uncalibrated_error"])} '
        'without the temperatures)'
        for hearing, pooled in summary['pooled'].items()
    ]
    return (
        f'Calibration error of all {summary["test_clips"]} test clips together: {", ".join(told)}. The mean over folds '
        "is larger by what chance adds to few clips in each bin. Each fold's temperature was fitted to the answers of "
        'the other folds.'
    )


def _groups(scores: list[dict]) -> dict[str, dict[str, dict[str, float]]]:
    """Return the groups of all folds, each with all its clips."""
    pooled = {}
    for groups in (each.get('groups', {}) for each in scores):
        for kind, members in groups.items():
            for name, member in members.items():
                known = pooled.setdefault(kind, {}).setdefault(name, {'clips': 0, 'accuracy': 0.0})
                clips = known['clips'] + member['clips']
                right = known['clips'] * known['accuracy'] + member['clips'] * member['accuracy']
                known |= {'clips': clips, 'accuracy': right / clips}
    return {kind: dict(sorted(members.items(), key=_number_first)) for kind, members in pooled.items()}


def _number_first(item: tuple[str, dict]) -> tuple[int, str]:
    return (int(item[0]), '') if item[0].isdigit() else (0, item[0])


def _held_out_speech(reports: list[dict]) -> dict:
    told = [report.get('held_out_speech') for report in reports]
    if not all(told):
        return {}
    answers = {label: statistics.mean(each['answers'][label] for each in told) for label in told[0]['answers']}
    return {'held_out_speech': {**told[0], 'answers': answers}}


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
