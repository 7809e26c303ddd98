# SPDX-License-Identifier: Apache-2.0
"""A pretrained encoder teaches by a probe of its states, which learns the clips that train."""

from dataclasses import replace

import pytest
import torch
from tiny_models import save_pretrained_encoder

from ser_ros.training.data.corpus import read_corpora
from ser_ros.training.data.recordings import load_recordings
from ser_ros.training.finetuning.finetuning_recipe import parse_finetuning_recipe
from ser_ros.training.finetuning.probe_teacher import ProbeTeacher, TeacherStates
from ser_ros.training.learning.dataset import VariantFeatures
from ser_ros.training.learning.design import design_classifier


@pytest.fixture
def corpus(make_clips, tmp_path):
    return read_corpora([str(make_clips(tmp_path / 'data', (1, 2)))])


@pytest.fixture
def recordings(corpus):
    return load_recordings(corpus.clips)


@pytest.fixture(params=['whisper', 'wavlm-large'])
def states(request, corpus, tmp_path):
    """Return the states of a random-weight encoder, for a pupil that hears each clip in two variants."""
    save_pretrained_encoder(request.param, tmp_path / 'encoder')
    window = ', window: 1.0' if request.param == 'whisper' else ''
    text = f'extends: paper\ndescription: shrunken\nnetwork: {{checkpoint: {tmp_path / "encoder"}{window}}}\n'
    settings = ['distillation.weight=0.5', 'distillation.probe.layers=[1]', 'distillation.probe.penalty=0.001']
    recipe = parse_finetuning_recipe(text, [*settings, 'augmentation.variants=2', 'augmentation.speed=[0.9,1.1]'])
    design = design_classifier(recipe.network, recipe.feature_extraction, corpus.labels)
    features = VariantFeatures(design.frontend, recipe.augmentation, seed=0)
    return TeacherStates(recipe, tmp_path / 'encoder', corpus, features)


@pytest.fixture
def probe(states, corpus):
    """Return probe(recordings): a teacher that they trained."""
    return lambda recordings: ProbeTeacher(states, recordings, corpus.labels, corpus.known_labels, temperature=2.0)


def test_it_answers_the_clips_that_trained_it(recordings, corpus, probe):
    teacher = probe(recordings)
    assert teacher.name == 'encoder'
    answers = [teacher(recording, epoch) for recording in recordings for epoch in range(4)]
    for answer in answers:
        assert answer.dtype == torch.float32 and answer.shape == (2,)
        torch.testing.assert_close(answer.sum(), torch.tensor(1.0))
    truth = [corpus.labels.index(recording.clip.emotion) for recording in recordings for _ in range(4)]
    right = sum(int(answer.argmax()) == label for answer, label in zip(answers, truth, strict=True))
    assert right > 0.8 * len(answers)
    assert torch.equal(answers[0], answers[2]) and not torch.equal(answers[0], answers[1])  # two variants, in turn


def test_only_the_clips_that_train_decide_its_answers(recordings, probe):
    first = [one for one in recordings if one.clip.speaker == 1]
    stranger = next(one for one in recordings if one.clip.speaker == 2)
    alone = probe(first)(stranger, 0)
    probe(recordings)  # another fold; the states are shared, the probe is not
    torch.testing.assert_close(probe(first)(stranger, 0), alone)
    assert not torch.allclose(probe(recordings)(stranger, 0), alone)


def test_an_utterance_beyond_its_window_is_heard_in_parts(recordings, states, made_sound):
    recording = recordings[0]
    long = replace(recording, samples=made_sound('chord', 9.0), speech=(0.0, 9.0))
    assert states.states.of(long, 0).shape == states.states.of(recording, 1).shape
