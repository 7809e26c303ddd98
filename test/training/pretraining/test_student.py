# SPDX-License-Identifier: Apache-2.0
"""The student is hidden what it is to guess, and padding costs it nothing."""

import dataclasses

import pytest
import torch
from transformers import HubertConfig, Wav2Vec2BertConfig

from ser_ros.training.learning.design import Design
from ser_ros.training.learning.recipe import Network, Optimisation
from ser_ros.training.pretraining.examples import CODES, MASK, STATES, VALID
from ser_ros.training.pretraining.pretraining_recipe import (
    HiddenStateDistillation,
    MaskedPrediction,
    Masking,
    PretrainingRecipe,
)
from ser_ros.training.pretraining.student import Student
from ser_ros.training.pretraining.whitening import Whitening

SIZE = {'hidden_size': 16, 'num_hidden_layers': 1, 'num_attention_heads': 2, 'intermediate_size': 16}
QUIET = {'layerdrop': 0.0, 'hidden_dropout': 0.0, 'attention_dropout': 0.0}
RECIPE = PretrainingRecipe(
    description='',
    network=Network(),
    optimisation=Optimisation(epochs=1, batch_size=2, learning_rate=0.1),
    masking=Masking(share=0.5),
    masked_prediction=MaskedPrediction(weight=2.0, codes=8),
    distillation=HiddenStateDistillation(weight=3.0, layers=[1, 2]),
)
ROWS, WIDTH = 12, 5


def make_student(recipe=RECIPE):
    torch.manual_seed(0)
    config = Wav2Vec2BertConfig(
        **SIZE,
        **QUIET,
        feature_projection_input_dim=8,
        feat_proj_dropout=0.0,
        conformer_conv_dropout=0.0,
        position_embeddings_type=None,
    )
    layers = len(recipe.distillation.layers)
    return Student(Design(config, None), recipe, Whitening.none(layers, WIDTH))


def make_batch(rows=ROWS, padding=0, seed=1):
    generator = torch.Generator().manual_seed(seed)
    pad = torch.nn.functional.pad
    return {
        'input_features': pad(torch.randn(2, rows, 8, generator=generator), (0, 0, 0, padding)),
        'attention_mask': pad(torch.ones(2, rows, dtype=torch.int32), (0, padding)),
        VALID: pad(torch.ones(2, rows, dtype=torch.bool), (0, padding)),
        MASK: pad((torch.arange(rows) % 3 == 0).expand(2, rows), (0, padding)),
        CODES: pad(torch.randint(8, (2, rows), generator=generator, dtype=torch.int32), (0, padding)),
        STATES: pad(torch.randn(2, rows, 2, WIDTH, generator=generator), (0, 0, 0, 0, 0, padding)),
    }


def test_the_loss_is_the_weighted_sum_of_its_parts():
    losses = make_student()(**make_batch())
    assert float(losses['loss']) == pytest.approx(
        2 * float(losses['prediction_loss']) + 3 * float(losses['distillation_loss']), rel=1e-5
    )


def test_what_lies_under_the_mask_does_not_matter_and_what_lies_beside_it_does():
    student = make_student().eval()
    batch = make_batch()
    hidden, seen = dict(batch), dict(batch)
    hidden['input_features'] = torch.where(batch[MASK][..., None], 9.0, batch['input_features'])
    seen['input_features'] = torch.where(batch[MASK][..., None], batch['input_features'], 9.0)
    loss, hidden_loss, seen_loss = (float(student(**dict(it))['loss']) for it in (batch, hidden, seen))
    assert hidden_loss == pytest.approx(loss, rel=1e-5)
    assert seen_loss != pytest.approx(loss, rel=1e-3)


def test_padding_costs_nothing():
    student = make_student().eval()
    plain, padded = (student(**make_batch(padding=padding)) for padding in (0, 5))
    for name in plain:
        assert float(padded[name].detach()) == pytest.approx(float(plain[name].detach()), rel=1e-4)


def test_where_nothing_is_hidden_there_is_nothing_to_name():
    batch = make_batch()
    batch[MASK] = torch.zeros_like(batch[MASK])
    losses = make_student()(**batch)
    assert float(losses['prediction_loss']) == 0.0 and torch.isfinite(losses['loss'])


def test_states_are_wanted_at_the_same_scale():
    recipe = dataclasses.replace(RECIPE, masked_prediction=MaskedPrediction())
    batch, large = make_batch(), make_batch()
    del batch[CODES], large[CODES]
    large[STATES] = 1000 * large[STATES] + 7
    student = make_student(recipe).eval()
    before = float(student(**batch)['loss'])
    student.whitening.mean += 7
    student.whitening.deviation *= 1000
    assert float(student(**large)['loss']) == pytest.approx(before, rel=1e-3)


def test_a_student_that_hears_samples_learns_too():
    convolutions = {'conv_dim': (8, 8), 'conv_stride': (16, 20), 'conv_kernel': (16, 20)}
    config = HubertConfig(**SIZE, **QUIET, **convolutions, num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2)
    config.feat_proj_dropout = config.activation_dropout = 0.0
    student = Student(Design(config, None), RECIPE, Whitening.none(2, WIDTH))
    rows = int(student.encoder._get_feat_extract_output_lengths(4_000))
    batch = make_batch(rows=rows)
    del batch['input_features'], batch['attention_mask']
    losses = student(input_values=torch.randn(2, 4_000), **batch)
    losses['loss'].backward()
    assert torch.isfinite(losses['loss']) and student.encoder.masked_spec_embed.grad.abs().sum() > 0
