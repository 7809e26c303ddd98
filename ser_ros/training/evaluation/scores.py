# SPDX-License-Identifier: Apache-2.0
"""The results of measuring a model, as stored in reports; all shares are 0..1."""

from dataclasses import dataclass

Confusion = tuple[tuple[int, ...], ...]
"""Clips: rows are the true labels, columns the answers, both in the order of the labels."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Some of the clips, such as those of one speaker.

    Attributes:
        by_label: Label -> how many clips have it, and how many of these were answered right; empty if that was not
            kept.
    """

    clips: int
    accuracy: float
    by_label: dict[str, tuple[int, int]]

    @property
    def unweighted_recall(self) -> float | None:
        """Mean of the recalls of the labels that its clips have; None if they were not kept."""
        recalls = [right / clips for clips, right in self.by_label.values()]
        return sum(recalls) / len(recalls) if recalls else None


Groups = dict[str, dict[str, Group]]
"""'corpus', 'speaker', 'sex' and 'intensity', if known -> each of their values -> its clips."""


@dataclass(frozen=True, kw_only=True)
class RecallInterval:
    """Where the unweighted recall lies with other speakers of the same kind, at a confidence of 95 %.

    Attributes:
        speakers: How many were resampled.
    """

    low: float
    high: float
    speakers: int


@dataclass(frozen=True, kw_only=True)
class ConditionFigures:
    """What is reported for each condition.

    Attributes:
        accuracy: Share of the clips that are answered right.
        unweighted_recall: Mean of the recalls of all labels (the field's UAR).
    """

    accuracy: float
    unweighted_recall: float


@dataclass(frozen=True, kw_only=True)
class Figures(ConditionFigures):
    """What is reported for each hearing.

    Attributes:
        macro_f1: Mean of the F1 scores of all labels.
        calibration_error: Expected distance between confidence and accuracy, in 15 bins of the top probability; None if
            it was not measured.
    """

    macro_f1: float
    calibration_error: float | None


@dataclass(frozen=True, kw_only=True)
class Scores(Figures):
    """How well a model answered in one hearing.

    Attributes:
        clips: How many were answered.
        uncalibrated_error: The calibration error without the model's temperature; None if that is 1.
        confidence: Mean top probability; None if it was not measured.
        chance: Unweighted recall of guesses among the labels that could be the answer.
        recall_interval: None if not every clip names its speaker, if there is only one, or if it was not measured.
        labels: In the order of `confusion`.
        confusion: Clips by true label and answer.
        report: scikit-learn's classification report.
        groups: By corpus, speaker, sex and intensity.
    """

    clips: int
    uncalibrated_error: float | None
    confidence: float | None
    chance: float
    recall_interval: RecallInterval | None
    labels: tuple[str, ...]
    confusion: Confusion
    report: str
    groups: Groups


@dataclass(frozen=True, kw_only=True)
class CoveragePoint:
    """What happens if answers of less confidence are withheld.

    Attributes:
        coverage: Share of the utterances that are answered.
        accuracy: Share of these that are answered right; None if there are none.
        emotion_accuracy: Share that is right of those that are answered with a label of strong emotion, one that is not
            of ordinary speech; None if there are none.
        ordinary_called_emotion: Share of the ordinary utterances that are answered with such a label; None if no
            utterance is ordinary.
    """

    least_confidence: float
    coverage: float
    accuracy: float | None
    emotion_accuracy: float | None
    ordinary_called_emotion: float | None


@dataclass(frozen=True, kw_only=True)
class StreamFigures:
    """How utterances in a stream were answered, each after what came before it.

    Attributes:
        name: Of the kind of stream.
        utterances: How many were counted, in all streams of this kind.
        unweighted_recall: With adaptation.
        calibration_error: With adaptation.
        ordinary_called_emotion: With adaptation; share of the ordinary utterances that are answered with a label that
            is not one of ordinary speech; None if no utterance is ordinary.
        all_labels_recall: With adaptation; unweighted recall if the answer may be any of the model's labels, as on a
            robot; what the corpus calls neutral may then be calm, and the reverse, if it does not tell these apart.
            None in reports that are older than this figure.
        plain_unweighted_recall: Of the same utterances, without it.
        plain_calibration_error: Of the same utterances, without it.
        plain_ordinary_called_emotion: Of the same utterances, without it.
        coverage: With adaptation, from the least confidence 0 upwards.
    """

    name: str
    utterances: int
    unweighted_recall: float
    calibration_error: float
    ordinary_called_emotion: float | None
    all_labels_recall: float | None
    plain_unweighted_recall: float
    plain_calibration_error: float
    plain_ordinary_called_emotion: float | None
    coverage: tuple[CoveragePoint, ...]


@dataclass(frozen=True, kw_only=True)
class Hearings:
    """The same clips heard in two ways.

    Attributes:
        whole_clip: The recording as it was published, the figure to compare with others.
        utterance: Cut as the node cuts it: pre-roll, speech, post-roll.
        conditions: The same utterances in all CONDITIONS; empty if not requested.
        streams: The same utterances one after the other; empty for a model that cannot adapt.
    """

    whole_clip: Figures
    utterance: Figures
    conditions: dict[str, ConditionFigures]
    streams: tuple[StreamFigures, ...]


@dataclass(frozen=True, kw_only=True)
class Evaluation(Hearings):
    """All figures of one model."""

    whole_clip: Scores
    utterance: Scores


@dataclass(frozen=True, kw_only=True)
class CalibrationErrors:
    """How far a model's confidence is from its accuracy.

    Attributes:
        calibration_error: With the model's temperature.
        uncalibrated_error: Without it.
    """

    calibration_error: float
    uncalibrated_error: float
