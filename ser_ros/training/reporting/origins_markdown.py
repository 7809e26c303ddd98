# SPDX-License-Identifier: Apache-2.0
"""What a model was made of, in Markdown."""

from collections.abc import Iterable

from ser_ros.training.data.corpora.by_key import SCHEMES
from ser_ros.training.provenance.origins import TrainedOn, Training
from ser_ros.training.provenance.pretraining_report import PretrainingReport, UnlabelledSpeech, pretrainings
from ser_ros.training.reporting.markdown import table

NOT_STATED = 'not stated'
"""What stands for a licence that is not known."""


def training_sentence(training: Training) -> str:
    """Return a sentence about a training."""
    speakers = f' of {len(training.train_speakers)} speakers' if training.train_speakers else ''
    corpora = [f'{part.corpus} (licence: {part.licence or NOT_STATED})' for part in training.trained_on]
    return (
        f'Before, the weights were trained on {training.train_clips} clips{speakers} of '
        f'{", ".join(corpora)} to tell {", ".join(training.labels)}.'
    )


def corpora_table(parts: Iterable[TrainedOn]) -> list[str]:
    """Return a table of what trained of each corpus."""
    sources = {scheme.name: scheme.source for scheme in SCHEMES.values()}
    rows = [
        [
            part.corpus,
            str(part.clips),
            str(len(part.speakers)) if part.speakers else 'not known',
            ', '.join(part.labels),
            part.licence or NOT_STATED,
            sources.get(part.corpus, ''),
        ]
        for part in parts
    ]
    return table(['corpus', 'clips', 'speakers', 'labels', 'licence', 'source'], rows)


def without_licence(parts: Iterable[TrainedOn]) -> str:
    """Return a sentence about the corpora without a stated licence; '' if there is none."""
    names = [part.corpus for part in parts if not part.licence]
    if not names:
        return ''
    return f'No licence is stated for {", ".join(names)}, so it is not known what may be done with the weights.'


def pretraining_lines(pretraining: PretrainingReport) -> list[str]:
    """Return how the encoder was made: for each pretraining one paragraph, and a table of the speech."""
    return [line for one in pretrainings(pretraining) for line in (*_lines_of_one(one), '')][:-1]


def _lines_of_one(pretraining: PretrainingReport) -> list[str]:
    begun = '' if pretraining.initial_weights == 'random' else f', beginning with {pretraining.initial_weights}'
    teacher = f', from the hidden states of {pretraining.teacher}' if pretraining.teacher else ''
    clips = pretraining.ravdess_clips
    among = f'{clips} clips of RAVDESS were' if clips else 'No clip of RAVDESS was'
    return [
        (
            f'The encoder was pretrained by ser_ros with the recipe {pretraining.recipe}{begun}{teacher}: '
            f'{pretraining.epochs} epochs over {pretraining.pieces} pieces ({pretraining.hours_heard:g} hours '
            f'heard), {pretraining.steps} steps in {pretraining.pretraining_minutes:.0f} minutes on '
            f'{pretraining.hardware}, seed {pretraining.seed}. {among} among them.'
        ),
        '',
        *speech_table(pretraining.speech),
    ]


def speech_table(speech: Iterable[UnlabelledSpeech]) -> list[str]:
    """Return a table of what an encoder heard."""
    rows = [[data.name, f'{data.hours:g}', data.licence or 'not known'] for data in speech]
    return table(['speech, unlabelled', 'hours', 'licence'], rows)
