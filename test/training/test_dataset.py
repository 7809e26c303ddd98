# SPDX-License-Identifier: Apache-2.0
"""Clips become features: repeatable, new in every epoch, padded only within a batch."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import SeamlessM4TFeatureExtractor, Wav2Vec2BertConfig

from ser_ros.recognition.frontend import Frontend
from ser_ros.training.dataset import Recording, UtteranceDataset, VariantFeatures, collate, load_recordings
from ser_ros.training.ravdess import find_clips, parse_clip
from ser_ros.training.recipe import Augmentation

FRONTEND = Frontend(SeamlessM4TFeatureExtractor(stride=4), Wav2Vec2BertConfig())
VARIED = Augmentation(speed=(0.8, 1.2), masks=1)


@pytest.fixture
def recordings(made_sound):
    return [
        Recording(
            parse_clip(Path(f'03-01-0{emotion}-01-01-01-01.wav')), made_sound('white noise', duration), (0.4, duration)
        )
        for emotion, duration in ((5, 1.0), (1, 1.5))
    ]


def dataset(recordings, augmentation, seed=0):
    features = VariantFeatures(FRONTEND, augmentation, seed=seed)
    return UtteranceDataset(recordings, ('neutral', 'angry'), features, augmentation, mel_bands=80, seed=seed)


def test_the_same_seed_and_epoch_give_the_same_utterance(recordings):
    first, second = dataset(recordings, VARIED), dataset(recordings, VARIED)
    for data in (first, second):
        data.set_epoch(3)
    assert torch.equal(first[0]['input_features'], second[0]['input_features'])


@pytest.mark.parametrize('change', ['epoch', 'seed'])
def test_another_epoch_or_seed_gives_another(recordings, change):
    first = dataset(recordings, VARIED)
    second = dataset(recordings, VARIED, seed=1 if change == 'seed' else 0)
    second.set_epoch(1 if change == 'epoch' else 0)
    one, other = first[0]['input_features'], second[0]['input_features']
    assert one.shape != other.shape or not torch.equal(one, other)


def test_variants_come_again_in_turn(recordings):
    data = dataset(recordings, Augmentation(variants=2, speed=(0.8, 1.2)))
    seen = []
    for epoch in range(4):
        data.set_epoch(epoch)
        seen.append(data[0]['input_features'])
    assert torch.equal(seen[0], seen[2]) and torch.equal(seen[1], seen[3])
    assert seen[0].shape != seen[1].shape or not torch.equal(seen[0], seen[1])


def test_an_epoch_takes_every_utterance_once_in_batches_of_like_duration(made_sound):
    many = [
        Recording(
            parse_clip(Path(f'03-01-01-01-01-01-{actor:02d}.wav')),
            made_sound('tone', 0.5 + actor / 10),
            (0.4, 0.5 + actor / 10),
        )
        for actor in range(1, 19)
    ]
    data = dataset(many, Augmentation(speed=(0.8, 1.2)))
    orders = []
    for epoch in range(2):
        data.set_epoch(epoch)
        orders.append(data.order(4))
        assert sorted(orders[-1]) == list(range(18))
        lengths = [len(data[index]['input_features']) for index in orders[-1][:16]]
        spread = np.mean([np.ptp(lengths[at : at + 4]) for at in range(0, 16, 4)])
        assert spread < np.ptp(lengths) / 2
    assert orders[0] != orders[1]


def test_an_unvaried_utterance_is_what_the_robot_gives_its_model(recordings):
    item = dataset(recordings, Augmentation())[0]
    expected = FRONTEND([recordings[0].utterance])
    assert torch.equal(item['input_features'], expected['input_features'][0])
    assert item['labels'] == 1


def test_a_batch_is_padded_with_zeros_that_the_mask_tells(recordings):
    items = [dataset(recordings, Augmentation())[index] for index in (0, 1)]
    batch = collate(items)
    short, long = (len(item['input_features']) for item in items)
    assert batch['input_features'].shape == (2, long, 320)
    assert (batch['input_features'][0, short:] == 0).all()
    assert batch['attention_mask'].sum(dim=1).tolist() == [short, long]
    assert batch['labels'].tolist() == [1, 0]


def test_a_voice_that_the_detector_misses_counts_whole(make_clips, tmp_path):
    (recording, *_) = load_recordings(find_clips(make_clips(tmp_path, (1,)))[:1])
    assert recording.speech == (0.0, 0.6)
    assert recording.utterance.dtype == np.float32
    assert len(recording.utterance) == 0.6 * 16_000


def test_a_corrupt_clip_is_refused(refuses, tmp_path):
    bad = tmp_path / '03-01-01-01-01-01-01.wav'
    bad.write_text('no sound')
    with refuses(str(bad), 'cannot be read as sound'):
        load_recordings(find_clips(tmp_path))
