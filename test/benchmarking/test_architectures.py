# SPDX-License-Identifier: Apache-2.0
"""The sizes of Gavali and Verma's models; a folder is made of a smaller one, for time."""

import numpy as np
import pytest
import torch
import transformers

from ser_ros.benchmarking import architectures
from ser_ros.benchmarking.architectures import ARCHITECTURES, make_random_model
from ser_ros.recognition.classifier import Classifier


@pytest.mark.parametrize(
    ('name', 'millions'), [('wav2vec2-base', 95), ('xls-r-300m', 316), ('xls-r-1b', 963), ('hubert-large', 316)]
)
def test_the_size_is_that_of_the_published_model(name, millions):
    kind, changes = ARCHITECTURES[name]
    with torch.device('meta'):
        model = transformers.AutoModel.from_config(transformers.AutoConfig.for_model(kind, **changes))
    assert model.num_parameters() / 1e6 == pytest.approx(millions, rel=0.01)


def test_a_random_model_loads_like_a_trained_one(tmp_path, monkeypatch):
    changes = {'hidden_size': 32, 'num_hidden_layers': 1, 'num_attention_heads': 2, 'conv_dim': (16,) * 7}
    monkeypatch.setitem(architectures.ARCHITECTURES, 'small', ('hubert', architectures._LARGE | changes))
    make_random_model('small', tmp_path / 'small')
    estimate = Classifier.load(tmp_path / 'small', 'cpu').classify(np.zeros(16_000, dtype=np.float32))
    assert estimate.probabilities.sum() == pytest.approx(1)
