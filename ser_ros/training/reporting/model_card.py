# SPDX-License-Identifier: Apache-2.0
"""The model card: README.md of a model folder, with the front matter that the Hugging Face Hub reads."""

import re
from collections.abc import Sequence

from huggingface_hub import EvalResult, ModelCardData

from ser_ros.training.data.corpora.acted import RAVDESS
from ser_ros.training.data.corpora.by_key import SCHEMES
from ser_ros.training.evaluation.measures import HEARINGS, MEASURES
from ser_ros.training.evaluation.scores import Evaluation, Hearings
from ser_ros.training.provenance.pretraining_report import pretrainings
from ser_ros.training.reporting.markdown import confusion_table, megabytes, percent
from ser_ros.training.reporting.origins_markdown import (
    corpora_table,
    pretraining_lines,
    training_sentence,
    without_licence,
)
from ser_ros.training.reporting.run_markdown import RESTRICTED, SELECTIONS, is_restricted, optimism, teaching_facts
from ser_ros.training.reporting.run_report import RunReport
from ser_ros.training.reporting.scores_markdown import (
    condition_lines,
    figures_line,
    group_tables,
    held_out_speech_lines,
    interval_words,
    largest_confusions,
    stream_lines,
)
from ser_ros.training.reporting.summary import Summary
from ser_ros.training.reporting.summary_markdown import fold_table, pooled_calibration, recall_lines
from ser_ros.training.reporting.supplement import Supplement

_MISUSE = """\
- It is not made for decisions about people: hiring, grading, credit, insurance, policing, border control, lie
  detection, diagnosis or treatment. In the European Union, inferring emotions at work and in schools is
  prohibited (Regulation (EU) 2024/1689, Article 5(1)(f)).
- Do not use it on people who do not know of it, and do not store its answers about a person."""

_LIMITS_OF_RAVDESS = """\
- It hears how actors **perform** an emotion, not what anybody feels. It knows 24 North American actors, two English
  sentences and a quiet studio. On other speakers, languages, rooms and microphones, and on spontaneous speech,
  expect much less: models trained on RAVDESS and tested on another corpus reach 15-50 % over four emotions, where
  chance is 25 % (EmoBox, arXiv 2406.07162)."""

_LIMITS_OF_OTHERS = """\
- It hears what somebody called an emotion in recordings, not what anybody feels. On other speakers, languages, rooms
  and microphones than those of its recordings expect much less."""

_HINT = '- Treat its answer as a weak hint, look at all probabilities, and let a wrong one be harmless.'

_RAVDESS_DATA = """\
RAVDESS speech, audio only (Livingstone SR, Russo FA (2018), PLoS ONE 13(5): e0196391), licensed CC BY-NC-SA 4.0: the
weights are derived from it, for non-commercial use."""

_METRICS = {'accuracy': 'accuracy', 'recall': 'unweighted_recall', 'f1': 'macro_f1'}
"""The Hub's name of a metric -> our name."""

_SHOWN = ('corpus', 'sex')
"""Groups whose figures a card shows; those of a run have the others too."""

_HUB_LICENCE = re.compile(r'[a-z0-9.-]+')


def model_card(report: RunReport, supplement: Supplement) -> str:
    """Return the card for a run's report and its supplement."""
    scores = supplement.scores
    commands = [
        *(pretraining.command for pretraining in pretrainings(report.pretraining)),
        *(training.command for training in report.trained_before),
        *(scores.commands if scores else []),
        report.command,
    ]
    limits = _LIMITS_OF_RAVDESS if _corpora(report) == [RAVDESS.name] else _LIMITS_OF_OTHERS
    sections = [
        _front_matter(report, scores),
        f'# {report.recipe}: speech emotion recognition with ser_ros',
        (
            f'{report.description}\n\n'
            f'Takes 16 kHz mono speech and answers with probabilities of {", ".join(report.labels)}. '
            f'{report.parameters / 1e6:.1f} M parameters, {megabytes(report.model_megabytes)}.'
        ),
        '## What it must not be used for',
        f'{_MISUSE}\n{limits}\n{_HINT}',
        '## How well it does',
        _figures(report, scores),
        *map(_figures_of_another, supplement.others),
        *([supplement.notes] if supplement.notes else []),
        '## How it was trained',
        f'{_data(report)}\n\n{_training(report)}' + (f'\n\n{report.choices}' if report.choices else ''),
        '```\n' + '\n'.join(commands) + '\n```',
        '## How to use it',
        'With ser_ros: `ros2 launch ser_ros ser.launch.py model:=FOLDER`, or `ros2 run ser_ros predict FILE --model '
        'FOLDER`. With transformers: `AutoModelForAudioClassification` and `AutoFeatureExtractor`.'
        + _how_to_calibrate(report),
    ]
    return '\n\n'.join(sections) + '\n'


def _front_matter(report: RunReport, scores: Summary | None) -> str:
    published = {scheme.name: scheme for scheme in SCHEMES.values()}
    schemes = [published.get(name) for name in _corpora(report)]
    languages = {language for scheme in schemes for language in (scheme.languages if scheme else ())}
    measured, protocol = _measured(report, scores)
    tested = scores.tested_on if scores else _tested(report)
    data = ModelCardData(
        model_name=report.recipe,
        license=_licence(report),
        library_name='transformers',
        pipeline_tag='audio-classification',
        tags=['speech-emotion-recognition', *(scheme.key for scheme in schemes if scheme), 'ros2'],
        metrics=list(_METRICS),
        language=sorted(languages) if all(schemes) else None,
        base_model=report.initial_weights if '/' in report.initial_weights else None,
        eval_results=_eval_results(measured, tested, protocol) if measured else None,
    )
    return f'---\n{data.to_yaml()}\n---'


def _corpora(report: RunReport) -> list[str]:
    return [part.corpus for part in report.trained_on]


def _licence(report: RunReport) -> str:
    """Return the licence of all clips that the weights are derived from; 'other' if there are several or none."""
    trainings = (*report.trained_before, report.training)
    licences = {part.licence for training in trainings for part in training.trained_on}
    (licence, *others) = licences
    return 'other' if others or not _HUB_LICENCE.fullmatch(licence) else licence


def _eval_results(measured: Hearings, corpus: str, protocol: str) -> list[EvalResult]:
    return [
        EvalResult(
            task_type='audio-classification',
            task_name='Speech emotion recognition',
            dataset_type=corpus.lower(),
            dataset_name=f'{corpus} speech, {protocol}',
            metric_type=kind,
            metric_name=MEASURES[measure],
            metric_value=round(getattr(measured.whole_clip, measure), 4),
        )
        for kind, measure in _METRICS.items()
    ]


def _measured(report: RunReport, scores: Summary | None) -> tuple[Hearings | None, str]:
    """Return the figures, and the protocol with anything that makes them optimistic."""
    source = scores or report
    protocol = source.protocol + (f', mean of {source.folds} folds' if scores else '')
    if source.selection == 'test':
        protocol += ', checkpoint chosen on the test clips (optimistic)'
    return (scores.mean if scores else report.evaluation), protocol


def _figures(report: RunReport, scores: Summary | None) -> str:
    measured, protocol = _measured(report, scores)
    if scores:
        lines = _figures_of_folds(scores, protocol)
    elif report.evaluation:
        lines = _figures_of_run(report, report.evaluation, protocol)
    else:
        lines = ['Not measured: every clip trained it and none was left to test it.']
    if conditions := condition_lines(measured):
        lines += ['', 'The same utterances in other conditions:', '', *conditions]
    if measured and (streams := stream_lines(measured.streams)):
        lines += ['', 'The same utterances one after the other, as a robot hears them:', '', *streams]
    if lines_of_speech := held_out_speech_lines(report.held_out_speech):
        lines += ['', *lines_of_speech]
    return '\n'.join([*optimism(scores or report), *lines])


def _figures_of_run(report: RunReport, evaluation: Evaluation, protocol: str) -> list[str]:
    scores = {hearing: getattr(evaluation, hearing) for hearing in HEARINGS}
    lines = [_what_was_tested(_tested(report), protocol, evaluation.whole_clip.chance, report.labels), '']
    for hearing, heading in HEARINGS.items():
        interval = scores[hearing].recall_interval
        trust = f'; unweighted recall {interval_words(interval)}' if interval else ''
        lines.append(f'- {heading}: {figures_line(scores[hearing])}{trust}')
    lines += group_tables({kind: them for kind, them in evaluation.utterance.groups.items() if kind in _SHOWN})
    return [*lines, '', '![confusion, whole clips](confusion.png)', '', 'All figures are in report.md.']


def _figures_of_folds(scores: Summary, protocol: str) -> list[str]:
    lines = [_what_was_tested(scores.tested_on, protocol, scores.chance, scores.labels), '']
    for hearing, heading in HEARINGS.items():
        deviation = percent(getattr(scores.deviation, hearing).accuracy)
        figures = figures_line(getattr(scores.mean, hearing))
        lines.append(f'- {heading}: {figures} (deviation of the accuracy over folds {deviation})')
    return [
        *lines,
        '',
        (
            'These are figures of the recipe: a model was trained for each fold and tested on speakers that it had '
            'never heard. The weights here were then trained by the same recipe on all clips.'
        ),
        '',
        *fold_table(scores),
        '',
        *recall_lines(scores),
        *_over_all_folds(scores),
    ]


def _what_was_tested(corpora: str, protocol: str, chance: float, labels: Sequence[str]) -> str:
    restricted = f' ({RESTRICTED})' if is_restricted(chance, labels) else ''
    return (
        f'{corpora}, protocol {protocol}; chance is {percent(chance)}{restricted}. '
        'One unpadded utterance at a time, as the node runs:'
    )


def _tested(report: RunReport) -> str:
    return ' + '.join(report.test_corpora)


def _over_all_folds(scores: Summary) -> list[str]:
    heading, labels, confusion = HEARINGS['utterance'], scores.labels, scores.confusion['utterance']
    lines = ['', pooled_calibration(scores)] if scores.pooled else []
    lines += ['', f'{heading.capitalize()}, all folds together:', '', *confusion_table(labels, confusion)]
    lines += ['', largest_confusions(labels, confusion)]
    return lines + group_tables(scores.groups['utterance'])


def _figures_of_another(other: RunReport | Summary) -> str:
    lines = _other_folds(other) if isinstance(other, Summary) else _other_run(other)
    if other.choices:
        lines += ['', other.choices]
    commands = other.commands if isinstance(other, Summary) else [other.command]
    return '\n'.join([*lines, '', '```', *commands, '```'])


def _other_run(report: RunReport) -> list[str]:
    measured = report.evaluation
    lines = [f'### Recipe {report.recipe}, protocol {report.protocol}', '']
    lines += optimism(report)
    lines += [
        (
            f'Another model, of the recipe {report.recipe}: {report.description} Trained on '
            f'{report.train_clips} clips and tested on {report.test_clips}, seed {report.seed}, in '
            f'{report.training_minutes:.1f} minutes on {report.hardware}:'
        ),
        '',
        *(f'- {heading}: {figures_line(getattr(measured, hearing))}' for hearing, heading in HEARINGS.items()),
    ]
    return lines + _conditions_and_streams(measured)


def _other_folds(summary: Summary) -> list[str]:
    lines = [f'### Recipe {summary.recipe}, protocol {summary.protocol}, {summary.folds} folds', '']
    lines += optimism(summary)
    lines += [
        (
            f'Other models, of the recipe {summary.recipe}, tested on {summary.test_clips} clips of '
            f'{summary.tested_on}, seed {summary.seed}, trained in {summary.training_minutes:.1f} minutes on '
            f'{summary.hardware}:'
        ),
        '',
        *fold_table(summary),
        '',
        *recall_lines(summary),
    ]
    groups = {kind: them for kind, them in summary.groups['utterance'].items() if kind in _SHOWN}
    return lines + group_tables(groups) + _conditions_and_streams(summary.mean)


def _conditions_and_streams(measured: Hearings | None) -> list[str]:
    if measured is None:
        return []
    parts = [condition_lines(measured), stream_lines(measured.streams)]
    return [line for lines in parts if lines for line in ('', *lines)]


def _data(report: RunReport) -> str:
    data = _RAVDESS_DATA
    if _corpora(report) != [RAVDESS.name]:
        data = (
            'What may be done with these recordings decides what may be done with the weights, which are derived from '
            'them.'
        )
        if sentence := without_licence(report.trained_on):
            data += f' {sentence}'
        data += '\n\n' + '\n'.join(corpora_table(report.trained_on))
        if report.remarks:
            data += '\n\n' + '\n'.join(f'- {remark}' for remark in report.remarks)
    if facts := teaching_facts(report):
        data += f'\n\nBesides, the weights are derived from: {"; ".join(facts)}.'
    for training in report.trained_before:
        data += f'\n\n{training_sentence(training)}'
    if report.pretraining:
        data += '\n\n' + '\n'.join(pretraining_lines(report.pretraining))
    return data


def _training(report: RunReport) -> str:
    begun = 'From random initial weights' if report.is_random else f'From the weights of `{report.initial_weights}`'
    speakers = f' of {len(report.train_speakers)} speakers' if report.train_speakers else ''
    versions = ', '.join(f'{name} {version}' for name, version in report.versions.items())
    epochs = f'{"" if report.selection == "last" else "at most "}{report.epochs} epochs'
    return (
        f'{begun} on {report.train_clips} clips{speakers}, {epochs}, batch {report.batch_size}, seed '
        f'{report.seed}, in {report.training_minutes:.1f} minutes on {report.hardware} ({versions}); '
        f'{SELECTIONS[report.selection].in_full}, step {report.chosen_step} of {report.steps}. All settings are in '
        'report.json.\n\n![training curves](curves.png)'
    )


def _how_to_calibrate(report: RunReport) -> str:
    if report.temperature == 1.0:
        return ''
    return (
        f' ser_ros divides the logits by the temperature of the config.json ({report.temperature:.3g}), which was '
        f'fitted to {report.calibrated_on}; with transformers do so yourself before the softmax. For an utterance of t '
        'seconds that is shorter than the `typical_duration` T in an adaptation.npz, it is sqrt(T / t) times as high.'
    )
