# SPDX-License-Identifier: Apache-2.0
"""The report of a run for people, in Markdown, and the sentences that it shares with a summary and a card."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from ser_ros.training.data.protocols import PROTOCOLS, fold_name
from ser_ros.training.evaluation.measures import HEARINGS
from ser_ros.training.evaluation.scores import Hearings
from ser_ros.training.reporting.markdown import megabytes, percent
from ser_ros.training.reporting.origins_markdown import corpora_table, pretraining_lines, without_licence
from ser_ros.training.reporting.run_report import RunReport, Trained
from ser_ros.training.reporting.scores_markdown import (
    condition_lines,
    held_out_speech_lines,
    scores_lines,
    stream_lines,
)


class Selection(NamedTuple):
    """What a reader must know about how the checkpoint was chosen, for a table and as a clause."""

    brief: str
    in_full: str


SELECTIONS = {
    'last': Selection('last epoch', 'a fixed number of epochs, the last one is taken: nothing is chosen on test clips'),
    'validation': Selection(
        'chosen on validation clips', 'the checkpoint is chosen on validation clips, which neither train nor test'
    ),
    'test': Selection(
        'CHOSEN ON THE TEST CLIPS: optimistic',
        'the checkpoint is chosen on the test clips, as in Gavali and Verma: optimistic',
    ),
}
"""By what a report calls them."""

RESTRICTED = 'the answer for a clip is restricted to the labels of its corpus that also trained'
"""What a reader of figures must know if corpora with different labels were tested."""

_MOST_NAMED = 24
"""Speakers who are named one by one."""

_OPTIMISTIC = '**Chosen on the test clips: optimistic. Do not compare with figures that were not.**'


def run_markdown(report: RunReport) -> str:
    """Return the report of one run."""
    fold = fold_name(report.protocol, report.fold, report.folds)
    lines = [f'# {report.recipe}: {fold}', '', *optimism(report)]
    lines += [f'- {fact}' for fact in _data_facts(report) + _training_facts(report)]
    lines += run_facts(report, [report.command])
    lines += data_section(report)
    lines += ['', '![training curves](curves.png)']
    if report.evaluation:
        lines += ['', '![confusion, whole clips](confusion.png)']
        for hearing, heading in HEARINGS.items():
            lines += ['', f'## {heading.capitalize()}', '', *scores_lines(getattr(report.evaluation, hearing))]
        lines += conditions_section(report.evaluation)
        lines += streams_section(report.evaluation)
    lines += held_out_speech_section(report)
    if report.pretraining:
        lines += ['', '## Pretraining', '', *pretraining_lines(report.pretraining)]
    return '\n'.join(lines) + '\n'


def result_line(report: RunReport) -> str:
    """Return what a command prints about a finished run."""
    fold = fold_name(report.protocol, report.fold, report.folds)
    if not report.evaluation:
        return f'{fold}: trained in {report.training_minutes:.1f} minutes, not measured'
    figures = (
        f'{heading} {percent(getattr(report.evaluation, hearing).accuracy)}' for hearing, heading in HEARINGS.items()
    )
    return f'{fold}: accuracy on {", ".join(figures)}'


def optimism(report: Trained) -> list[str]:
    """Return a warning if the test clips chose the checkpoint, otherwise nothing."""
    return [_OPTIMISTIC, ''] if report.selection == 'test' else []


def conditions_section(heard: Hearings) -> list[str]:
    """Return the table of conditions under its heading; nothing if they were not measured."""
    lines = condition_lines(heard)
    return ['', '## In other conditions', '', *lines] if lines else []


def streams_section(heard: Hearings) -> list[str]:
    """Return the table of streams under its heading; nothing if there are none."""
    lines = stream_lines(heard.streams)
    return ['', '## In a stream', '', *lines] if lines else []


def held_out_speech_section(report: Trained) -> list[str]:
    """Return the table of held-out speech under its heading; nothing if there is none."""
    lines = held_out_speech_lines(report.held_out_speech)
    return ['', '## Held-out speech', '', *lines] if lines else []


def _data_facts(report: RunReport) -> list[str]:
    trained = f'trained on {report.train_clips} clips{_count_speakers(report.train_speakers)}'
    facts = [
        f'corpus {report.corpus}',
        f'protocol {protocol_name(report.protocol)}',
        f'{trained} in {report.training_minutes:.1f} minutes',
    ]
    if report.validation_clips:
        facts.append(f'validated on {report.validation_clips} clips{_name_speakers(report.validation_speakers)}')
    corpora = f' of {", ".join(report.test_corpora)}' if report.test_corpora else ''
    facts.append(f'tested on {report.test_clips} clips{corpora}{_name_speakers(report.test_speakers)}')
    if report.evaluation and is_restricted(report.evaluation.whole_clip.chance, report.labels):
        facts.append(RESTRICTED)
    return facts


def _training_facts(report: RunReport) -> list[str]:
    facts = [*weights_facts(report), *teaching_facts(report)]
    pace = f', {report.steps_per_second:.2f} steps a second' if report.steps_per_second else ''
    processes = f', {report.processes} processes' if report.processes > 1 else ''
    facts.append(f'step {report.chosen_step} of {report.steps} is taken{pace}{processes}')
    if report.validation_accuracy is not None:
        facts.append(f'accuracy on the clips that chose the checkpoint {percent(report.validation_accuracy)}')
    if report.temperature != 1.0:
        facts.append(
            f'calibrated on {report.calibrated_on}: logits are divided by the temperature {report.temperature:.3g}'
        )
    if report.peak_gpu_memory_gib:
        facts.append(f'peak GPU memory {report.peak_gpu_memory_gib:.1f} GiB')
    return facts


def weights_facts(report: Trained) -> list[str]:
    """Return the initial weights of a run or summary, and how many there are."""
    return [
        'random initial weights' if report.is_random else f'initial weights {report.initial_weights}',
        f'{report.parameters / 1e6:.1f} M parameters, {megabytes(report.model_megabytes)} on disk',
    ]


def teaching_facts(report: Trained) -> list[str]:
    """Return what taught the model besides the labels; nothing if nothing did."""
    facts = [f'the answers of the teacher {report.teacher}'] if report.teacher else []
    for speech, what in (
        (report.taught_speech, 'speech that it labelled'),
        (report.ordinary_speech, 'ordinary speech'),
        (report.outliers, 'sounds that are no speech'),
        (report.inliers, 'speech that is not to be taken for these'),
    ):
        if speech:
            facts.append(f'{what}: {", ".join(speech)}')
    return facts


def run_facts(report: Trained, commands: Iterable[str]) -> list[str]:
    """Return how a run or summary can be repeated: seed, selection, hardware, versions, commands."""
    used = ', '.join(f'{name} {version}' for name, version in report.versions.items())
    return [
        f'- seed {report.seed}; {SELECTIONS[report.selection].in_full}',
        f'- {report.hardware}; {used}',
        *(f'- `{command}`' for command in commands),
    ]


def protocol_name(name: str) -> str:
    """Return the protocol with its meaning."""
    return f'{name}: {PROTOCOLS[name]}' if name in PROTOCOLS else name


def is_restricted(chance: float, labels: Sequence[str]) -> bool:
    """Return whether fewer than all labels could be the answer."""
    return chance > 1 / len(labels) + 1e-6


def data_section(report: RunReport) -> list[str]:
    """Return the corpora that trained a run, and the remarks on its data, under a heading."""
    lines = ['', '## Data', '', *corpora_table(report.trained_on)]
    remarks = [*([sentence] if (sentence := without_licence(report.trained_on)) else []), *report.remarks]
    return [*lines, *(['', *(f'- {remark}' for remark in remarks)] if remarks else [])]


def _count_speakers(speakers: Collection) -> str:
    return f' of {len(speakers)} speakers' if speakers else ''


def _name_speakers(speakers: Sequence[int | str]) -> str:
    if len(speakers) > _MOST_NAMED:
        return f', {len(speakers)} speakers'
    return f' of the speakers {", ".join(map(str, speakers))}' if speakers else ''
