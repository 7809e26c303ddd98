# SPDX-License-Identifier: Apache-2.0
"""A frozen encoder of every family: its pooled state is the mean of the chosen hidden states."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_models import PRETRAINED, save_pretrained_encoder
from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor

from ser_ros.recognition.frontend import Frontend
from ser_ros.training.data.clip import Clip
from ser_ros.training.data.recordings import Recording
from ser_ros.training.finetuning.finetuning_recipe import parse_finetuning_recipe
from ser_ros.training.finetuning.frozen import FrozenStates, fit_probe, new_frozen, ways_to_hear
from ser_ros.training.learning.dataset import VariantFeatures
from ser_ros.training.learning.design import design_classifier

LABELS = ('neutral', 'angry')
LAYERS = (0, 1)


@pytest.mark.parametrize('family', PRETRAINED)
def test_its_pooled_state_is_the_mean_of_the_hidden_states_over_all_windows(family, tmp_path):
    width = save_pretrained_encoder(family, tmp_path / 'encoder').config.hidden_size
    text = f'extends: paper\ndescription: shrunken\nnetwork: {{checkpoint: {tmp_path / "encoder"}}}\n'
    settings = [
        f'frozen_encoder.layers={list(LAYERS)}',
        'network.config.use_weighted_layer_sum=true',
        f'network.config.classifier_proj_size={width}',
        *(['network.window=0.5'] if family == 'whisper' else []),
    ]
    recipe = parse_finetuning_recipe(text, settings)
    design = design_classifier(recipe.network, recipe.feature_extraction, LABELS)
    features = VariantFeatures(design.frontend, recipe.augmentation, seed=0)
    sound = np.random.default_rng(0).normal(scale=0.1, size=14_000).astype(np.float32)
    recording = Recording(Clip(Path('made'), 'made', 'angry'), sound, (0.0, 14_000 / 16_000))
    (state,) = FrozenStates(recipe, design, [features.as_heard])([recording])
    network = new_frozen(recipe, design).eval()
    parts = features.as_heard(recording)
    assert len(parts) == (2 if family == 'whisper' else 1)
    expected = []
    for part in parts:
        with torch.inference_mode():
            hidden = network(**{name: value[None] for name, value in part.items()}, output_hidden_states=True)
        expected.append(torch.stack([hidden.hidden_states[layer] for layer in LAYERS]).mean(dim=0)[0].mean(dim=0))
    np.testing.assert_allclose(state, torch.stack(expected).mean(dim=0).numpy(), atol=1e-5)


def test_a_clip_trains_as_heard_and_in_each_of_its_variants():
    recipe = parse_finetuning_recipe('extends: paper\ndescription: made\nnetwork: {checkpoint: made}\n', [])
    augmentation = replace(recipe.augmentation, speed=(0.8, 1.2), variants=2)
    features = VariantFeatures(Frontend(Wav2Vec2FeatureExtractor(), Wav2Vec2Config()), augmentation, seed=0)
    sound = np.random.default_rng(0).normal(scale=0.1, size=14_000).astype(np.float32)
    recording = Recording(Clip(Path('made'), 'made', 'angry'), sound, (0.0, 14_000 / 16_000))
    heard = [way(recording) for way in ways_to_hear(features, 2)]
    lengths = [len(part['input_values']) for (part,) in heard]
    assert lengths[0] == len(recording.utterance)
    assert len(set(lengths)) == 3


def test_ordinary_speech_trains_the_last_layer_too():
    rng = np.random.default_rng(0)

    def recording(name, emotion, speaker=None):
        return Recording(Clip(Path(name), name, emotion, speaker=speaker), np.zeros(0, np.float32), (0.0, 0.0))

    clips = [recording(f'{emotion}-{n}', emotion, n % 3) for emotion in LABELS for n in range(12)]
    ordinary = [recording(f'plain-{n}', 'neutral') for n in range(6)]
    centres = {'neutral': [1.0, 0.0], 'angry': [-1.0, 0.0], 'plain': [-1.0, 5.0]}

    def states(recordings):
        return np.stack([centres[each.clip.name.split('-')[0]] + rng.normal(scale=0.1, size=2) for each in recordings])

    text = 'extends: paper\ndescription: made\nnetwork: {checkpoint: made}\n'
    for share, heard, answer in ((0.3, ordinary, 0), (0.3, (), 1), (0.0, ordinary, 1)):
        settings = ['frozen_encoder.layers=[1]', 'other_speech.ordinary=12', f'frozen_encoder.ordinary_share={share}']
        recipe = parse_finetuning_recipe(text, settings)
        head = fit_probe(recipe, clips, LABELS, {}, states, heard).head
        assert (head.weights @ centres['plain'] + head.bias).argmax() == answer
        assert (head.weights @ centres['angry'] + head.bias).argmax() == 1
