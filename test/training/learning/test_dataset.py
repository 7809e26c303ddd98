# SPDX-License-Identifier: Apache-2.0
"""Clips become features: repeatable, new in every epoch, padded only within a batch."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    SeamlessM4TFeatureExtractor,
    Wav2Vec2BertConfig,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    WhisperConfig,
    WhisperFeatureExtractor,
)

from ser_ros.recognition.frontend import Frontend
from ser_ros.training.data.clip import Clip
from ser_ros.training.data.corpora.acted import RAVDESS
from ser_ros.training.data.corpora.scheme import parse_clip
from ser_ros.training.data.corpus import read_corpus
from ser_ros.training.data.recordings import Recording, load_recordings
from ser_ros.training.learning.dataset import (
    MOST_SPEAKERS,
    TrainingSet,
    ValidationSet,
    VariantFeatures,
    chances,
    collate_clips,
)
from ser_ros.training.learning.masks import Masks
from ser_ros.training.learning.recipe import Augmentation

RATE = 16_000
LABELS = ('neutral', 'angry')
MEL = SeamlessM4TFeatureExtractor(stride=4)
FRONTEND = Frontend(MEL, Wav2Vec2BertConfig())
VARIED = Augmentation(speed=(0.8, 1.2), noise_probability=1.0)


@pytest.fixture
def recordings(made_sound):
    return [
        Recording(
            parse_clip(RAVDESS, Path(f'03-01-0{emotion}-01-01-01-01.wav')),
            made_sound('white noise', duration),
            (0.4, duration),
        )
        for emotion, duration in ((5, 1.0), (1, 1.5))
    ]


@pytest.fixture
def many(made_sound):
    """Return 18 clips of 0.6 to 2.3 s."""
    return [
        Recording(
            parse_clip(RAVDESS, Path(f'03-01-01-01-01-01-{actor:02d}.wav')),
            made_sound('tone', 0.5 + actor / 10),
            (0.4, 0.5 + actor / 10),
        )
        for actor in range(1, 19)
    ]


def training_set(recordings, augmentation, seed=0, features=None, **others):
    features = features or VariantFeatures(FRONTEND, augmentation, seed=seed)
    return TrainingSet(recordings, LABELS, features, Masks(augmentation, MEL), seed=seed, **others)


def utterances(data, epochs, index=0) -> list[torch.Tensor]:
    """Return the features of one clip in each of `epochs`."""
    seen = []
    for epoch in epochs:
        data.set_epoch(epoch)
        seen.append(data[index]['input_features'])
    return seen


def same(first: torch.Tensor, second: torch.Tensor) -> bool:
    return first.shape == second.shape and torch.equal(first, second)


KINDS = pytest.mark.parametrize('augmentation', [VARIED, Augmentation(masks=2)], ids=['varied', 'masked'])


@KINDS
def test_the_same_seed_and_epoch_give_the_same_utterance_in_any_order(recordings, augmentation):
    there = utterances(training_set(recordings, augmentation), (0, 3, 5))
    back = utterances(training_set(recordings, augmentation), (5, 3, 0))
    assert all(map(same, there, reversed(back)))


@KINDS
def test_every_epoch_is_new(recordings, augmentation):
    seen = utterances(training_set(recordings, augmentation), range(4))
    assert not any(same(seen[one], seen[other]) for one in range(4) for other in range(one))


@KINDS
def test_another_seed_gives_another(recordings, augmentation):
    (first,) = utterances(training_set(recordings, augmentation, seed=0), (2,))
    (second,) = utterances(training_set(recordings, augmentation, seed=1), (2,))
    assert not same(first, second)


def test_a_variant_belongs_to_the_clip_and_not_to_its_place(recordings):
    (first,) = utterances(training_set(recordings, VARIED), (1,), index=0)
    (moved,) = utterances(training_set(recordings[::-1], VARIED), (1,), index=1)
    assert same(first, moved)


def test_variants_come_again_in_turn(recordings):
    seen = utterances(training_set(recordings, Augmentation(variants=2, speed=(0.8, 1.2))), range(4))
    assert same(seen[0], seen[2]) and same(seen[1], seen[3])
    assert not same(seen[0], seen[1])


class CountingFrontend(Frontend):
    """Counts how often features are made."""

    made = 0

    def __call__(self, batch):
        self.made += 1
        return super().__call__(batch)


def test_variants_are_made_once_and_shared_by_folds_while_masks_are_new(recordings):
    augmentation = Augmentation(variants=2, masks=1)
    frontend = CountingFrontend(MEL, Wav2Vec2BertConfig())
    features = VariantFeatures(frontend, augmentation, seed=0)
    seen = utterances(training_set(recordings, augmentation, features=features), range(4))
    utterances(training_set(recordings[::-1], augmentation, features=features), range(4), index=1)
    assert frontend.made == 2
    assert seen[0].shape == seen[2].shape and not same(seen[0], seen[2])


def test_masks_do_not_reach_the_features_that_are_kept(recordings):
    features = VariantFeatures(FRONTEND, masked := Augmentation(variants=1, masks=2), seed=0)
    utterances(training_set(recordings, masked, features=features), range(3))
    (plain,) = utterances(training_set(recordings, Augmentation()), (0,))
    assert same(features(recordings[0], 7)['input_features'], plain)


def test_an_epoch_takes_every_utterance_once_in_batches_of_like_duration(many):
    data = training_set(many, Augmentation(speed=(0.8, 1.2)))
    orders = []
    for epoch in range(2):
        data.set_epoch(epoch)
        orders.append(data.order(4, sorted_together=8))
        assert sorted(orders[-1]) == list(range(18))
        lengths = [len(data[index]['input_features']) for index in orders[-1][:16]]
        spread = np.mean([np.ptp(lengths[at : at + 4]) for at in range(0, 16, 4)])
        assert spread < np.ptp(lengths) / 2
    assert orders[0] != orders[1]


def test_an_epoch_takes_every_utterance_once_in_random_order(many):
    data = training_set(many, Augmentation())
    orders = []
    for epoch in range(3):
        data.set_epoch(epoch)
        orders.append(data.order(4, sorted_together=0))
        assert sorted(orders[-1]) == list(range(18))
    assert len(set(map(tuple, orders))) == 3
    assert list(range(18)) not in orders


@pytest.mark.parametrize('sorted_together', [0, 8])
def test_the_seed_and_the_epoch_alone_give_the_order(many, sorted_together):
    first, again, other = (training_set(many, VARIED, seed=seed) for seed in (4, 4, 5))
    first.set_epoch(0)
    first.order(4, sorted_together=sorted_together)
    for data in (first, again, other):
        data.set_epoch(6)
    assert first.order(4, sorted_together=sorted_together) == again.order(4, sorted_together=sorted_together)
    assert first.order(4, sorted_together=sorted_together) != other.order(4, sorted_together=sorted_together)


def test_the_more_batches_are_sorted_together_the_less_is_padding(many):
    data = training_set(many, Augmentation(speed=(0.8, 1.2)))
    paddings = []
    for sorted_together in (0, 2, 8):
        order = data.order(3, sorted_together=sorted_together)
        batches = np.array([len(data[index]['input_features']) for index in order]).reshape(-1, 3)
        paddings.append(int((batches.max(axis=1, keepdims=True) - batches).sum()))
    assert paddings[0] > paddings[1] > paddings[2] > 0


@pytest.mark.parametrize('count', [3, 4, 16, 17])
@pytest.mark.parametrize('batch_size', [1, 4, 32])
def test_no_number_of_clips_is_too_odd_for_batches_of_like_duration(many, count, batch_size):
    data = training_set(many[:count], Augmentation())
    assert sorted(data.order(batch_size, sorted_together=8)) == list(range(count))


def test_names_and_labels_are_in_the_order_of_the_clips(recordings):
    data = training_set(recordings, Augmentation())
    assert data.names == [recording.clip.name for recording in recordings]
    assert data.label_ids == [1, 0] == [int(data[index]['labels'].argmax()) for index in range(len(data))]


def test_an_unvaried_utterance_is_what_the_robot_gives_its_model(recordings):
    item = training_set(recordings, Augmentation())[0]
    expected = FRONTEND([recordings[0].utterance])
    assert torch.equal(item['input_features'], expected['input_features'][0])


@pytest.mark.parametrize(('probability', 'whole'), [(0.0, False), (0.4, False), (0.5, True), (1.0, True)])
def test_validation_clips_are_cut_as_the_robot_cuts_them_or_whole_as_training_clips_are(recordings, probability, whole):
    varied = Augmentation(whole_clip_probability=probability, speed=(0.5, 0.6), masks=3, noise_probability=1.0)
    data = ValidationSet(recordings, LABELS, FRONTEND, varied)
    assert len(data) == 2
    for index, recording in enumerate(recordings):
        expected = FRONTEND([recording.samples if whole else recording.utterance])
        assert torch.equal(data[index]['input_features'], expected['input_features'][0])
        assert data[index]['labels'] == LABELS.index(recording.clip.emotion)


def test_a_batch_is_padded_with_zeros_that_the_mask_tells(recordings):
    items = [training_set(recordings, Augmentation())[index] for index in (0, 1)]
    batch = collate_clips(items)
    short, long = (len(item['input_features']) for item in items)
    assert batch['input_features'].shape == (2, long, 320)
    assert (batch['input_features'][0, short:] == 0).all()
    assert torch.equal(batch['input_features'][0, :short], items[0]['input_features'])
    assert batch['attention_mask'].sum(dim=1).tolist() == [short, long]
    assert batch['labels'].tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize('norm', ['group', 'layer'])
def test_samples_are_padded_with_a_mask_only_where_the_family_wants_one(recordings, norm):
    frontend = Frontend(Wav2Vec2FeatureExtractor(return_attention_mask=True), Wav2Vec2Config(feat_extract_norm=norm))
    batch = collate_clips(list(map(ValidationSet(recordings, LABELS, frontend, Augmentation()).__getitem__, (0, 1))))
    short, long = (len(recording.utterance) for recording in recordings)
    assert batch['input_values'].shape == (2, long)
    assert (batch['input_values'][0, short:] == 0).all()
    assert ('attention_mask' in batch) == (norm == 'layer')


def test_a_fixed_window_takes_a_part_of_what_is_longer(recordings):
    config = WhisperConfig(max_source_positions=40)  # 0.8 s
    frontend = Frontend(WhisperFeatureExtractor(), config)
    whole = Augmentation(whole_clip_probability=1.0)
    features = VariantFeatures(frontend, whole, seed=0)
    data = TrainingSet(recordings, LABELS, features, Masks(whole, WhisperFeatureExtractor()), seed=0)
    seen = utterances(data, range(3), index=1)
    assert {tuple(one.shape) for one in seen} == {(80, 80)}
    assert not same(seen[0], seen[1])


def test_an_utterance_is_heard_whole_in_windows(recordings):
    short, long = recordings
    frontend = Frontend(WhisperFeatureExtractor(), WhisperConfig(max_source_positions=40))
    features = VariantFeatures(frontend, Augmentation(), seed=0)
    assert len(long.utterance) > 0.8 * RATE
    assert len(features.as_heard(long)) == -(-len(long.utterance) // (0.8 * RATE))
    unlimited = VariantFeatures(FRONTEND, Augmentation(), seed=0)
    (only,) = unlimited.as_heard(short)
    assert same(only['input_features'], ValidationSet([short], LABELS, FRONTEND, Augmentation())[0]['input_features'])


def test_a_voice_that_the_detector_misses_counts_whole(make_clips, tmp_path):
    (recording, *_) = load_recordings(read_corpus(make_clips(tmp_path, (1,)), for_training=False).clips[:1])
    assert recording.speech == (0.0, 0.6)
    assert recording.utterance.dtype == np.float32
    assert len(recording.utterance) == 0.6 * RATE


def test_a_corrupt_clip_is_refused(refuses, tmp_path):
    bad = tmp_path / '03-01-01-01-01-01-01.wav'
    bad.write_text('no sound')
    with refuses(str(bad), 'cannot be read as sound'):
        load_recordings(read_corpus(tmp_path, for_training=False).clips)


def test_balanced_chances_count_a_corpus_by_its_speakers_and_are_even_in_it():
    clips = [
        *(Clip(Path(f'a{index}'), f'a{index}', 'happy', 'ann', corpus='large') for index in range(6)),
        *(Clip(Path(f'b{index}'), f'b{index}', 'happy', 'bob', corpus='large') for index in range(2)),
        Clip(Path('c'), 'c', 'sad', 'ann', corpus='large'),
        Clip(Path('d'), 'd', 'happy', 'eve', corpus='small'),
    ]
    found = chances(clips)
    assert found.sum() == pytest.approx(1.0)
    assert found[-1] == pytest.approx(1 / 3)
    assert found[8] == pytest.approx(1 / 3)
    assert found[:6].sum() == pytest.approx(found[6:8].sum()) == pytest.approx(1 / 6)


def test_a_corpus_of_a_crowd_counts_for_no_more_than_its_most():
    sizes = {'crowd': 3 * MOST_SPEAKERS, 'small': MOST_SPEAKERS // 2}
    clips = [
        Clip(Path(f'{name}{number}'), f'{name}{number}', 'happy', number, corpus=name)
        for name, size in sizes.items()
        for number in range(size)
    ]
    found = chances(clips)
    assert found[: sizes['crowd']] == pytest.approx(2 / 3 / sizes['crowd'])
    assert found[sizes['crowd'] :].sum() == pytest.approx(1 / 3)


def test_a_corpus_whose_speakers_are_not_known_counts_as_one():
    told = (('a', 'ann', 'known'), ('b', 'bob', 'known'), ('c', None, 'other'), ('d', None, 'other'))
    clips = [Clip(Path(name), name, 'happy', speaker, corpus=corpus) for name, speaker, corpus in told]
    assert chances(clips) == pytest.approx([1 / 3, 1 / 3, 1 / 6, 1 / 6])


@pytest.mark.parametrize(
    ('known_labels', 'known'),
    [({'RAVDESS': ('neutral',)}, [True, False]), ({'other': ('neutral',)}, [True, True]), (None, [True, True])],
)
def test_a_clip_tells_only_of_the_labels_of_its_corpus(recordings, known_labels, known):
    data = training_set(recordings, Augmentation(), known_labels=known_labels)
    batch = collate_clips([data[0], data[1]])
    assert batch['known'].tolist() == [known, known]


def test_a_validation_clip_tells_only_of_the_labels_of_its_corpus(recordings):
    data = ValidationSet(recordings, LABELS, FRONTEND, Augmentation(), {'RAVDESS': ('angry',)})
    assert data[0]['known'].tolist() == [label == 'angry' for label in LABELS]


def test_a_balanced_epoch_draws_anew_and_is_the_same_again(many):
    data, again = (training_set(many, Augmentation(), balanced=True) for _ in range(2))
    drawn = []
    for epoch in (0, 1):
        for each in (data, again):
            each.set_epoch(epoch)
        assert data.order(4, sorted_together=2) == again.order(4, sorted_together=2)
        drawn.append([len(data[index]['input_features']) for index in range(len(data))])
    assert drawn[0] != drawn[1]
