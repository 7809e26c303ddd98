# SPDX-License-Identifier: Apache-2.0
"""What was measured, in Markdown: figures, confusions, groups of clips, conditions and held-out speech."""

from collections.abc import Sequence

from ser_ros.emotions import UNKNOWN
from ser_ros.recognition.adaptation import ORDINARY
from ser_ros.training.evaluation.conditions import CONDITION_NAMES
from ser_ros.training.evaluation.held_out_speech import HeldOutSpeech
from ser_ros.training.evaluation.measures import ALL_LABELS, CONDITION_MEASURES, MEASURES, ORDINARY_CALLED_EMOTION
from ser_ros.training.evaluation.scores import (
    Confusion,
    Figures,
    Group,
    Groups,
    Hearings,
    RecallInterval,
    Scores,
    StreamFigures,
)
from ser_ros.training.evaluation.stream_scores import MOSTLY_ORDINARY
from ser_ros.training.reporting.markdown import confusion_table, percent, percent_if_known, table

_GROUPS_WITH_RECALL = ('corpus', 'sex')
"""Kinds of groups that are large enough for a recall."""

STREAM_HEADINGS = (
    MEASURES['unweighted_recall'],
    f'{MEASURES["unweighted_recall"]}, adapting',
    ALL_LABELS,
    *(
        heading
        for measure in (MEASURES['calibration_error'], ORDINARY_CALLED_EMOTION)
        for heading in (measure, f'{measure}, adapting')
    ),
)
"""Of the figures of a stream in a table."""

_SHOWN_COVERAGE = 2
"""Of so many points of a curve one is shown in a table."""

_SHOWN_CONFIDENCES = (0.5, 0.6, 0.7, 0.8)
"""Of LEAST_CONFIDENCES, for held-out speech."""


def condition_lines(heard: Hearings | None) -> list[str]:
    """Return a table of the conditions and of what each costs; nothing if they were not measured."""
    if heard is None or not heard.conditions:
        return []
    clean = heard.utterance
    rows = [['as recorded', *(percent(getattr(clean, measure)) for measure in CONDITION_MEASURES), '']]
    for name, figures in heard.conditions.items():
        lost = (clean.accuracy - figures.accuracy) * 100
        rows.append(
            [
                CONDITION_NAMES[name],
                *(percent(getattr(figures, measure)) for measure in CONDITION_MEASURES),
                f'{lost:.1f}',
            ]
        )
    headings = [MEASURES[measure] for measure in CONDITION_MEASURES]
    return table(['utterances heard', *headings, 'points of accuracy lost'], rows)


def stream_lines(streams: Sequence[StreamFigures]) -> list[str]:
    """Return a table of the streams, and one of what a least confidence does; nothing if there are no streams."""
    if not streams:
        return []
    withheld = _coverage_table(streams)
    return [*_streams_table(streams), *(['', *withheld] if withheld else [])]


def stream_cells(stream: StreamFigures) -> list[str]:
    """Return the figures of a stream in a table, under STREAM_HEADINGS."""
    return [
        percent(stream.plain_unweighted_recall),
        percent(stream.unweighted_recall),
        percent_if_known(stream.all_labels_recall),
        percent(stream.plain_calibration_error),
        percent(stream.calibration_error),
        percent_if_known(stream.plain_ordinary_called_emotion),
        percent_if_known(stream.ordinary_called_emotion),
    ]


def _streams_table(streams: Sequence[StreamFigures]) -> list[str]:
    rows = [[stream.name, str(stream.utterances), *stream_cells(stream)] for stream in streams]
    return table(['stream', 'utterances', *STREAM_HEADINGS], rows)


def _coverage_table(streams: Sequence[StreamFigures]) -> list[str]:
    """Return what a least confidence costs and gains in a mostly ordinary stream; nothing without one."""
    points = [point for stream in streams if stream.name == MOSTLY_ORDINARY for point in stream.coverage]
    if not points:
        return []
    rows = [
        [
            f'{point.least_confidence:.1f}',
            percent(point.coverage),
            percent(point.accuracy),
            percent_if_known(point.emotion_accuracy),
            percent_if_known(point.ordinary_called_emotion),
        ]
        for point in points[::_SHOWN_COVERAGE]
        if point.accuracy is not None
    ]
    answered = f'answered ({MOSTLY_ORDINARY}, adapting)'
    right = 'right where not neutral or calm is answered'
    return table(['least confidence', answered, 'of these right', right, ORDINARY_CALLED_EMOTION], rows)


def scores_lines(scores: Scores) -> list[str]:
    """Return all results of one hearing of the clips: figures, each label, confusion, speakers and intensities."""
    lines = [
        figures_line(scores),
        '',
        recall_sentence(scores),
        '',
        '```',
        scores.report.rstrip(),
        '```',
        '',
        *confusion_table(scores.labels, scores.confusion),
    ]
    return lines + group_tables(scores.groups)


def group_tables(groups: Groups) -> list[str]:
    """Return a table for each kind of group that has two members or more, such as both sexes, after an empty line."""
    several = {kind: members for kind, members in groups.items() if len(members) > 1}
    return [line for kind, members in several.items() for line in ('', *_group_table(kind, members))]


def _group_table(kind: str, members: dict[str, Group]) -> list[str]:
    recalls = [member.unweighted_recall for member in members.values()]
    rows = [[name, str(member.clips), percent(member.accuracy)] for name, member in members.items()]
    header = [kind, 'clips', 'accuracy']
    if kind in _GROUPS_WITH_RECALL and None not in recalls:
        header.append(MEASURES['unweighted_recall'])
        rows = [[*row, percent(recall)] for row, recall in zip(rows, recalls, strict=True) if recall is not None]
    return table(header, rows)


def largest_confusions(labels: Sequence[str], confusion: Confusion, most: int = 4) -> str:
    """Return a sentence about the most frequent confusions of emotions; '' if there are none."""
    cells = [
        (answers[answered] / sum(answers), truth, answered)
        for truth, answers in enumerate(confusion)
        for answered in range(len(labels))
        if answered != truth and answers[answered]
    ]
    if not cells:
        return ''
    confusions = [
        f'{labels[truth]} is called {labels[answered]} in {percent(share)}'
        for share, truth, answered in sorted(cells, key=lambda cell: -cell[0])[:most]
    ]
    return f'It confuses most: {", ".join(confusions)}.'


def figures_line(figures: Figures) -> str:
    """Return the measures of one hearing in a line."""
    measured = {name: getattr(figures, measure) for measure, name in MEASURES.items()}
    if isinstance(figures, Scores):
        measured['without the temperature'] = figures.uncalibrated_error
    return ', '.join(f'{name} {percent(share)}' for name, share in measured.items() if share is not None)


def recall_sentence(scores: Scores) -> str:
    """Return how far the unweighted recall may be trusted, and what guessing would give."""
    chance = f'chance is {percent(scores.chance)}'
    interval = scores.recall_interval
    return f'Unweighted recall {interval_words(interval)}; {chance}.' if interval else f'{chance.capitalize()}.'


def interval_words(interval: RecallInterval) -> str:
    """Return an interval in words."""
    return f'{percent(interval.low)} to {percent(interval.high)} (95 % over {interval.speakers} speakers)'


def held_out_speech_lines(speech: Sequence[HeldOutSpeech]) -> list[str]:
    """Return a sentence and a table with a row for each folder; nothing if there are none."""
    if not speech:
        return []
    ordinary = ' or '.join(ORDINARY)
    longest = max(each.longest_seconds for each in speech)
    first, *others = _SHOWN_CONFIDENCES
    headings = ['speech', 'recordings', 'utterances', 'rejected', 'called no speech', f'called {ordinary}']
    headings += ['called an emotion', f'with a confidence of at least {first}', *map(str, others)]
    return [
        (
            f'People who act no emotion and whom the model never heard, as the node hears them without adaptation, at '
            f'most {longest:.1f} s of each recording: the shares of the utterances that the speech detection rejects, '
            'because they are noise for it or too quiet; that are no speech for the model; that are called '
            f'{ordinary}, an emotion, and an emotion with at least so much confidence (in brackets the most frequent).'
        ),
        '',
        *table(headings, map(_held_out_speech_row, speech)),
    ]


def _held_out_speech_row(speech: HeldOutSpeech) -> list[str]:
    emotions = {label: share for label, share in speech.answers.items() if label not in (*ORDINARY, UNKNOWN)}
    most_frequent = max(emotions, key=lambda label: emotions[label], default='')
    confident = {point.least_confidence: point for point in speech.emotions}
    return [
        speech.speech,
        str(speech.recordings),
        str(speech.utterances),
        percent(speech.rejected / max(speech.utterances, 1)),
        percent(speech.answers.get(UNKNOWN, 0.0)),
        percent(sum(share for label, share in speech.answers.items() if label in ORDINARY)),
        _share_of_emotion(sum(emotions.values()), most_frequent),
        *(
            _share_of_emotion(confident[least].share, confident[least].most_frequent) if confident else '-'
            for least in _SHOWN_CONFIDENCES
        ),
    ]


def _share_of_emotion(share: float, most_frequent: str) -> str:
    return f'{percent(share)} ({most_frequent})' if share else percent(share)
