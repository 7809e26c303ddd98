# SPDX-License-Identifier: Apache-2.0
"""Sums up the folds of a protocol; where a fold has no validation clips, the others' test clips calibrate it."""

from pathlib import Path

import numpy as np
from scipy.special import softmax

from ser_ros.training.measuring.calibration import calibration_error, fit_temperature, store_temperature
from ser_ros.training.measuring.evaluation import Evaluation
from ser_ros.training.measuring.files import REPORT, SUMMARY, read_json, write_json
from ser_ros.training.measuring.measures import HEARINGS
from ser_ros.training.measuring.pictures import confusion_picture
from ser_ros.training.measuring.report import run_markdown
from ser_ros.training.measuring.summary import summarise, summary_markdown

_ANSWERS = 'answers.json'
_OTHER_FOLDS = "the other folds' test clips"
ALL_FOLDS = "all folds' test clips"


def keep_answers(evaluation: Evaluation, folder: Path) -> None:
    """Write what the model in `folder` said of its test clips, as log probabilities at temperature 1."""
    heard = {'whole_clip': evaluation.whole_clip_answers, 'utterance': evaluation.utterance_answers}
    write_json(
        folder / _ANSWERS,
        {
            'clips': [clip.name for clip in evaluation.utterance_answers.clips],
            'labels': list(evaluation.utterance_answers.labels),
            'truth': evaluation.utterance_answers.truth.tolist(),
            **{hearing: answers.log_probabilities.round(4).tolist() for hearing, answers in heard.items()},
        },
    )


def sum_up(out: Path, folds: int, title: str) -> str:
    """Write `summary.json`, `summary.md` and a picture into `out` once all its folders `fold-N` are there.

    Return a sentence where some are missing, else ''.
    """
    folders = [out / f'fold-{fold}' for fold in range(1, folds + 1)]
    done = sum((folder / REPORT).is_file() for folder in folders)
    if done < folds:
        return f'{done} of {folds} folds are done; the summary follows with the last one'
    pooled = _calibrate_each(folders)
    summary = {**summarise([read_json(folder / REPORT) for folder in folders]), **pooled}
    write_json(out / SUMMARY, summary)
    (out / 'summary.md').write_text(summary_markdown(summary), encoding='utf-8')
    confusion_picture(summary['labels'], summary['confusion']['whole_clip'], out / 'confusion.png', title)
    return ''


def _calibrate_each(folders: list[Path]) -> dict:
    """Give each fold the temperature that suits the answers of all others.

    Return what all folds tell together: the temperature that suits all their answers, and the calibration errors of
    all clips. Nothing where folds have validation clips, which calibrated them already, or kept no answers.
    """
    reports = [read_json(folder / REPORT) for folder in folders]
    if any(report.get('selection') != 'last' for report in reports):
        return {}
    if not all((folder / _ANSWERS).is_file() for folder in folders):
        return {}
    answers = [read_json(folder / _ANSWERS) for folder in folders]
    scores = [{hearing: np.array(told[hearing]) for hearing in HEARINGS} for told in answers]
    truths = [np.array(told['truth']) for told in answers]
    calibrated = {hearing: [] for hearing in HEARINGS}
    for index, (folder, report) in enumerate(zip(folders, reports, strict=True)):
        others = [other for other in range(len(folders)) if other != index]
        temperature = _fit([scores[other] for other in others], [truths[other] for other in others])
        report |= {'temperature': temperature, 'calibrated_on': _OTHER_FOLDS}
        for hearing, log_probabilities in scores[index].items():
            probabilities = softmax(log_probabilities / temperature, axis=-1)
            calibrated[hearing].append(probabilities)
            report['evaluation'][hearing] |= {
                **_errors(probabilities, log_probabilities, truths[index]),
                'confidence': float(probabilities.max(axis=-1).mean()),
            }
        store_temperature(folder, temperature)
        write_json(folder / REPORT, report)
        (folder / 'report.md').write_text(run_markdown(report), encoding='utf-8')
    return {
        'temperature': _fit(scores, truths),
        'pooled': {
            hearing: _errors(
                np.concatenate(calibrated[hearing]),
                np.concatenate([each[hearing] for each in scores]),
                np.concatenate(truths),
            )
            for hearing in HEARINGS
        },
    }


def _errors(probabilities: np.ndarray, log_probabilities: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    return {
        'calibration_error': calibration_error(probabilities, truth),
        'uncalibrated_error': calibration_error(np.exp(log_probabilities), truth),
    }


def _fit(scores: list[dict[str, np.ndarray]], truths: list[np.ndarray]) -> float:
    """Return the temperature for utterances, which is what the node hears."""
    return fit_temperature(np.concatenate([each['utterance'] for each in scores]), np.concatenate(truths))
