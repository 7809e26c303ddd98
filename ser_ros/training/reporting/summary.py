# SPDX-License-Identifier: Apache-2.0
"""The summary of the folds of a protocol."""

import dataclasses
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ser_ros.training.data.protocols import LEAVE_ONE_CORPUS_OUT
from ser_ros.training.evaluation.held_out_speech import ConfidentEmotion, HeldOutSpeech
from ser_ros.training.evaluation.intervals import recall_interval
from ser_ros.training.evaluation.measures import CONDITION_MEASURES, HEARINGS, MEASURES, STREAM_MEASURES
from ser_ros.training.evaluation.scores import (
    CalibrationErrors,
    ConditionFigures,
    Confusion,
    CoveragePoint,
    Evaluation,
    Figures,
    Group,
    Groups,
    Hearings,
    RecallInterval,
    StreamFigures,
)
from ser_ros.training.evaluation.stream_scores import MOSTLY_ORDINARY
from ser_ros.training.reporting.run_report import RunReport, Trained
from ser_ros.training.storage.json_files import read_as

_MOST_OPTIMISTIC_FIRST = ('test', 'validation', 'last')


@dataclass(frozen=True, kw_only=True)
class FoldFigures:
    """What a summary holds for each fold; see RunReport.

    Attributes:
        chance: See Scores.
        recall_intervals: Of each of HEARINGS; empty if they are not known, as for a single speaker.
        mostly_ordinary: The stream MOSTLY_ORDINARY; None for a model that cannot adapt, or if no clip is ordinary.
    """

    fold: int
    test_corpora: tuple[str, ...]
    test_speakers: tuple[int | str, ...]
    training_minutes: float
    chosen_step: int
    steps: int
    steps_per_second: float | None
    validation_accuracy: float | None
    temperature: float
    peak_gpu_memory_gib: float | None
    whole_clip: Figures
    utterance: Figures
    chance: float
    recall_intervals: dict[str, RecallInterval]
    mostly_ordinary: StreamFigures | None


@dataclass(frozen=True, kw_only=True)
class PooledRecall:
    """The unweighted recall of the clips of all folds together, which differs from the mean of the folds' recalls."""

    unweighted_recall: float
    interval: RecallInterval


@dataclass(frozen=True, kw_only=True)
class Summary(Trained):
    """All folds; the test clips and the minutes are those of all together.

    Attributes:
        deviation: Standard deviation over folds (n - 1).
        confusion: Of all folds' clips, for each of HEARINGS.
        groups: Of all folds' clips, for each of HEARINGS.
        chance: Mean over folds.
        pooled_recall: Of all folds' clips, for each of HEARINGS; empty if it is not known, and if each
            fold tests another corpus.
        temperature: Fitted to the answers of all folds; None if validation clips calibrated them.
        pooled: Calibration errors of all clips, for each of HEARINGS; empty if `temperature` is None.
    """

    commands: tuple[str, ...]
    mean: Hearings
    deviation: Hearings
    per_fold: tuple[FoldFigures, ...]
    confusion: dict[str, Confusion]
    groups: dict[str, Groups]
    chance: float
    pooled_recall: dict[str, PooledRecall]
    temperature: float | None
    pooled: dict[str, CalibrationErrors]

    @property
    def tested_on(self) -> str:
        """The corpora of the test clips, joined by ' + '."""
        return ' + '.join(dict.fromkeys(corpus for fold in self.per_fold for corpus in fold.test_corpora))


def read_summary(path: Path) -> Summary | None:
    """Return the summary in the file `path`; None if there is none. Raises SerError; see read_as."""
    return read_as(Summary, path, 'per_fold')


def summarise(
    reports: Sequence[RunReport], temperature: float | None = None, pooled: dict[str, CalibrationErrors] | None = None
) -> Summary:
    """Summarise the reports of all folds.

    Args:
        reports: One of each fold.
        temperature: See Summary.
        pooled: See Summary.
    """
    evaluations = [report.evaluation for report in reports if report.evaluation is not None]
    groups = {
        hearing: _groups([getattr(evaluation, hearing).groups for evaluation in evaluations]) for hearing in HEARINGS
    }
    common = {field.name: getattr(reports[0], field.name) for field in dataclasses.fields(Trained)}
    return Summary(
        **common
        | {
            'selection': min((report.selection for report in reports), key=_MOST_OPTIMISTIC_FIRST.index),
            'test_clips': sum(report.test_clips for report in reports),
            'training_minutes': round(sum(report.training_minutes for report in reports), 1),
            'remarks': tuple(dict.fromkeys(remark for report in reports for remark in report.remarks)),
            'held_out_speech': _held_out_speech([report.held_out_speech for report in reports]),
        },
        commands=tuple(sorted({report.command for report in reports})),
        mean=_over_folds(evaluations, statistics.mean),
        deviation=_over_folds(evaluations, statistics.stdev),
        per_fold=tuple(map(_fold_figures, reports)),
        confusion={
            hearing: tuple(
                tuple(sum(cells) for cells in zip(*rows, strict=True))
                for rows in zip(*(getattr(evaluation, hearing).confusion for evaluation in evaluations), strict=True)
            )
            for hearing in HEARINGS
        },
        groups=groups,
        chance=statistics.mean(evaluation.whole_clip.chance for evaluation in evaluations),
        pooled_recall=_pooled_recall(reports, groups),
        temperature=temperature,
        pooled=pooled or {},
    )


def _fold_figures(report: RunReport) -> FoldFigures:
    figures = {
        hearing: Figures(**{measure: getattr(getattr(report.evaluation, hearing), measure) for measure in MEASURES})
        for hearing in HEARINGS
    }
    measured = {hearing: getattr(report.evaluation, hearing) for hearing in HEARINGS}
    streams = report.evaluation.streams if report.evaluation else ()
    found: dict[str, Any] = {
        **figures,
        'chance': measured['whole_clip'].chance,
        'recall_intervals': {
            name: scores.recall_interval for name, scores in measured.items() if scores.recall_interval
        },
        'mostly_ordinary': next((stream for stream in streams if stream.name == MOSTLY_ORDINARY), None),
    }
    shared = {
        field.name: getattr(report, field.name) for field in dataclasses.fields(FoldFigures) if field.name not in found
    }
    return FoldFigures(**shared | found)


def _pooled_recall(reports: Sequence[RunReport], groups: dict[str, Groups]) -> dict[str, PooledRecall]:
    if reports[0].protocol == LEAVE_ONE_CORPUS_OUT:
        return {}
    found = {}
    for hearing, kinds in groups.items():
        speakers = kinds.get('speaker', {})
        interval = recall_interval(speakers, sum(report.test_clips for report in reports))
        recall = _together(list(speakers.values())).unweighted_recall if interval else None
        if interval and recall is not None:
            found[hearing] = PooledRecall(unweighted_recall=recall, interval=interval)
    return found


def _groups(folds: Sequence[Groups]) -> Groups:
    """Return the groups of all folds, each with all its clips."""
    pooled: dict[str, dict[str, list[Group]]] = {}
    for groups in folds:
        for kind, members in groups.items():
            for name, member in members.items():
                pooled.setdefault(kind, {}).setdefault(name, []).append(member)
    return {
        kind: {name: _together(parts) for name, parts in sorted(members.items(), key=_number_first)}
        for kind, members in pooled.items()
    }


def _together(parts: Sequence[Group]) -> Group:
    clips = sum(part.clips for part in parts)
    by_label: dict[str, tuple[int, int]] = {}
    for label, (of_label, right) in (item for part in parts for item in part.by_label.items()):
        before = by_label.get(label, (0, 0))
        by_label[label] = (before[0] + of_label, before[1] + right)
    accuracy = sum(part.clips * part.accuracy for part in parts) / clips
    # Of some parts alone the recalls would say nothing about all clips.
    return Group(clips=clips, accuracy=accuracy, by_label=by_label if all(part.by_label for part in parts) else {})


def _number_first(item: tuple[str, list[Group]]) -> tuple[int, str]:
    return (int(item[0]), '') if item[0].isdigit() else (0, item[0])


def _held_out_speech(folds: Sequence[Sequence[HeldOutSpeech]]) -> tuple[HeldOutSpeech, ...]:
    """Return the means over folds, of the speech that all folds have answered."""
    by_name = [{speech.speech: speech for speech in fold} for fold in folds]
    shared = [name for name in by_name[0] if all(name in fold for fold in by_name)]
    return tuple(_mean_speech([fold[name] for fold in by_name]) for name in shared)


def _mean_speech(folds: Sequence[HeldOutSpeech]) -> HeldOutSpeech:
    answers = {label: statistics.mean(fold.answers[label] for fold in folds) for label in folds[0].answers}
    known = all(fold.emotions for fold in folds)
    emotions = map(_mean_emotion, zip(*(fold.emotions for fold in folds), strict=True)) if known else ()
    return dataclasses.replace(folds[0], answers=answers, emotions=tuple(emotions))


def _mean_emotion(folds: Sequence[ConfidentEmotion]) -> ConfidentEmotion:
    """Return the mean share, with the label that is the most frequent one in most folds."""
    labels = [fold.most_frequent for fold in folds if fold.most_frequent]
    return ConfidentEmotion(
        least_confidence=folds[0].least_confidence,
        share=statistics.mean(fold.share for fold in folds),
        most_frequent=statistics.mode(labels) if labels else '',
    )


def _over_folds(evaluations: Sequence[Evaluation], statistic: Callable[[list[float]], float]) -> Hearings:
    def over(figures: Sequence[ConditionFigures], measures: Sequence[str]) -> dict[str, float]:
        return {measure: statistic([getattr(fold, measure) for fold in figures]) for measure in measures}

    in_all = all(evaluation.conditions for evaluation in evaluations)
    return Hearings(
        **{
            hearing: Figures(**over([getattr(evaluation, hearing) for evaluation in evaluations], tuple(MEASURES)))
            for hearing in HEARINGS
        },
        conditions={
            name: ConditionFigures(
                **over([evaluation.conditions[name] for evaluation in evaluations], CONDITION_MEASURES)
            )
            for name in (evaluations[0].conditions if in_all else ())
        },
        streams=_streams_over_folds([evaluation.streams for evaluation in evaluations], statistic),
    )


def _streams_over_folds(
    folds: Sequence[Sequence[StreamFigures]], statistic: Callable[[list[float]], float]
) -> tuple[StreamFigures, ...]:
    """Return the kinds of streams that all folds have."""
    over = _where_all_know(statistic)
    by_name = [{stream.name: stream for stream in streams} for streams in folds]
    shared = [name for name in by_name[0] if all(name in streams for streams in by_name)]
    return tuple(
        StreamFigures(
            name=name,
            utterances=sum(streams[name].utterances for streams in by_name),
            **{
                measure: statistic([getattr(streams[name], measure) for streams in by_name])
                for measure in STREAM_MEASURES
            },
            all_labels_recall=over([streams[name].all_labels_recall for streams in by_name]),
            ordinary_called_emotion=over([streams[name].ordinary_called_emotion for streams in by_name]),
            plain_ordinary_called_emotion=over([streams[name].plain_ordinary_called_emotion for streams in by_name]),
            coverage=_coverage_over_folds([streams[name].coverage for streams in by_name], statistic),
        )
        for name in shared
    )


def _coverage_over_folds(
    folds: Sequence[Sequence[CoveragePoint]], statistic: Callable[[list[float]], float]
) -> tuple[CoveragePoint, ...]:
    """Return the points; an accuracy is not known where a fold answers nothing."""
    over = _where_all_know(statistic)
    return tuple(
        CoveragePoint(
            least_confidence=parts[0].least_confidence,
            coverage=statistic([part.coverage for part in parts]),
            accuracy=over([part.accuracy for part in parts]),
            emotion_accuracy=over([part.emotion_accuracy for part in parts]),
            ordinary_called_emotion=over([part.ordinary_called_emotion for part in parts]),
        )
        for parts in zip(*folds, strict=True)
    )


def _where_all_know(statistic: Callable[[list[float]], float]) -> Callable[[Sequence[float | None]], float | None]:
    """Return `statistic` for figures of all folds that are None in some: None if any is."""

    def over(values: Sequence[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return statistic(known) if len(known) == len(values) else None

    return over
