# SPDX-License-Identifier: Apache-2.0
"""What the student hears of a piece, what its teacher hears, and what is kept of it on the disk."""

import dataclasses

import numpy as np
import pytest
import soundfile
import torch
from transformers import SeamlessM4TFeatureExtractor, Wav2Vec2BertConfig

from ser_ros.recognition.frontend import Frontend
from ser_ros.training.learning.recipe import Augmentation, Network, Optimisation
from ser_ros.training.pretraining.examples import CODES, MASK, STATES, VALID, Examples, collate_pieces, draw_mask
from ser_ros.training.pretraining.pretraining_recipe import MaskedPrediction, Masking, Pieces, PretrainingRecipe
from ser_ros.training.pretraining.speech import find_pieces

FRONTEND = Frontend(SeamlessM4TFeatureExtractor(stride=4), Wav2Vec2BertConfig())
RECIPE = PretrainingRecipe(
    description='',
    network=Network(),
    optimisation=Optimisation(epochs=1, batch_size=2, learning_rate=0.1),
    augmentation=Augmentation(variants=2, speed=(0.9, 1.1), noise_probability=1.0, noise_snr=(0.0, 0.0)),
    masking=Masking(share=0.5, span=0.12),
    masked_prediction=MaskedPrediction(weight=1.0, codes=8),
    pieces=Pieces(longest=1.0),
)


class ListeningTeacher:
    """Keeps what it hears; its states tell the row."""

    def __init__(self):
        self.heard = []

    def __call__(self, samples, rows):
        self.heard.append(samples)
        return torch.arange(rows, dtype=torch.float16)[None, :, None].expand(1, rows, 3)


@pytest.fixture
def write_speech(made_sound):
    """Write two files into a folder 'speech' below a folder; return its pieces."""

    def write(below):
        (below / 'speech').mkdir(parents=True)
        for number, duration in enumerate((1.0, 0.7)):
            soundfile.write(below / 'speech' / f'{number}.wav', made_sound('chord', duration), 16_000)
        return find_pieces([below / 'speech'], RECIPE.pieces)

    return write


def examples_of(pieces, kept, teacher=None, **changes):
    recipe = dataclasses.replace(RECIPE, **changes)
    return Examples(pieces, recipe, FRONTEND, lambda rows: rows, teacher or ListeningTeacher(), kept)


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_the_same_seed_gives_the_same_items_wherever_the_files_lie(write_speech, tmp_path):
    here = examples_of(write_speech(tmp_path / 'here'), tmp_path / 'kept')
    there = examples_of(write_speech(tmp_path / 'there'), tmp_path / 'also kept')
    other = examples_of(write_speech(tmp_path / 'other'), tmp_path / 'kept as well', seed=1)
    assert same(here[0], there[0]) and same(here[1], there[1])
    assert not torch.equal(here[0]['input_features'], other[0]['input_features'])


def test_variants_are_made_once_and_come_in_turn_while_masks_are_new(write_speech, tmp_path):
    teacher = ListeningTeacher()
    examples = examples_of(write_speech(tmp_path), tmp_path / 'kept', teacher)
    seen = []
    for epoch in range(4):
        examples.set_epoch(epoch)
        seen.append(examples[0])
    assert len(teacher.heard) == 2
    for name in ('input_features', CODES, STATES, VALID):
        assert torch.equal(seen[0][name], seen[2][name]) and torch.equal(seen[1][name], seen[3][name])
    assert not same(seen[0], seen[1])
    assert any(not torch.equal(seen[0][MASK], later[MASK]) for later in seen[2:3])


def test_a_voice_is_told_once_and_heard_in_several_surroundings(write_speech, tmp_path):
    teacher = ListeningTeacher()
    recipe = dataclasses.replace(RECIPE, pieces=dataclasses.replace(RECIPE.pieces, voices=1))
    examples = Examples(write_speech(tmp_path), recipe, FRONTEND, lambda rows: rows, teacher, tmp_path / 'kept')
    first = examples[0]
    examples.set_epoch(1)
    second = examples[0]
    assert len(teacher.heard) == 1
    assert torch.equal(first[STATES], second[STATES]) and torch.equal(first[CODES], second[CODES])
    assert first['input_features'].shape == second['input_features'].shape
    assert not torch.equal(first['input_features'], second['input_features'])


def test_a_half_written_variant_is_made_anew(write_speech, tmp_path):
    pieces = write_speech(tmp_path)
    whole = examples_of(pieces, tmp_path / 'kept')[0]
    for what in ('heard-0', 'told-0'):
        (tmp_path / 'killed' / what).mkdir(parents=True)
        half = (tmp_path / 'kept' / what / '0.safetensors').read_bytes()[:100]
        (tmp_path / 'killed' / what / '.0.safetensors.123.partial').write_bytes(half)
    assert same(examples_of(pieces, tmp_path / 'killed')[0], whole)


def test_without_variants_every_epoch_is_new_and_nothing_is_kept(write_speech, tmp_path):
    augmentation = dataclasses.replace(RECIPE.augmentation, variants=0)
    examples = examples_of(write_speech(tmp_path), tmp_path / 'kept', augmentation=augmentation)
    first = examples[0]
    examples.set_epoch(1)
    assert not torch.equal(first[STATES], examples[0][STATES]) or not same(first, examples[0])
    assert not (tmp_path / 'kept').exists()


def test_the_teacher_hears_the_voice_without_the_noise_that_the_student_hears(write_speech, tmp_path, made_sound):
    teacher = ListeningTeacher()
    augmentation = dataclasses.replace(RECIPE.augmentation, speed=(1.0, 1.0))
    noisy = examples_of(write_speech(tmp_path), tmp_path / 'kept', teacher, augmentation=augmentation)[0]
    np.testing.assert_allclose(teacher.heard[0], made_sound('chord', 1.0), atol=1e-4)
    clean = FRONTEND([teacher.heard[0]])['input_features'][0]
    assert not torch.allclose(noisy['input_features'].float(), clean, atol=0.1)


def test_rows_codes_states_and_masks_belong_together_and_are_padded_in_a_batch(write_speech, tmp_path):
    examples = examples_of(write_speech(tmp_path), tmp_path / 'kept')
    items = [examples[0], examples[1]]
    for item in items:
        rows = int(item['attention_mask'].sum())
        assert {len(item[name]) for name in (VALID, MASK, CODES, STATES)} == {rows} and item[VALID].all()
    batch = collate_pieces(items)
    long, short = (len(item[VALID]) for item in items)
    assert batch[VALID].sum(dim=1).tolist() == [long, short] and not batch[VALID][1, short:].any()
    assert not batch[MASK][1, short:].any() and batch['input_features'].dtype == torch.float32


@pytest.mark.parametrize('share', [0.0, 0.2, 0.6])
def test_masks_cover_their_share_in_spans(share):
    rng = np.random.default_rng(0)
    masks = np.stack([draw_mask(100, 4.0, Masking(share=share, span=0.4), rng) for _ in range(400)])
    # Spans that overlap cover less: 1 - (1 - span/rows)^count.
    assert masks.mean() == pytest.approx(1 - np.exp(-share), abs=0.04)
    assert not share or (masks[:, -1].any() and masks[:, 0].any())


def test_a_piece_shorter_than_a_span_is_not_hidden():
    assert not draw_mask(5, 0.2, Masking(share=1.0, span=0.4), np.random.default_rng(0)).any()
