# SPDX-License-Identifier: Apache-2.0
"""The embedded default model: whole, small, and honest about itself."""

import json

import numpy as np
import pytest
import yaml

from ser_ros.emotions import LABELS
from ser_ros.export.clips import clips_of_demo
from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.models import find_model
from ser_ros.recognition.optimised_form import read_form
from ser_ros.training.evaluation.stream_scores import MOSTLY_ORDINARY
from ser_ros.training.finetuning.finetuning_recipe import load_finetuning_recipe
from ser_ros.training.learning.recipe import plain_values
from ser_ros.training.learning.recipe_file import recipes_folder

LARGEST = 12_000_000
"""Bytes; the weights, the form that needs no torch, which takes the weights from them, and the card."""


@pytest.fixture(scope='module')
def folder():
    return find_model()


@pytest.fixture(scope='module')
def results():
    return recipes_folder() / 'results' / 'default'


@pytest.fixture(scope='module')
def summary(results):
    return json.loads((results / 'speaker-independent' / 'summary.json').read_text())


@pytest.fixture(scope='module')
def of_strangers(results):
    return json.loads((results / 'leave-one-corpus-out' / 'summary.json').read_text())


def test_it_loads_strictly_and_answers_for_all_emotions(folder, made_sound):
    classifier = Classifier.load(folder, 'cpu')
    assert classifier.labels == LABELS
    estimate = classifier.classify(made_sound('chord', 1.5))
    assert np.isfinite(estimate.probabilities).all()
    assert estimate.probabilities.sum() == pytest.approx(1.0, abs=1e-5)


def test_its_optimised_form_belongs_to_its_weights_and_answers_as_they_do(folder):
    form, weights = (Classifier.load(folder, 'cpu', backend) for backend in ('auto', 'torch'))
    assert (form.backend, form.degraded, form.labels) == ('onnx', '', weights.labels)
    written = read_form(folder)
    assert written.clips > 1400 and written.labels_equal >= 0.995
    for clip in clips_of_demo():
        difference = np.abs(form.classify(clip).probabilities - weights.classify(clip).probabilities)
        assert difference.max() < 0.02


def test_it_fits_into_the_repository(folder):
    assert sum(path.stat().st_size for path in folder.rglob('*')) <= LARGEST


def test_it_was_made_by_the_recipe_that_ships_of_data_whose_licence_permits_it(folder, summary, of_strangers):
    settings = plain_values(load_finetuning_recipe('default'))
    report = json.loads((folder / 'report.json').read_text())
    assert report['settings'] == summary['settings'] == of_strangers['settings'] == settings
    assert report['protocol'] == 'full'
    assert {part['corpus'] for part in report['trained_on']} == {'RAVDESS', 'nEMO', 'EMO-DB'}
    for speech in (*report['trained_on'], *report['pretraining']['speech']):
        assert speech['licence'] not in ('', 'unknown'), speech


def test_it_adapts_and_was_calibrated_by_people_whom_it_never_heard(folder, of_strangers):
    assert Classifier.load(folder, 'cpu').prior is not None
    report = json.loads((folder / 'report.json').read_text())
    assert report['temperature'] == of_strangers['temperature']


def test_its_figures_are_the_mean_of_the_six_folds_and_above_the_bar(summary):
    accuracies = [fold['whole_clip']['accuracy'] for fold in summary['per_fold']]
    assert len(accuracies) == 6
    assert summary['mean']['whole_clip']['accuracy'] == pytest.approx(np.mean(accuracies))
    streams = {stream['name']: stream['unweighted_recall'] for stream in summary['mean']['streams']}
    assert streams['one voice alone'] >= 0.70
    assert np.trace(np.array(summary['confusion']['whole_clip'])) / 1440 == pytest.approx(np.mean(accuracies))


def test_of_people_from_other_corpora_it_is_right_more_often_than_the_bar(results, of_strangers):
    tested = [fold['test_corpora'] for fold in of_strangers['per_fold']]
    assert tested == [[name] for name in ('RAVDESS', 'nEMO', 'EMO-DB', 'EMOVO', 'ASED')]
    recalls = []
    for fold in (2, 3, 4, 5):
        report = json.loads((results / 'leave-one-corpus-out' / f'fold-{fold}' / 'report.json').read_text())
        streams = {stream['name']: stream for stream in report['evaluation']['streams']}
        recalls.append(streams[MOSTLY_ORDINARY]['unweighted_recall'])
    assert np.mean(recalls) >= 0.48


def test_its_card_holds_its_figures_and_its_limits(folder, summary, results):
    card = (folder / 'README.md').read_text()
    front_matter = yaml.safe_load(card.split('---')[1])
    assert front_matter['pipeline_tag'] == 'audio-classification'
    for hearing in ('whole_clip', 'utterance'):
        for measure in ('accuracy', 'unweighted_recall'):
            assert f'{summary["mean"][hearing][measure] * 100:.1f} %' in card
    assert f'{summary["deviation"]["whole_clip"]["accuracy"] * 100:.1f} %' in card
    paper = json.loads((results / 'paper' / 'report.json').read_text())
    for hearing in ('whole_clip', 'utterance'):
        assert f'{paper["evaluation"][hearing]["accuracy"] * 100:.1f} %' in card.partition('protocol paper')[2]
    assert (recipes_folder() / 'results' / 'ablation.md').read_text().strip() in card
    assert 'must not be used' in card
    for command in ('pretrain', 'train --recipe default ', 'optimize default'):
        assert f'ros2 run ser_ros {command}' in card
