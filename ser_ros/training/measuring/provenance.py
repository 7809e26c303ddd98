# SPDX-License-Identifier: Apache-2.0
"""What a model's weights come from besides its labelled clips: pretraining, other labelled clips, a teacher, speech."""

from pathlib import Path

from ser_ros.training.measuring.files import REPORT, read_json
from ser_ros.training.measuring.markdown import table

_OF_PRETRAINING = (
    'recipe',
    'speech',
    'initial_weights',
    'pretrained_before',
    'teacher',
    'pieces',
    'ravdess_clips',
    'epochs',
    'hours_heard',
    'steps',
    'pretraining_minutes',
    'parameters',
    'processes',
    'seed',
    'command',
    'hardware',
    'versions',
)

_OF_TRAINING = ('recipe', 'corpus', 'licence', 'train_clips', 'train_speakers', 'labels', 'command')


def pretraining_of(checkpoint: str) -> dict | None:
    """Return what the report in the folder `checkpoint` tells of how `pretrain` made the encoder.

    It may also be a model that `train` made of such an encoder. None where the folder tells nothing of it.
    """
    try:
        report = read_json(Path(checkpoint) / REPORT)
    except (OSError, ValueError):
        return None
    if 'pretraining_minutes' in report:
        return {key: report[key] for key in _OF_PRETRAINING if key in report}
    return report.get('pretraining')


def trainings_of(checkpoint: str) -> list[dict]:
    """Return what the reports of `train` tell of how the weights in the folder `checkpoint` were made, oldest first.

    Empty where the folder tells nothing of it, and for an encoder that `pretrain` made.
    """
    try:
        report = read_json(Path(checkpoint) / REPORT)
    except (OSError, ValueError):
        return []
    if 'train_clips' not in report:
        return []
    return [*report.get('trained_before', []), {key: report[key] for key in _OF_TRAINING if key in report}]


def training_sentence(training: dict) -> str:
    """Return one of trainings_of in words."""
    speakers = f' of {len(training["train_speakers"])} speakers' if training['train_speakers'] else ''
    licence = f' (licence: {training["licence"]})' if training.get('licence') else ''
    return (
        f'Before, the weights were trained on {training["train_clips"]} clips{speakers} of '
        f'{training["corpus"]}{licence} to tell {", ".join(training["labels"])}.'
    )


def teaching_facts(report: dict) -> list[str]:
    """Return what taught the model besides the labels; nothing where nothing did."""
    facts = [f'the answers of the teacher {report["teacher"]}'] if report.get('teacher') else []
    for key, what in (('taught_speech', 'speech that it labelled'), ('ordinary_speech', 'ordinary speech')):
        if report.get(key):
            facts.append(f'{what}: {", ".join(report[key])}')
    return facts


def pretrainings(pretraining: dict | None) -> list[dict]:
    """Return a pretraining and those before it, oldest first."""
    return [*pretrainings(pretraining.get('pretrained_before')), pretraining] if pretraining else []


def pretraining_lines(pretraining: dict) -> list[str]:
    """Return how the encoder was made: for each pretraining one paragraph, and a table of the speech."""
    return [line for each in pretrainings(pretraining) for line in (*_lines_of_one(each), '')][:-1]


def _lines_of_one(pretraining: dict) -> list[str]:
    begun = pretraining.get('initial_weights', 'random')
    begun = '' if begun == 'random' else f', beginning with {begun}'
    teacher = f', from the hidden states of {pretraining["teacher"]}' if pretraining['teacher'] else ''
    clips = pretraining['ravdess_clips']
    known = f'{clips} clips of RAVDESS were' if clips else 'No clip of RAVDESS was'
    return [
        (
            f'The encoder was pretrained by ser_ros with the recipe {pretraining["recipe"]}{begun}{teacher}: '
            f'{pretraining["epochs"]} epochs over {pretraining["pieces"]} pieces ({pretraining["hours_heard"]:g} hours '
            f'heard), {pretraining["steps"]} steps in {pretraining["pretraining_minutes"]:.0f} minutes on '
            f'{pretraining["hardware"]}, seed {pretraining["seed"]}. {known} among them.'
        ),
        '',
        *speech_table(pretraining['speech']),
    ]


def speech_table(speech: list[dict]) -> list[str]:
    """Return a table of folders of speech: each with `name`, `licence` and `hours`."""
    rows = [[data['name'], f'{data["hours"]:g}', data['licence'] or 'not known'] for data in speech]
    return table(['speech, unlabelled', 'hours', 'licence'], rows)
