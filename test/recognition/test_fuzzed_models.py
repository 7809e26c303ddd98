# SPDX-License-Identifier: Apache-2.0
"""Model folders whose files were changed, cut and mixed up: a SerError, or the answer of the unchanged folder."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_form import add_form

from ser_ros.emotions import LABELS
from ser_ros.errors import SerError
from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.optimised_form import FOLDER, MANIFEST, OptimisedForm

SOUND = np.sin(np.arange(8_000) / 5).astype(np.float32)
FAST = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

SETTINGS = ('config.json', 'preprocessor_config.json')
FAMILIES = ('wav2vec2-layer', 'wav2vec2-bert', 'whisper')

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([-1, 0, 1, 3, 10**6, 10**12, 0.5, -0.5, 1e308, '', 'gelu', 'wav2vec2', 'bert', '../../x']),
    st.sampled_from(['16000', 16000.0, '0.0', 'true', 'false', float('nan'), float('inf'), 10**400, '\ud800', [], {}]),
    st.lists(st.integers(-2, 40), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(-1, 9), max_size=3),
)

PLACES = st.sampled_from(
    ['kernels-community/flash-attn2', 'someone/something--code.Class', '../x', 'eager', 'https://x']
)
IRRELEVANT = st.one_of(
    st.sampled_from(
        (
            *('attn_implementation', '_attn_implementation', '_attn_implementation_internal', 'experts_implementation'),
            *('auto_map', 'trust_remote_code', 'custom_pipelines', 'kernel_config', 'use_kernels', 'fusion_config'),
            *('transformers_weights', 'distributed_config', 'name_or_path', '_name_or_path', '_commit_hash', 'dtype'),
            *('torch_dtype', 'transformers_version', 'return_dict', 'output_attentions', 'output_hidden_states'),
            *('from_pretrained', 'to_dict', 'forward', '__class__', 'finetuning_task', 'processor_class'),
        )
    ),
    st.text('abcdefghij_', min_size=12, max_size=20),
)
"""Keys that do not decide what a model answers, among them all by which a folder could name code or a place."""

NAMES = st.one_of(st.sampled_from([*LABELS, '', ' ', 'LABEL_3', 'a\nb']), st.text(max_size=4), VALUES)


@pytest.fixture(scope='module')
def expected(models):
    """Return what the unchanged folders answer, by family."""
    return {family: answer(models / family) for family in FAMILIES}


@pytest.fixture
def folder(models, tmp_path):
    """A whole model folder to damage: one for all examples of a test, repaired before each."""

    def repaired(family='wav2vec2-layer'):
        shutil.rmtree(tmp_path / 'model', ignore_errors=True)
        shutil.copytree(models / family, tmp_path / 'model')
        return tmp_path / 'model'

    return repaired


def answer(path, backend='torch'):
    """Return labels and probabilities of a model. Raises SerError."""
    classifier = Classifier.load(path, 'cpu', backend)
    return classifier.labels, classifier.classify(SOUND).probabilities


def is_refused_or_answers(path, backend='torch'):
    """Return the answer of a model; None if it was refused in a sentence."""
    try:
        labels, probabilities = answer(path, backend)
    except SerError as error:
        assert '\n' not in str(error) and 20 < len(str(error)) < 1000
        return None
    assert np.isfinite(probabilities).all() and probabilities.sum() == pytest.approx(1.0, abs=1e-3)
    return labels, probabilities


def rewrite(file, content):
    file.write_text(json.dumps(content))


@FAST
@given(
    data=st.data(), family=st.sampled_from(FAMILIES), name=st.sampled_from(['config.json', 'preprocessor_config.json'])
)
def test_changed_values(folder, data, family, name):
    file = folder(family) / name
    content = json.loads(file.read_text())
    for key in data.draw(st.lists(st.sampled_from(sorted(content)), min_size=1, max_size=3)):
        if data.draw(st.booleans()):
            content.pop(key, None)
        else:
            content[key] = data.draw(VALUES)
    rewrite(file, content)
    is_refused_or_answers(file.parent)


@FAST
@given(
    added=st.dictionaries(
        IRRELEVANT, st.one_of(PLACES, VALUES, st.dictionaries(st.text(max_size=2), PLACES)), max_size=5
    ),
    family=st.sampled_from(FAMILIES),
    name=st.sampled_from(SETTINGS),
)
def test_keys_that_do_not_matter(folder, expected, added, family, name):
    file = folder(family) / name
    rewrite(file, json.loads(file.read_text()) | added)
    labels, probabilities = answer(file.parent)
    assert labels == expected[family][0]
    np.testing.assert_array_equal(probabilities, expected[family][1])


@FAST
@given(
    names=st.dictionaries(
        st.one_of(st.sampled_from([str(index) for index in range(10)]), st.text('0123456789-+. ', max_size=3)), NAMES
    ),
    some=st.sets(st.integers(0, 7)),
)
def test_labels_are_those_of_the_folder_or_it_is_refused(folder, expected, names, some):
    """`some` of the outputs keep their names, so that not all examples are refused."""
    file = folder() / 'config.json'
    names = names | {str(index): LABELS[index] for index in some}
    rewrite(file, json.loads(file.read_text()) | {'id2label': names, 'label2id': {}})
    found = is_refused_or_answers(file.parent)
    if found is not None:
        assert found[0] == tuple(names[str(index)] for index in range(8)) and len(names) == len(set(found[0])) == 8
        np.testing.assert_array_equal(found[1], expected['wav2vec2-layer'][1])
    else:
        assert names != dict(zip('01234567', LABELS, strict=True))


@FAST
@given(
    rate=st.one_of(
        st.sampled_from([16_000, '16000', 16_000.0, '16000.0', ' 16000 ', '1.6e4', True, None, '16 kHz', [16_000]]),
        st.integers(-1, 10**9),
        st.floats(),
        st.text(max_size=6),
    ),
    family=st.sampled_from(FAMILIES),
)
def test_a_sampling_rate_is_16000_or_refused_as_what_it_is(folder, expected, rate, family):
    file = folder(family) / 'preprocessor_config.json'
    rewrite(file, json.loads(file.read_text()) | {'sampling_rate': rate})
    found = is_refused_or_answers(file.parent)
    try:
        is_ours = not isinstance(rate, bool) and float(rate) == 16_000
    except (TypeError, ValueError):
        is_ours = False
    assert (found is not None) == is_ours
    if is_ours:
        np.testing.assert_array_equal(found[1], expected[family][1])


@FAST
@given(
    family=st.sampled_from(FAMILIES),
    name=st.sampled_from([*SETTINGS, 'model.safetensors']),
    at=st.floats(0.0, 1.0),
    garbage=st.binary(max_size=12),
    cut=st.booleans(),
)
def test_changed_bytes(folder, family, name, at, garbage, cut):
    file = folder(family) / name
    content = file.read_bytes()
    where = int(at * len(content))
    file.write_bytes(content[:where] + garbage + (b'' if cut else content[where + len(garbage) :]))
    is_refused_or_answers(file.parent)


@pytest.mark.parametrize('key', ['hidden_size', 'intermediate_size', 'num_hidden_layers', 'vocab_size'])
@pytest.mark.parametrize('value', [-1, 0, 10**9, 10**15])
def test_absurd_sizes(folder, key, value):
    file = folder() / 'config.json'
    rewrite(file, json.loads(file.read_text()) | {key: value})
    is_refused_or_answers(file.parent)


@pytest.fixture(scope='module')
def optimised(models, tmp_path_factory):
    """Return a folder with an optimised form."""
    path = tmp_path_factory.mktemp('optimised') / 'model'
    shutil.copytree(models / 'wav2vec2-layer', path)
    add_form(path)
    return path


MANIFEST_KEYS = list(OptimisedForm.__dataclass_fields__)


@FAST
@given(
    changes=st.dictionaries(st.sampled_from([*MANIFEST_KEYS, 'more']), st.one_of(VALUES, st.lists(NAMES)), min_size=1),
    removed=st.sets(st.sampled_from(MANIFEST_KEYS), max_size=2),
)
def test_a_changed_manifest(optimised, changes, removed):
    """What does not decide the answer may be anything; with other values the form is refused."""
    manifest = optimised / FOLDER / MANIFEST
    before = manifest.read_text()
    values = {key: value for key, value in (json.loads(before) | changes).items() if key not in removed}
    try:
        rewrite(manifest, values)
        found = is_refused_or_answers(optimised, 'onnx')
    finally:
        manifest.write_text(before)
    if found is not None:
        assert list(found[0]) == values['labels'] and len(set(found[0])) == len(LABELS)


@FAST
@given(at=st.floats(0.0, 1.0), garbage=st.binary(max_size=12), cut=st.booleans())
def test_changed_bytes_of_a_manifest(optimised, at, garbage, cut):
    manifest = optimised / FOLDER / MANIFEST
    content = manifest.read_bytes()
    where = int(at * len(content))
    try:
        manifest.write_bytes(content[:where] + garbage + (b'' if cut else content[where + len(garbage) :]))
        is_refused_or_answers(optimised, 'onnx')
    finally:
        manifest.write_bytes(content)
