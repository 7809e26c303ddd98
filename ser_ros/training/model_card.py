# SPDX-License-Identifier: Apache-2.0
"""The model card: README.md of a model folder, with the front matter that the Hugging Face Hub reads."""

import yaml

from ser_ros.training.report import HEARINGS, MEASURES, fold_table, percent

_MISUSE = """\
- It is not made for decisions about people: hiring, grading, credit, insurance, policing, border control, lie
  detection, diagnosis or treatment. In the European Union, inferring emotions at work and in schools is
  prohibited (Regulation (EU) 2024/1689, Article 5(1)(f)).
- Do not use it on people who do not know of it, and do not store its answers about a person.
- It hears how actors **perform** an emotion, not what anybody feels. It knows 24 North American actors, two English
  sentences and a quiet studio. On other speakers, languages, rooms and microphones, and on spontaneous speech,
  expect much less: models trained on RAVDESS and tested on another corpus reach 15-50 % over four emotions, where
  chance is 25 % (EmoBox, arXiv 2406.07162).
- Treat its answer as a weak hint, look at all probabilities, and let a wrong one be harmless."""

_DATA = """\
RAVDESS speech, audio only (Livingstone SR, Russo FA (2018), PLoS ONE 13(5): e0196391), licensed CC BY-NC-SA 4.0: the
weights are derived from it, for non-commercial use."""


def model_card(report: dict, scores: dict | None) -> str:
    """Return the card for a run's report; `scores` is the folds' summary for a model without test clips of its own."""
    parameters = report['settings']['optimisation']
    sections = [
        _front_matter(report, scores),
        f'# {report["recipe"]}: speech emotion recognition with ser_ros',
        f'{report["settings"]["description"].strip()}\n\n'
        f'Takes 16 kHz mono speech and answers with probabilities of {", ".join(report["labels"])}.',
        '## What it must not be used for',
        _MISUSE,
        '## How well it does',
        _figures(report, scores),
        '## How it was trained',
        f'{_DATA}\n\n'
        f'From random initial weights on {report["train_clips"]} clips of {len(report["train_speakers"])} actors, '
        f'{parameters["epochs"]} epochs, batch {parameters["batch_size"]}, seed {report["seed"]}, in '
        f'{report["training_minutes"]:.1f} minutes on {report["hardware"]} '
        f'({", ".join(f"{name} {version}" for name, version in report["versions"].items())}). '
        'The number of epochs was fixed beforehand and the last one was taken. All settings are in report.json.'
        + (f'\n\n{report["settings"]["selection"].strip()}' if report['settings']['selection'] else ''),
        '```\n' + '\n'.join([*(scores['commands'] if scores else []), report['command']]) + '\n```',
        '## How to use it',
        'With ser_ros: `ros2 launch ser_ros ser.launch.py model:=FOLDER`, or `ros2 run ser_ros predict FILE --model '
        'FOLDER`. With transformers: `AutoModelForAudioClassification` and `AutoFeatureExtractor`.',
    ]
    return '\n\n'.join(sections) + '\n'


def _front_matter(report: dict, scores: dict | None) -> str:
    values = {
        'license': 'cc-by-nc-sa-4.0',
        'language': ['en'],
        'library_name': 'transformers',
        'pipeline_tag': 'audio-classification',
        'tags': ['speech-emotion-recognition', 'ravdess', 'ros2'],
        'metrics': ['accuracy', 'recall', 'f1'],
    }
    measured, protocol = _measured(report, scores)
    if measured:
        values['model-index'] = [
            {
                'name': report['recipe'],
                'results': [
                    {
                        'task': {'type': 'audio-classification', 'name': 'Speech emotion recognition'},
                        'dataset': {'type': 'ravdess', 'name': f'RAVDESS speech, {protocol}'},
                        'metrics': [
                            {
                                'type': kind,
                                'name': MEASURES[measure],
                                'value': round(measured['whole_clip'][measure], 4),
                            }
                            for kind, measure in (
                                ('accuracy', 'accuracy'),
                                ('recall', 'unweighted_recall'),
                                ('f1', 'macro_f1'),
                            )
                        ],
                    }
                ],
            }
        ]
    return f'---\n{yaml.safe_dump(values, sort_keys=False, allow_unicode=True)}---'


def _measured(report: dict, scores: dict | None) -> tuple[dict | None, str]:
    if scores:
        return scores['mean'], f'{scores["protocol"]}, mean of {scores["folds"]} folds'
    return report['evaluation'], report['protocol']


def _figures(report: dict, scores: dict | None) -> str:
    measured, protocol = _measured(report, scores)
    if not measured:
        return 'Not measured: every clip trained it and none was left to test it.'
    lines = []
    for hearing, heading in HEARINGS.items():
        spread = (
            f' (standard deviation over folds {percent(scores["deviation"][hearing]["accuracy"])})' if scores else ''
        )
        lines.append(
            f'- {heading}: accuracy **{percent(measured[hearing]["accuracy"])}**{spread}, unweighted recall '
            f'{percent(measured[hearing]["unweighted_recall"])}, macro F1 {percent(measured[hearing]["macro_f1"])}'
        )
    chance = percent(1 / len(report['labels']))
    text = f'RAVDESS, protocol {protocol}; chance is {chance}. One unpadded utterance at a time, as the node runs:\n\n'
    text += '\n'.join(lines)
    if scores:
        text += (
            '\n\nThese are figures of the recipe: a model was trained for each fold and tested on actors that it had '
            'never heard. The weights here were then trained by the same recipe on all clips.\n\n'
            + '\n'.join(fold_table(scores))
        )
    return text
