# SPDX-License-Identifier: Apache-2.0
"""The summary of a protocol's folds for people, in Markdown."""

from ser_ros.training.data.protocols import LEAVE_ONE_CORPUS_OUT
from ser_ros.training.evaluation.measures import HEARINGS, MEASURES
from ser_ros.training.evaluation.scores import Hearings
from ser_ros.training.evaluation.stream_scores import MOSTLY_ORDINARY
from ser_ros.training.evaluation.streams import WARM_UP
from ser_ros.training.reporting.markdown import confusion_table, percent, table
from ser_ros.training.reporting.origins_markdown import pretraining_lines
from ser_ros.training.reporting.run_markdown import (
    RESTRICTED,
    conditions_section,
    held_out_speech_section,
    is_restricted,
    optimism,
    protocol_name,
    run_facts,
    streams_section,
    teaching_facts,
    weights_facts,
)
from ser_ros.training.reporting.scores_markdown import (
    STREAM_HEADINGS,
    group_tables,
    interval_words,
    largest_confusions,
    stream_cells,
)
from ser_ros.training.reporting.summary import FoldFigures, Summary


def summary_markdown(summary: Summary) -> str:
    """Return the report of all folds together."""
    facts = [f'protocol {protocol_name(summary.protocol)}', *weights_facts(summary), *teaching_facts(summary)]
    lines = [
        f'# {summary.recipe}: {summary.protocol}, {summary.folds} folds',
        '',
        *optimism(summary),
        *(f'- {fact}' for fact in facts),
        (
            f'- tested on {summary.test_clips} clips, each once; '
            f'{summary.training_minutes:.0f} minutes of training in all'
        ),
        *run_facts(summary, summary.commands),
        *(f'- {remark}' for remark in summary.remarks),
        '',
        *fold_table(summary),
        '',
        *recall_lines(summary),
        '',
        '![confusion of all folds, whole clips](confusion.png)',
    ]
    if pooled := pooled_calibration(summary):
        lines += ['', pooled]
    for hearing, heading in HEARINGS.items():
        confusion = summary.confusion[hearing]
        lines += ['', f'## {heading.capitalize()}', '', *confusion_table(summary.labels, confusion)]
        lines += ['', largest_confusions(summary.labels, confusion)]
        lines += group_tables(summary.groups[hearing])
    lines += conditions_section(summary.mean)
    lines += streams_section(summary.mean)
    lines += held_out_speech_section(summary)
    if summary.pretraining:
        lines += ['', '## Pretraining', '', *pretraining_lines(summary.pretraining)]
    return '\n'.join(lines) + '\n'


def fold_table(summary: Summary) -> list[str]:
    """Return a Markdown table: a row for each fold, the mean and the deviation over folds."""
    columns = [
        (hearing, measure)
        for hearing in HEARINGS
        for measure in MEASURES
        if getattr(getattr(summary.mean, hearing), measure) is not None
    ]

    def row(name: str, speakers: str, heard: Hearings | FoldFigures) -> list[str]:
        return [name, speakers, *(percent(getattr(getattr(heard, hearing), measure)) for hearing, measure in columns)]

    apart = summary.protocol == LEAVE_ONE_CORPUS_OUT
    rows = [
        row(str(fold.fold), ' '.join(map(str, fold.test_corpora if apart else fold.test_speakers)), fold)
        for fold in summary.per_fold
    ]
    rows += [row('mean', '', summary.mean), row('deviation', '', summary.deviation)]
    headings = [f'{hearing.replace("_", " ")}: {MEASURES[measure]}' for hearing, measure in columns]
    return table(['fold', 'test corpus' if apart else 'test speakers', *headings], rows)


def recall_lines(summary: Summary) -> list[str]:
    """Return how far the unweighted recalls may be trusted: of all clips, or of each fold's, and what chance is."""
    restricted = is_restricted(summary.chance, summary.labels)
    chance = f'Chance is {percent(summary.chance)}' + (f': {RESTRICTED}.' if restricted else '.')
    if summary.pooled_recall:
        recalls = [
            f'{percent(pooled.unweighted_recall)}, {interval_words(pooled.interval)}, on {HEARINGS[hearing]}'
            for hearing, pooled in summary.pooled_recall.items()
        ]
        return [f'Unweighted recall of all {summary.test_clips} test clips together: {"; ".join(recalls)}. {chance}']
    if not any(fold.recall_intervals for fold in summary.per_fold):
        return [chance]
    rows = [
        [
            str(fold.fold),
            ', '.join(fold.test_corpora),
            percent(fold.chance),
            *(cell for hearing in HEARINGS for cell in _recall_cells(fold, hearing)),
        ]
        for fold in summary.per_fold
    ]
    headings = [
        heading
        for hearing in HEARINGS
        for heading in (f'{hearing.replace("_", " ")}: {MEASURES["unweighted_recall"]}', '95 % over speakers')
    ]
    lines = [chance, '', *table(['fold', 'tested on', 'chance', *headings], rows)]
    if streams := _mostly_ordinary_rows(summary):
        what = f'As a robot hears them, {MOSTLY_ORDINARY}, after {WARM_UP} ordinary utterances:'
        lines += ['', what, '', *table(['fold', 'tested on', *STREAM_HEADINGS], streams)]
    return lines


def _mostly_ordinary_rows(summary: Summary) -> list[list[str]]:
    return [
        [str(fold.fold), ', '.join(fold.test_corpora), *stream_cells(stream)]
        for fold in summary.per_fold
        if (stream := fold.mostly_ordinary)
    ]


def _recall_cells(fold: FoldFigures, hearing: str) -> tuple[str, str]:
    interval = fold.recall_intervals.get(hearing)
    recall = percent(getattr(fold, hearing).unweighted_recall)
    return recall, f'{percent(interval.low)} to {percent(interval.high)} ({interval.speakers})' if interval else ''


def pooled_calibration(summary: Summary) -> str:
    """Return the calibration error over the test clips of all folds together; '' if it was not measured."""
    if not summary.pooled:
        return ''
    errors = [
        f'{percent(pooled.calibration_error)} on {HEARINGS[hearing]} ({percent(pooled.uncalibrated_error)} '
        'without the temperatures)'
        for hearing, pooled in summary.pooled.items()
    ]
    return (
        f'Calibration error of all {summary.test_clips} test clips together: {", ".join(errors)}. The mean over folds '
        "is larger by what chance adds to few clips in each bin. Each fold's temperature was fitted to the answers of "
        'the other folds.'
    )
