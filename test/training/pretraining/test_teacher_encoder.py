# SPDX-License-Identifier: Apache-2.0
"""A teacher's hidden states follow the sound, whatever its family and rate."""

import numpy as np
import pytest
import torch

from ser_ros.training.pretraining.teacher_encoder import TeacherEncoder

FAMILIES = ['whisper', 'hubert-layer', 'wav2vec2-group', 'wav2vec2-bert']


@pytest.mark.parametrize('family', FAMILIES)
def test_each_layer_is_averaged_to_the_rows_that_are_asked_for(models, made_sound, family):
    teacher = TeacherEncoder(str(models / family), [1, 2], longest=1.0)
    for rows in (1, 7, 25):
        states = teacher(made_sound('chord', 0.9), rows)
        assert states.shape == (2, rows, teacher.width) and states.dtype == torch.float16
        assert torch.isfinite(states).all()
    assert teacher.layers == [1, 2] and teacher.name == family


@pytest.mark.parametrize('family', ['whisper', 'hubert-layer'])
def test_the_end_of_the_sound_is_the_end_of_the_states(models, family):
    """Of a tone in the last fifth the last rows tell, also where Whisper pads to its window."""
    teacher = TeacherEncoder(str(models / family), [1], longest=1.0)
    rng = np.random.default_rng(0)
    quiet = rng.normal(scale=0.01, size=12_800).astype(np.float32)
    loud = quiet.copy()
    loud[-2_560:] += np.sin(np.arange(2_560)).astype(np.float32)
    change = (teacher(loud, 10).float() - teacher(quiet, 10).float()).norm(dim=-1)[0]
    assert change[8:].mean() > 2 * change[:6].mean()


def test_the_student_s_random_numbers_stay_as_they_are(models):
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    TeacherEncoder(str(models / 'whisper'), [1], longest=1.0)
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize('layers', [[], [0], [3], [1, 9]])
def test_layers_that_are_not_there_are_refused(models, refuses, layers):
    with refuses('distillation.layers', 'layers 1 to 2'):
        TeacherEncoder(str(models / 'whisper'), layers, longest=1.0)


def test_a_folder_that_is_no_encoder_is_refused(tmp_path, refuses):
    with refuses(str(tmp_path)):
        TeacherEncoder(str(tmp_path), [1], longest=1.0)
