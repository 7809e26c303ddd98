# SPDX-License-Identifier: Apache-2.0
"""Folds calibrate each other and are summed up, from what each of them kept; nothing is trained here."""

import json
import re
from dataclasses import asdict, replace

import numpy as np
import pytest
from scipy.special import log_softmax

from ser_ros.recognition.model_settings import TEMPERATURE_KEY
from ser_ros.training.evaluation.held_out_speech import HeldOutAnswers, SpeechAnswers
from ser_ros.training.finetuning import folds
from ser_ros.training.finetuning.folds import KeptAnswers, sum_up
from ser_ros.training.reporting.run_folder import write_run_folder
from ser_ros.training.reporting.run_report import read_run_report
from ser_ros.training.reporting.summary import read_summary
from ser_ros.training.storage.json_files import write_json


@pytest.fixture
def out(tmp_path, make_report):
    """Return a folder of three folds whose answers are each three times too sure of themselves."""
    rng = np.random.default_rng(0)
    for fold in (1, 2, 3):
        folder = tmp_path / f'fold-{fold}'
        folder.mkdir()
        (folder / 'config.json').write_text('{}')
        logits = rng.normal(scale=1.5, size=(2000, 2))
        truth = (rng.random(2000) > 1 / (1 + np.exp(logits[:, 1] - logits[:, 0]))).astype(int)
        sure = log_softmax(3 * logits, axis=-1).tolist()
        answers = KeptAnswers([str(number) for number in range(2000)], ['happy', 'sad'], truth.tolist(), sure, sure)
        write_json(folder / 'answers.json', asdict(answers))
        report = make_report(fold, selection='last', validation_clips=0, temperature=1.0, calibrated_on='')
        write_run_folder(folder, report)
    return tmp_path


@pytest.fixture
def heard(out):
    """Let each fold have answered three laughs, and told of them at temperature 1."""
    answers = HeldOutAnswers(
        labels=('neutral', 'happy', 'sad'),
        folders=(
            SpeechAnswers(
                speech='Laughs',
                recordings=3,
                rejected=0,
                longest_seconds=2.0,
                log_probabilities=np.log([[0.05, 0.9, 0.05], [0.8, 0.1, 0.1], [0.01, 0.01, 0.98]]).tolist(),
                outliers=[False] * 3,
            ),
        ),
    )
    for fold in (1, 2, 3):
        folder = out / f'fold-{fold}'
        answers.save(folder)
        report = read_run_report(folder / 'report.json')
        write_run_folder(folder, replace(report, held_out_speech=answers.at_temperature(1.0)))
    return answers


def content(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob('*') if path.is_file()}


def test_each_fold_is_calibrated_by_the_others_and_tells_so_everywhere(out):
    assert sum_up(out, 3) == ''
    for fold in (1, 2, 3):
        folder = out / f'fold-{fold}'
        report = read_run_report(folder / 'report.json')
        assert report.temperature == pytest.approx(3.0, abs=0.3)
        assert json.loads((folder / 'config.json').read_text())[TEMPERATURE_KEY] == report.temperature
        scores = report.evaluation.utterance
        assert scores.calibration_error < 0.05 < scores.uncalibrated_error and scores.accuracy == 0.4
        for text in ('report.md', 'README.md'):
            assert "the other folds' test clips" in (folder / text).read_text()
    summary = read_summary(out / 'summary.json')
    assert summary.temperature == pytest.approx(3.0, abs=0.2)
    assert summary.pooled['utterance'].calibration_error < 0.03


def test_held_out_speech_is_told_with_the_confidences_of_the_temperature(out, heard):
    sum_up(out, 3)
    reports = [read_run_report(out / f'fold-{fold}' / 'report.json') for fold in (1, 2, 3)]
    for report in reports:
        assert report.held_out_speech == heard.at_temperature(report.temperature)
        (laughs,) = report.held_out_speech
        # Two of three were called an emotion with 0.9 and more; at a temperature near 3 none is.
        shares = {point.least_confidence: point.share for point in laughs.emotions}
        assert (shares[0.0], shares[0.9]) == (pytest.approx(2 / 3), 0.0)
    (laughs,) = read_summary(out / 'summary.json').held_out_speech
    assert laughs.emotions[0].share == pytest.approx(2 / 3) and laughs.emotions[-2].share == 0.0
    assert '| Laughs | 3 ' in (out / 'summary.md').read_text()


def test_confidences_are_unknown_where_no_answers_are_kept(out, heard):
    for fold in (1, 2, 3):
        (out / f'fold-{fold}' / 'held_out_speech.json').unlink()
    sum_up(out, 3)
    (laughs,) = read_run_report(out / 'fold-1' / 'report.json').held_out_speech
    assert laughs.answers['neutral'] == pytest.approx(1 / 3) and laughs.emotions == ()
    assert re.search(r'\| Laughs \| 3 .*\| - +\|', (out / 'fold-1' / 'README.md').read_text())


def test_a_second_time_changes_nothing(out, heard):
    sum_up(out, 3)
    (out / 'fold-1' / 'README.md').write_text((out / 'fold-1' / 'README.md').read_text() + '\nMine.\n')
    before = content(out)
    sum_up(out, 3)
    assert content(out) == before


def test_all_are_calibrated_before_any_is_written(out, monkeypatch):
    fitted = []

    def fail(scores, truth):
        fitted.append(len(truth))
        if len(fitted) == 3:
            raise ArithmeticError
        return 2.0

    monkeypatch.setattr(folds, 'fit_temperature', fail)
    before = content(out)
    with pytest.raises(ArithmeticError):
        sum_up(out, 3)
    assert fitted == [4000] * 3 and content(out) == before


def test_folds_that_validation_clips_calibrated_keep_their_temperature(out, make_report):
    for fold in (1, 2, 3):
        write_run_folder(out / f'fold-{fold}', make_report(fold))
    sum_up(out, 3)
    assert {read_run_report(out / f'fold-{fold}' / 'report.json').temperature for fold in (1, 2, 3)} == {1.8}
    summary = read_summary(out / 'summary.json')
    assert summary.temperature is None and summary.pooled == {}


def test_a_fold_that_is_missing_is_told(out):
    assert sum_up(out, 4).startswith('3 of 4 folds are done')
    assert not (out / 'summary.json').exists()
