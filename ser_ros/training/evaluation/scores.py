# SPDX-License-Identifier: Apache-2.0
"""The results of measuring a model, as stored in reports; all shares are 0..1."""

from dataclasses import dataclass

Confusion = tuple[tuple[int, ...], ...]
"""Clips: rows are the true labels, columns the answers, both in the order of the labels."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Some of the clips, such as those of one speaker."""

    clips: int
    accuracy: float


Groups = dict[str, dict[str, Group]]
"""'speaker', 'sex' and 'intensity', if known -> each of their values -> its clips."""


@dataclass(frozen=True, kw_only=True)
class ConditionFigures:
    """What is reported for each condition. unweighted_recall: mean of the recalls of all labels (the field's UAR)."""

    accuracy: float
    unweighted_recall: float


@dataclass(frozen=True, kw_only=True)
class Figures(ConditionFigures):
    """What is reported for each hearing.

    calibration_error: expected distance between confidence and accuracy, in 15 bins of the top probability; None if it
        was not measured.
    """

    macro_f1: float
    calibration_error: float | None


@dataclass(frozen=True, kw_only=True)
class Scores(Figures):
    """How well a model answered in one hearing.

    uncalibrated_error: the calibration error without the model's temperature; None if that is 1.
    confidence: mean top probability; None if it was not measured.
    report: scikit-learn's classification report.
    """

    clips: int
    uncalibrated_error: float | None
    confidence: float | None
    labels: tuple[str, ...]
    confusion: Confusion
    report: str
    groups: Groups


@dataclass(frozen=True, kw_only=True)
class Hearings:
    """The same clips heard in two ways.

    whole_clip: the recording as it was published, the figure to compare with others.
    utterance: cut as the node cuts it: pre-roll, speech, post-roll.
    conditions: the same utterances in all CONDITIONS; empty if not requested.
    """

    whole_clip: Figures
    utterance: Figures
    conditions: dict[str, ConditionFigures]


@dataclass(frozen=True, kw_only=True)
class Evaluation(Hearings):
    """All figures of one model."""

    whole_clip: Scores
    utterance: Scores


@dataclass(frozen=True, kw_only=True)
class CalibrationErrors:
    """With the temperature and without."""

    calibration_error: float
    uncalibrated_error: float
