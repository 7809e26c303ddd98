# SPDX-License-Identifier: Apache-2.0
"""From pieces to an encoder's folder: it learns, is resumed, can be begun with, and says what is wrong."""

import dataclasses
import json
import os

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file
from transformers import Trainer

from ser_ros.training.learning.design import design_classifier
from ser_ros.training.learning.network import new_classifier
from ser_ros.training.learning.recipe import Augmentation, FeatureExtraction, Network, Optimisation
from ser_ros.training.pretraining.encoder_folder import Pretraining, check_output, make_encoder
from ser_ros.training.pretraining.pretraining_recipe import (
    HiddenStateDistillation,
    MaskedPrediction,
    Masking,
    Pieces,
    PretrainingRecipe,
)
from ser_ros.training.pretraining.speech import find_pieces
from ser_ros.training.pretraining.teacher_encoder import TeacherEncoder
from ser_ros.training.storage.disk import work_folder
from ser_ros.training.storage.lock import held

SIZE = {'hidden_size': 24, 'num_hidden_layers': 1, 'num_attention_heads': 2, 'intermediate_size': 24}
RECIPE = PretrainingRecipe(
    description='tiny',
    network=Network(model_type='wav2vec2-bert', config=SIZE),
    optimisation=Optimisation(epochs=4, batch_size=4, learning_rate=0.01),
    feature_extraction=FeatureExtraction(type='SeamlessM4TFeatureExtractor'),
    augmentation=Augmentation(variants=2, noise_probability=0.5),
    masking=Masking(share=0.4, span=0.1),
    pieces=Pieces(longest=1.0),
    checkpoint_every_steps=2,
)
PREDICTION = MaskedPrediction(weight=1.0, codes=16)
DISTILLATION = HiddenStateDistillation(weight=1.0, layers=[1, 2])


@pytest.fixture(scope='module')
def pieces(tmp_path_factory):
    folder = tmp_path_factory.mktemp('data') / 'speech'
    folder.mkdir()
    seconds = np.arange(16_000) / 16_000
    for number in range(12):
        sound = 0.3 * np.sin(2 * np.pi * (200 + 100 * number) * seconds * (1 + seconds))
        soundfile.write(folder / f'{number}.wav', sound[: 10_000 + 500 * number], 16_000)
    return find_pieces([folder], RECIPE.pieces)


def recipe_of(kind, **changes):
    parts = {'masked': {'masked_prediction': PREDICTION}, 'taught': {'distillation': DISTILLATION}}
    parts['both'] = parts['masked'] | parts['taught']
    return dataclasses.replace(RECIPE, **parts[kind], **changes)


@pytest.fixture
def run_of(pieces):
    def make(recipe, out, **others):
        return Pretraining('tiny', recipe, (pieces[0].path.parent,), out, 'pretrain', **others)

    return make


@pytest.mark.parametrize('kind', ['masked', 'taught', 'both'])
def test_the_loss_falls(run_of, pieces, models, tmp_path, kind):
    teacher = TeacherEncoder(str(models / 'hubert-layer'), [1, 2], longest=1.0) if kind != 'masked' else None
    optimisation = Optimisation(epochs=10, batch_size=4, learning_rate=0.01)
    report = make_encoder(run_of(recipe_of(kind, optimisation=optimisation), tmp_path / 'made'), pieces, teacher)
    losses = [entry['loss'] for entry in report.training_log]
    assert np.isfinite(losses).all() and np.mean(losses[-3:]) < 0.97 * losses[0]
    parts = {'prediction_loss', 'distillation_loss'} & report.training_log[-1].keys()
    assert len(parts) == (2 if kind == 'both' else 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['made']


def test_what_was_made_can_be_begun_with_and_hides_nothing(run_of, pieces, tmp_path):
    out = tmp_path / 'made'
    make_encoder(run_of(recipe_of('masked'), out), pieces, None)
    config = json.loads((out / 'config.json').read_text())
    assert not (config['apply_spec_augment'] and config['mask_time_prob'])
    saved = load_file(out / 'model.safetensors')
    model = new_classifier(design_classifier(Network(checkpoint=str(out)), FeatureExtraction(), ('a', 'b')))
    begun = model.base_model.state_dict()
    assert saved.keys() <= begun.keys()
    for name, value in saved.items():
        assert torch.equal(value, begun[name]), name
    report = json.loads((out / 'report.json').read_text())
    assert report['steps'] == 12 and report['pieces'] == 12 and (out / 'curves.png').is_file()


def test_a_killed_run_that_is_resumed_ends_like_one_that_was_not(run_of, pieces, models, tmp_path, monkeypatch):
    teacher = TeacherEncoder(str(models / 'hubert-layer'), [1, 2], longest=1.0)
    recipe = recipe_of('both')
    make_encoder(run_of(recipe, tmp_path / 'whole'), pieces, teacher)
    original, steps = Trainer.training_step, []

    def killed(self, *args, **kwargs):
        steps.append(1)
        if len(steps) == 6:
            raise KeyboardInterrupt
        return original(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, 'training_step', killed)
        with pytest.raises(KeyboardInterrupt):
            make_encoder(run_of(recipe, tmp_path / 'killed'), pieces, teacher)
    assert not (tmp_path / 'killed').exists()
    make_encoder(run_of(recipe, tmp_path / 'killed', resume=True), pieces, teacher)
    whole, resumed = (load_file(tmp_path / name / 'model.safetensors') for name in ('whole', 'killed'))
    for name, value in whole.items():
        torch.testing.assert_close(resumed[name], value, rtol=0, atol=1e-6)


def test_a_run_shorter_than_the_rhythm_of_its_log_ends_well(run_of, pieces, tmp_path):
    report = make_encoder(run_of(recipe_of('masked', checkpoint_every_steps=500), tmp_path / 'made'), pieces, None)
    assert report.steps == 12 and report.training_log


def test_another_recipe_is_not_resumed(run_of, pieces, tmp_path, monkeypatch, refuses):
    def killed(self, *args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, 'training_step', killed)
        with pytest.raises(KeyboardInterrupt):
            make_encoder(run_of(recipe_of('masked'), tmp_path / 'made'), pieces, None)
    with refuses('another recipe', '--resume'):
        make_encoder(run_of(recipe_of('masked', seed=1), tmp_path / 'made', resume=True), pieces, None)


def test_a_folder_that_is_there_is_not_overwritten(run_of, pieces, tmp_path, refuses):
    (tmp_path / 'notes.txt').touch()
    with refuses('never overwritten'):
        make_encoder(run_of(recipe_of('masked'), tmp_path), pieces, None)


def test_a_full_disk_is_told(run_of, pieces, tmp_path, refuses, disk_without_room):
    with disk_without_room(), refuses('is full', '--resume'):
        make_encoder(run_of(recipe_of('masked'), tmp_path / 'made'), pieces, None)
    assert not (tmp_path / 'made').exists()


def test_two_runs_do_not_share_a_folder(run_of, pieces, tmp_path, refuses):
    run = run_of(recipe_of('masked'), tmp_path / 'made')
    with held(work_folder(run.out)), refuses('another run', str(os.getpid()), 'choose another --out'):
        make_encoder(run, pieces, None)
    make_encoder(run, pieces, None)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith('.')] == []


@pytest.mark.parametrize(
    ('out', 'words'),
    [('taken', 'never overwritten'), ('taken/file/made', 'Not a directory'), ('x' * 250, 'File name too long')],
)
def test_an_output_that_cannot_be_made_is_told(run_of, tmp_path, refuses, out, words):
    (tmp_path / 'taken').mkdir()
    (tmp_path / 'taken' / 'file').touch()
    with refuses(words):
        check_output(run_of(recipe_of('masked'), tmp_path / out))
    check_output(run_of(recipe_of('masked'), tmp_path / 'new'))
    assert [path.name for path in tmp_path.iterdir()] == ['taken']
