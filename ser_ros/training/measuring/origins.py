# SPDX-License-Identifier: Apache-2.0
"""What the folder of a checkpoint tells of how its weights were made."""

from pathlib import Path

from ser_ros.training.measuring.provenance import EncoderReport, PretrainingReport, Training
from ser_ros.training.measuring.run_report import read_run_report
from ser_ros.training.storage.json_files import REPORT, read_as


def pretraining_of(checkpoint: str) -> PretrainingReport | None:
    """Return how `pretrain` made the encoder in the folder `checkpoint`, or the one of which `train` made the model.

    None where the folder tells nothing of it. Raises SerError where its report is damaged.
    """
    encoder = read_as(EncoderReport, Path(checkpoint) / REPORT, 'pretraining_minutes')
    if encoder is not None:
        return encoder.pretraining
    report = read_run_report(Path(checkpoint) / REPORT)
    return report.pretraining if report else None


def trainings_of(checkpoint: str) -> tuple[Training, ...]:
    """Return how `train` made the weights in the folder `checkpoint`, oldest training first.

    Empty where the folder tells nothing of it, and for an encoder that `pretrain` made. Raises SerError where its
    report is damaged.
    """
    report = read_run_report(Path(checkpoint) / REPORT)
    return (*report.trained_before, report.training) if report else ()
