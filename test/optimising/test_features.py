# SPDX-License-Identifier: Apache-2.0
"""The features inside the graph are those of transformers' extractors, for any length."""

import numpy as np
import pytest
import torch
import transformers

from ser_ros.optimising.features import make_features
from ser_ros.recognition.frontend import Frontend

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


@pytest.mark.parametrize('count', LENGTHS)
@pytest.mark.parametrize('options', [{}, {'frame_length_ms': 64.0, 'hop_length_ms': 40.0, 'fft_overdrive': False}])
def test_log_mel_frames(made_sound, count, options):
    extractor = transformers.Gemma3nAudioFeatureExtractor(**options)
    sound = made_sound('pink noise', 3.0)[:count]
    features = make_features(extractor, None, True)(torch.from_numpy(sound)[None])
    assert_same(features, Frontend(extractor, transformers.Wav2Vec2BertConfig())([sound]))


@pytest.mark.parametrize(
    'options',
    [
        {'dither': 1e-4},
        {'per_bin_mean': [1.0] * 128},
        {'per_bin_stddev': [2.0] * 128},
        {'frame_length_ms': 513 / 16},
        {'preemphasis_htk_flavor': False},
    ],
)
def test_log_mel_frames_that_the_form_would_make_otherwise_are_refused(refuses, options):
    with refuses('have no optimised form', 'model.backend torch'):
        make_features(transformers.Gemma3nAudioFeatureExtractor(**options), None, True)


def test_an_extractor_of_another_kind_is_refused(refuses):
    with refuses('ASTFeatureExtractor', 'model.backend torch'):
        make_features(transformers.ASTFeatureExtractor(), None, False)
