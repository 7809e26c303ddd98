# SPDX-License-Identifier: Apache-2.0
"""The features inside the graph are those of transformers' extractors, for any length."""

import numpy as np
import pytest
import torch
import transformers

from ser_ros.export.features import make_features

LENGTHS = [1600, 1601, 1760, 1920, 2080, 9999, 16_000, 31_999]
WINDOW = 32_000


def expected(extractor, sound, **options):
    return extractor(sound, sampling_rate=16_000, return_tensors='pt', **options)


def assert_same(features, expected):
    assert set(features) == set(expected)
    for name, value in features.items():
        np.testing.assert_allclose(value.numpy(), expected[name].numpy(), atol=2e-4, err_msg=name)


@pytest.mark.parametrize('count', LENGTHS)
@pytest.mark.parametrize('masked', [False, True])
@pytest.mark.parametrize('normalises', [False, True])
def test_samples(made_sound, count, masked, normalises):
    extractor = transformers.Wav2Vec2FeatureExtractor(do_normalize=normalises)
    sound = made_sound('pink noise', 3.0)[:count] + np.float32(0.1)
    features = make_features(extractor, None, masked)(torch.from_numpy(sound)[None])
    assert_same(features, expected(extractor, sound, return_attention_mask=masked))


@pytest.mark.parametrize('count', [*LENGTHS, WINDOW])
@pytest.mark.parametrize('kind', ['pink noise', 'chord', 'silence'])
def test_whisper(made_sound, count, kind):
    extractor = transformers.WhisperFeatureExtractor()
    sound = made_sound(kind, 3.0)[:count]
    features = make_features(extractor, WINDOW, False)(torch.from_numpy(sound)[None])
    options = {'padding': 'max_length', 'max_length': WINDOW, 'truncation': True}
    assert_same(features, expected(extractor, sound, **options))


@pytest.mark.parametrize('count', LENGTHS)
@pytest.mark.parametrize(('stride', 'mels'), [(2, 80), (3, 40), (4, 80)])
def test_stacked_filter_bank(made_sound, count, stride, mels):
    extractor = transformers.SeamlessM4TFeatureExtractor(stride=stride, feature_size=mels, num_mel_bins=mels)
    sound = made_sound('pink noise', 3.0)[:count]
    features = make_features(extractor, None, True)(torch.from_numpy(sound)[None])
    assert_same(features, expected(extractor, sound))


def test_an_extractor_of_another_kind_is_refused(refuses):
    with refuses('ASTFeatureExtractor', 'model.backend torch'):
        make_features(transformers.ASTFeatureExtractor(), None, False)
