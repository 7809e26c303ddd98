# SPDX-License-Identifier: Apache-2.0
"""What is measured, by name, and how one hearing of the test clips is written down."""

from collections.abc import Sequence

from ser_ros.training.measuring.conditions import CONDITION_NAMES
from ser_ros.training.measuring.markdown import confusion_table, percent, table
from ser_ros.training.measuring.scores import Confusion, Figures, Group, Groups, Hearings, Scores

HEARINGS = {'whole_clip': 'whole clips', 'utterance': 'utterances as the node cuts them'}
"""The two ways in which test clips are heard -> heading."""

MEASURES = {
    'accuracy': 'accuracy',
    'unweighted_recall': 'unweighted recall',
    'macro_f1': 'macro F1',
    'calibration_error': 'calibration error',
}
"""Field of Figures -> name."""

CONDITION_MEASURES = ('accuracy', 'unweighted_recall')
"""Those of MEASURES that are told of each condition."""


def condition_lines(heard: Hearings | None) -> list[str]:
    """Return a table of the conditions and of what each costs; nothing where they were not measured."""
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


def scores_lines(scores: Scores) -> list[str]:
    """Return all that one hearing of the clips gave: figures, each label, confusion, speakers and intensities."""
    lines = [
        figures_line(scores),
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
    rows = [[name, str(member.clips), percent(member.accuracy)] for name, member in members.items()]
    return table([kind, 'clips', 'accuracy'], rows)


def largest_confusions(labels: Sequence[str], confusion: Confusion, most: int = 4) -> str:
    """Return a sentence about the emotions that are taken for another most often; '' where none is."""
    cells = [
        (answers[answered] / sum(answers), truth, answered)
        for truth, answers in enumerate(confusion)
        for answered in range(len(labels))
        if answered != truth and answers[answered]
    ]
    if not cells:
        return ''
    told = [
        f'{labels[truth]} is called {labels[answered]} in {percent(share)}'
        for share, truth, answered in sorted(cells, key=lambda cell: -cell[0])[:most]
    ]
    return f'It confuses most: {", ".join(told)}.'


def figures_line(figures: Figures) -> str:
    """Return the measures of one hearing in a line."""
    measured = {name: getattr(figures, measure) for measure, name in MEASURES.items()}
    if isinstance(figures, Scores):
        measured['without the temperature'] = figures.uncalibrated_error
    return ', '.join(f'{name} {percent(share)}' for name, share in measured.items() if share is not None)
