# SPDX-License-Identifier: Apache-2.0
"""The report that `pretrain` writes into the folder of an encoder, and the encoder's card."""

from dataclasses import dataclass
from typing import Any

from huggingface_hub import ModelCardData

from ser_ros.training.provenance.pretraining_report import PretrainingReport
from ser_ros.training.reporting.markdown import table
from ser_ros.training.reporting.origins_markdown import speech_table


@dataclass(frozen=True, kw_only=True)
class EncoderReport(PretrainingReport):
    """Everything known about a pretraining.

    Attributes:
        training_log: The Trainer's entries.
    """

    description: str
    settings: dict[str, Any]
    training_log: tuple[dict[str, Any], ...]


def encoder_card(report: EncoderReport) -> list[str]:
    """Return the README.md of the encoder's folder, line by line."""
    losses = report.training_log[-1]
    rows = [
        ['parameters', f'{report.parameters / 1e6:.2f} million'],
        [
            'begins with',
            f'{report.initial_weights} weights' if report.initial_weights == 'random' else report.initial_weights,
        ],
        ['teacher', report.teacher or 'none'],
        ['heard', f'{report.hours_heard:g} hours in {report.epochs} epochs, {report.steps} steps'],
        ['took', f'{report.pretraining_minutes:g} minutes'],
        ['hardware', report.hardware],
        ['seed', str(report.seed)],
        *([key.replace('_', ' '), f'{losses[key]:.3f}'] for key in losses if key.endswith('loss')),
    ]
    return [
        '---',
        ModelCardData(library_name='transformers', tags=['speech', 'self-supervised']).to_yaml(),
        '---',
        f'# {report.recipe}: a pretrained speech encoder',
        '',
        report.description.strip(),
        '',
        'It answers nothing by itself: `ros2 run ser_ros train --model FOLDER` begins with it.',
        '',
        *table(['', ''], rows),
        '',
        *speech_table(report.speech),
        '',
        '![loss over steps](curves.png)',
        '',
        '```',
        report.command,
        '```',
    ]
