# SPDX-License-Identifier: Apache-2.0
"""The model card: README.md of a model folder, with the front matter that the Hugging Face Hub reads."""

from huggingface_hub import EvalResult, ModelCardData

from ser_ros.training.data.corpus import RAVDESS
from ser_ros.training.evaluation.measures import HEARINGS, MEASURES
from ser_ros.training.evaluation.scores import Hearings
from ser_ros.training.provenance.pretraining_report import pretrainings
from ser_ros.training.reporting.markdown import confusion_table, megabytes, percent
from ser_ros.training.reporting.origins_markdown import pretraining_lines, training_sentence
from ser_ros.training.reporting.run_markdown import SELECTIONS, optimism, teaching_facts
from ser_ros.training.reporting.run_report import RunReport
from ser_ros.training.reporting.scores_markdown import (
    condition_lines,
    figures_line,
    group_tables,
    held_out_speech_lines,
    largest_confusions,
)
from ser_ros.training.reporting.summary import Summary
from ser_ros.training.reporting.summary_markdown import fold_table, pooled_calibration
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


def model_card(report: RunReport, supplement: Supplement) -> str:
    """Return the card for a run's report and its supplement."""
    scores = supplement.scores
    commands = [
        *(pretraining.command for pretraining in pretrainings(report.pretraining)),
        *(training.command for training in report.trained_before),
        *(scores.commands if scores else []),
        report.command,
    ]
    limits = _LIMITS_OF_RAVDESS if report.corpus == RAVDESS else _LIMITS_OF_OTHERS
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
        *map(_figures_of_another, supplement.reports),
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
    is_ravdess = report.corpus == RAVDESS
    measured, protocol = _measured(report, scores)
    data = ModelCardData(
        model_name=report.recipe,
        license='cc-by-nc-sa-4.0' if is_ravdess else 'other',
        library_name='transformers',
        pipeline_tag='audio-classification',
        tags=['speech-emotion-recognition', *(['ravdess'] if is_ravdess else []), 'ros2'],
        metrics=list(_METRICS),
        language=['en'] if is_ravdess else None,
        base_model=report.initial_weights if '/' in report.initial_weights else None,
        eval_results=_eval_results(measured, report.corpus, protocol) if measured else None,
    )
    return f'---\n{data.to_yaml()}\n---'


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
    if not measured:
        return 'Not measured: every clip trained it and none was left to test it.'
    lines = optimism(scores or report)
    chance = percent(1 / len(report.labels))
    lines += [
        (
            f'{report.corpus}, protocol {protocol}; chance is {chance}. '
            'One unpadded utterance at a time, as the node runs:'
        ),
        '',
    ]
    for hearing, heading in HEARINGS.items():
        spread = (
            f' (deviation of the accuracy over folds {percent(getattr(scores.deviation, hearing).accuracy)})'
            if scores
            else ''
        )
        lines.append(f'- {heading}: {figures_line(getattr(measured, hearing))}{spread}')
    if scores:
        lines += [
            '',
            (
                'These are figures of the recipe: a model was trained for each fold and tested on speakers that it had '
                'never heard. The weights here were then trained by the same recipe on all clips.'
            ),
            '',
            *fold_table(scores),
        ]
    else:
        lines += ['', '![confusion, whole clips](confusion.png)', '', 'All figures are in report.md.']
    if scores:
        lines += _over_all_folds(scores)
    if conditions := condition_lines(measured):
        lines += ['', 'The same utterances in other conditions:', '', *conditions]
    if lines_of_speech := held_out_speech_lines(report.held_out_speech):
        lines += ['', *lines_of_speech]
    return '\n'.join(lines)


def _over_all_folds(scores: Summary) -> list[str]:
    heading, labels, confusion = HEARINGS['utterance'], scores.labels, scores.confusion['utterance']
    lines = ['', pooled_calibration(scores)] if scores.pooled else []
    lines += ['', f'{heading.capitalize()}, all folds together:', '', *confusion_table(labels, confusion)]
    lines += ['', largest_confusions(labels, confusion)]
    return lines + group_tables(scores.groups['utterance'])


def _figures_of_another(report: RunReport) -> str:
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
    if conditions := condition_lines(measured):
        lines += ['', *conditions]
    if report.choices:
        lines += ['', report.choices]
    return '\n'.join([*lines, '', '```', report.command, '```'])


def _data(report: RunReport) -> str:
    data = _RAVDESS_DATA
    if report.corpus != RAVDESS:
        data = (
            f"Recordings of the table '{report.corpus}' (licence: {report.licence or 'not known'}). What may be "
            'done with them decides what may be done with the weights, which are derived from them.'
        )
    if facts := teaching_facts(report):
        data += f' Besides, the weights are derived from: {"; ".join(facts)}.'
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
        f'fitted to {report.calibrated_on}; with transformers do so yourself before the softmax.'
    )
