# SPDX-License-Identifier: Apache-2.0
"""Every family that recipes use, shrunken: a pretrained encoder becomes a classifier, learns, is saved, and answers."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate.utils import extract_model_from_parallel
from tiny_models import PRETRAINED, save_pretrained_encoder

from ser_ros.recognition.classifier import Classifier
from ser_ros.training.data.clip import Clip
from ser_ros.training.data.recordings import Recording
from ser_ros.training.finetuning.finetune import finetune
from ser_ros.training.finetuning.finetuning_recipe import parse_finetuning_recipe
from ser_ros.training.learning.dataset import TrainingSet, ValidationSet, VariantFeatures
from ser_ros.training.learning.design import design_classifier
from ser_ros.training.learning.masks import Masks
from ser_ros.training.learning.network import new_classifier, save_model

LABELS = ('neutral', 'angry', 'sad')
STEPS = 2

_SHRUNKEN = (
    'validation.every_steps=1',
    'optimisation.epochs=1',
    'optimisation.evaluation_batch_size=4',
    'optimisation.learning_rate=0.01',  # so that two steps change the answers
    'optimisation.head_learning_rate=0.02',
    'optimisation.warmup_share=0',  # the first step of a warm-up changes nothing
)
SETTINGS = {
    'paper': ('extends: paper', _SHRUNKEN),
    'fast': (
        'extends: [paper, fast]',
        (
            *_SHRUNKEN,
            'optimisation.batch_size=8',
            'optimisation.gradient_checkpointing=true',
            'optimisation.class_weights=true',
        ),
    ),
}
CLIPS_A_STEP = 8


def encoder_of(model: torch.nn.Module) -> torch.nn.Module:
    """Return the encoder of a classifier."""
    return model.encoder if model.config.model_type == 'whisper' else model.base_model


def make_recipe(settings: str, checkpoint: Path, family: str):
    text, changes = SETTINGS[settings]
    window = ['network.window=1.0'] if family == 'whisper' else []
    text = f'{text}\ndescription: shrunken\nnetwork: {{checkpoint: {checkpoint}}}\n'
    return parse_finetuning_recipe(text, [*changes, *window])


@pytest.fixture
def recordings():
    """Two steps of training clips and three for validation, each emotion another hum."""
    generator = np.random.default_rng(5)
    made = []
    for index in range(CLIPS_A_STEP * STEPS + 3):
        seconds = np.arange(round(generator.uniform(0.7, 0.9) * 16_000)) / 16_000
        emotion = index % len(LABELS)
        hum = 0.3 * np.sin(2 * np.pi * 200 * 2**emotion * seconds) + generator.normal(scale=0.02, size=len(seconds))
        made.append(Recording(Clip(Path('made'), f'clip-{index}', LABELS[emotion]), hum.astype(np.float32), (0.2, 0.6)))
    return made


@pytest.mark.parametrize('settings', SETTINGS)
@pytest.mark.parametrize('family', PRETRAINED)
def test_a_pretrained_encoder_becomes_a_classifier_that_answers_as_it_was_trained(
    family, settings, recordings, tmp_path
):
    source = save_pretrained_encoder(family, tmp_path / 'encoder')
    recipe = make_recipe(settings, tmp_path / 'encoder', family)
    made = design_classifier(recipe.network, recipe.feature_extraction, LABELS)
    assert_same_encoder(source, new_classifier(made))

    training = TrainingSet(
        recordings[:-3],
        LABELS,
        VariantFeatures(made.frontend, recipe.augmentation, seed=0),
        Masks(recipe.augmentation, made.feature_extractor),
        seed=0,
    )
    validation = ValidationSet(recordings[-3:], LABELS, made.frontend, recipe.augmentation)
    trained = finetune(recipe, made, training, validation, tmp_path / 'work', resume=False)
    assert trained.steps == STEPS
    assert all(math.isfinite(entry.get('loss', entry.get('eval_loss'))) for entry in trained.log)
    assert_only_the_feature_encoder_rests(source, trained.model)

    save_model(trained.model, made.feature_extractor, tmp_path / 'model', stored_weights='float32')
    classifier = Classifier.load(tmp_path / 'model', 'cpu')
    utterance = recordings[0].utterance
    estimate = classifier.classify(utterance)
    assert estimate.labels == LABELS
    inputs = made.frontend([utterance])
    in_memory = extract_model_from_parallel(trained.model, keep_fp32_wrapper=False)  # else it answers in bfloat16
    np.testing.assert_allclose(estimate.probabilities, probabilities(in_memory, inputs), atol=1e-6)
    assert np.abs(estimate.probabilities - probabilities(new_classifier(made), inputs)).max() > 1e-3


def assert_same_encoder(source: torch.nn.Module, model: torch.nn.Module) -> None:
    weights = encoder_of(model).state_dict()
    assert weights.keys() == source.state_dict().keys()
    for name, expected in source.state_dict().items():
        assert torch.equal(weights[name], expected[: len(weights[name])]), name


def assert_only_the_feature_encoder_rests(source: torch.nn.Module, model: torch.nn.Module) -> None:
    """Every matrix of every layer has learnt; convolutions over sound, and Whisper's table of positions, have not."""
    before = source.state_dict()
    rests, learns = set(), set()
    for name, weight in encoder_of(model).named_parameters():
        resting = name.startswith(('feature_extractor.', 'conv1.', 'conv2.', 'embed_positions.'))
        same = torch.equal(weight.detach(), before[name][: len(weight)])
        if resting:
            assert same and not weight.requires_grad, name
            rests.add(name)
        elif 'layers.' in name and weight.ndim >= 2:
            assert not same, name
            learns.add(name)
    assert bool(rests) == (model.config.model_type != 'wav2vec2-bert')
    assert {name.partition('layers.')[2].partition('.')[0] for name in learns} == {
        str(layer) for layer in range(model.config.num_hidden_layers)
    }


@torch.inference_mode()
def probabilities(model: torch.nn.Module, inputs: dict[str, torch.Tensor]) -> np.ndarray:
    """Return what `model` says to one utterance."""
    return model.eval()(**inputs).logits[0].softmax(dim=-1).numpy()
