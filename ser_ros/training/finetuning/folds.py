# SPDX-License-Identifier: Apache-2.0
"""Summarises the folds of a protocol; a fold without validation clips is calibrated on the others' test clips."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from scipy.special import softmax

from ser_ros.recognition.adaptation_prior import read_prior
from ser_ros.training.evaluation.calibration import calibration_error, fit_temperature, store_temperature
from ser_ros.training.evaluation.evaluate import Measured
from ser_ros.training.evaluation.held_out_speech import HeldOutAnswers
from ser_ros.training.evaluation.measures import HEARINGS
from ser_ros.training.evaluation.scores import CalibrationErrors, Evaluation, Scores
from ser_ros.training.evaluation.spoken import Spoken
from ser_ros.training.evaluation.stream_scores import score_streams
from ser_ros.training.evaluation.stream_temperature import best_temperature, miscalibration
from ser_ros.training.reporting.run_folder import write_run_folder, write_summary_folder
from ser_ros.training.reporting.run_report import RunReport, read_run_report
from ser_ros.training.reporting.summary import Summary, summarise
from ser_ros.training.storage.json_files import REPORT, read_as, write_json

_ANSWERS = 'answers.json'
_OTHER_FOLDS = "the other folds' test clips"
_OTHER_FOLDS_IN_STREAMS = f'{_OTHER_FOLDS}, heard in streams'


@dataclass(frozen=True)
class KeptAnswers:
    """A model's answers to its test clips.

    Attributes:
        clips: Their names.
        labels: Of the model, in its order.
        truth: Indices into `labels`.
        whole_clip: Log probabilities at temperature 1, a row for each clip, a column for each label.
        utterance: The same for the utterances that the node would cut.
    """

    clips: list[str]
    labels: list[str]
    truth: list[int]
    whole_clip: list[list[float]]
    utterance: list[list[float]]


def keep_answers(measured: Measured, folder: Path) -> None:
    """Write the answers of the model in `folder`, for the calibration of the other folds."""
    measured.spoken.save(folder)
    whole_clip, utterance = measured.whole_clip_answers, measured.utterance_answers
    kept = KeptAnswers(
        clips=[clip.name for clip in utterance.clips],
        labels=list(utterance.labels),
        truth=utterance.truth.tolist(),
        whole_clip=whole_clip.log_probabilities.round(4).tolist(),
        utterance=utterance.log_probabilities.round(4).tolist(),
    )
    write_json(folder / _ANSWERS, asdict(kept))


def sum_up(out: Path, folds: int) -> str:
    """Write the summary into `out` once all its folders `fold-N` exist, and their calibration into these.

    Returns:
        A sentence if some are missing, otherwise ''.
    """
    folders = [out / f'fold-{fold}' for fold in range(1, folds + 1)]
    reports = [report for folder in folders if (report := read_run_report(folder / REPORT))]
    if len(reports) < folds:
        return f'{len(reports)} of {folds} folds are done; the summary follows with the last one'
    answers = [kept for folder in folders if (kept := read_as(KeptAnswers, folder / _ANSWERS, 'truth'))]
    # Folds whose checkpoint was chosen on validation clips are already calibrated on them.
    if len(answers) == folds and all(report.selection == 'last' for report in reports):
        calibrated, summary = _calibrate_each(folders, reports, answers)
    else:
        calibrated, summary = reports, summarise(reports)
    for folder, before, report in zip(folders, reports, calibrated, strict=True):
        if report != before:
            store_temperature(folder, report.temperature)
            write_run_folder(folder, report)
    write_summary_folder(out, summary)
    return ''


def at_temperature(report: RunReport, folder: Path, temperature: float, calibrated_on: str) -> RunReport:
    """Return the report of the model in `folder` with a temperature, and with the confidences that this gives it.

    Those of its answers to held-out speech become unknown where the folder does not hold these, as that of the default.
    """
    speech = report.held_out_speech
    if temperature != report.temperature:
        kept = HeldOutAnswers.load(folder)
        speech = kept.at_temperature(temperature) if kept else tuple(replace(each, emotions=()) for each in speech)
    return replace(report, temperature=temperature, calibrated_on=calibrated_on, held_out_speech=speech)


def _calibrate_each(
    folders: Sequence[Path], reports: Sequence[RunReport], answers: Sequence[KeptAnswers]
) -> tuple[list[RunReport], Summary]:
    """Give each fold the temperature fitted to the answers of all others; return their reports and the summary.

    The summary holds the temperature fitted to the answers of all folds, and the calibration errors of all clips.
    """
    folds = [_Fold.of(kept, folder, report) for kept, folder, report in zip(answers, folders, reports, strict=True)]
    temperatures = [_fit([other for other in folds if other is not fold]) for fold in folds]
    reports = [
        at_temperature(report, folder, temperature, fold.calibrated_on)
        for report, folder, fold, temperature in zip(reports, folders, folds, temperatures, strict=True)
    ]
    evaluations = [report.evaluation for report in reports if report.evaluation is not None]
    calibrated = [
        _with_streams(_calibrate(report, evaluation, fold), folder)
        for folder, report, evaluation, fold in zip(folders, reports, evaluations, folds, strict=True)
    ]
    truth = np.concatenate([fold.truth for fold in folds])
    pooled = {
        hearing: _errors(
            np.concatenate(
                [fold.probabilities(hearing, warmth) for fold, warmth in zip(folds, temperatures, strict=True)]
            ),
            np.concatenate([fold.probabilities(hearing, 1.0) for fold in folds]),
            truth,
        )
        for hearing in HEARINGS
    }
    return calibrated, summarise(calibrated, _fit(folds), pooled)


@dataclass(frozen=True, eq=False)
class _Fold:
    """KeptAnswers for computing.

    Attributes:
        truth: int64, shape (clips,), index of each clip's label.
        scores: Of each hearing, float64, shape (clips, labels).
        miscalibration: See stream_temperature; None for a model that cannot adapt.
    """

    truth: np.ndarray
    scores: dict[str, np.ndarray]
    miscalibration: np.ndarray | None

    @classmethod
    def of(cls, answers: KeptAnswers, folder: Path, report: RunReport) -> '_Fold':
        spoken, prior = Spoken.load(folder), read_prior(folder, report.labels)
        return cls(
            np.array(answers.truth),
            {hearing: np.array(getattr(answers, hearing)) for hearing in HEARINGS},
            miscalibration(spoken, prior) if spoken and prior else None,
        )

    @property
    def calibrated_on(self) -> str:
        """What the folds that are like this one calibrate it by; see RunReport."""
        return _OTHER_FOLDS if self.miscalibration is None else _OTHER_FOLDS_IN_STREAMS

    def probabilities(self, hearing: str, temperature: float) -> np.ndarray:
        return softmax(self.scores[hearing] / temperature, axis=-1)


def _with_streams(report: RunReport, folder: Path) -> RunReport:
    """Return the report with the streams answered anew at its temperature, which decides what adaptation learns."""
    spoken, prior = Spoken.load(folder), read_prior(folder, report.labels)
    if report.evaluation is None or spoken is None or prior is None:
        return report
    return replace(
        report, evaluation=replace(report.evaluation, streams=score_streams(spoken, prior, report.temperature))
    )


def _calibrate(report: RunReport, evaluation: Evaluation, fold: _Fold) -> RunReport:
    """Return the report with the scores of its fold at its temperature."""
    calibrated = replace(
        evaluation,
        whole_clip=_rescored(evaluation.whole_clip, fold, 'whole_clip', report.temperature),
        utterance=_rescored(evaluation.utterance, fold, 'utterance', report.temperature),
    )
    return replace(report, evaluation=calibrated)


def _rescored(scores: Scores, fold: _Fold, hearing: str, temperature: float) -> Scores:
    """Return the scores at `temperature`, which changes confidences but not labels."""
    probabilities = fold.probabilities(hearing, temperature)
    errors = _errors(probabilities, fold.probabilities(hearing, 1.0), fold.truth)
    return replace(scores, **asdict(errors), confidence=float(probabilities.max(axis=-1).mean()))


def _errors(probabilities: np.ndarray, uncalibrated: np.ndarray, truth: np.ndarray) -> CalibrationErrors:
    return CalibrationErrors(
        calibration_error=calibration_error(probabilities, truth),
        uncalibrated_error=calibration_error(uncalibrated, truth),
    )


def _fit(folds: Sequence[_Fold]) -> float:
    """Return the temperature for utterances, which is what the node hears, and as it hears them: one after another."""
    miscalibrations = [fold.miscalibration for fold in folds if fold.miscalibration is not None]
    if len(miscalibrations) == len(folds):
        return best_temperature(miscalibrations)
    return fit_temperature(
        np.concatenate([fold.scores['utterance'] for fold in folds]), np.concatenate([fold.truth for fold in folds])
    )
