# SPDX-License-Identifier: Apache-2.0
"""Model folders whose files were changed, cut and mixed up: a SerError, or a model that answers."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ser_ros.errors import SerError
from ser_ros.recognition.classifier import Classifier

SOUND = np.sin(np.arange(8_000) / 5).astype(np.float32)
FAST = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([-1, 0, 1, 3, 10**6, 10**12, 0.5, -0.5, 1e308, '', 'gelu', 'wav2vec2', 'bert', '../../x']),
    st.lists(st.integers(-2, 40), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(-1, 9), max_size=3),
)


@pytest.fixture
def folder(models, tmp_path):
    """A whole model folder to damage: one for all examples of a test, repaired before each."""

    def repaired():
        shutil.rmtree(tmp_path / 'model', ignore_errors=True)
        shutil.copytree(models / 'wav2vec2-layer', tmp_path / 'model')
        return tmp_path / 'model'

    return repaired


def is_refused_or_answers(path) -> None:
    try:
        probabilities = Classifier.load(path, 'cpu').classify(SOUND).probabilities
    except SerError as error:
        assert '\n' not in str(error) and len(str(error)) < 1000
    else:
        assert np.isfinite(probabilities).all() and probabilities.sum() == pytest.approx(1.0, abs=1e-3)


@FAST
@given(data=st.data(), name=st.sampled_from(['config.json', 'preprocessor_config.json']))
def test_changed_values(folder, data, name):
    file = folder() / name
    content = json.loads(file.read_text())
    for key in data.draw(st.lists(st.sampled_from(sorted(content)), min_size=1, max_size=3)):
        if data.draw(st.booleans()):
            content.pop(key, None)
        else:
            content[key] = data.draw(VALUES)
    file.write_text(json.dumps(content))
    is_refused_or_answers(file.parent)


@FAST
@given(
    name=st.sampled_from(['config.json', 'preprocessor_config.json', 'model.safetensors']),
    at=st.floats(0.0, 1.0),
    garbage=st.binary(max_size=12),
    cut=st.booleans(),
)
def test_changed_bytes(folder, name, at, garbage, cut):
    file = folder() / name
    content = file.read_bytes()
    where = int(at * len(content))
    file.write_bytes(content[:where] + garbage + (b'' if cut else content[where + len(garbage) :]))
    is_refused_or_answers(file.parent)


@pytest.mark.parametrize('key', ['hidden_size', 'intermediate_size', 'num_hidden_layers', 'vocab_size'])
@pytest.mark.parametrize('value', [-1, 0, 10**9, 10**15])
def test_absurd_sizes(folder, key, value):
    file = folder() / 'config.json'
    content = json.loads(file.read_text())
    content[key] = value
    file.write_text(json.dumps(content))
    is_refused_or_answers(file.parent)
