# SPDX-License-Identifier: Apache-2.0
"""Optimised forms answer as their models do, and only those that do are put into place."""

import json
import logging
import os
import shutil
import sys
import warnings

import numpy as np
import onnx
import pytest
import transformers
from onnxruntime import InferenceSession

from ser_ros.export import build as module
from ser_ros.export.agreement import Agreement, compare
from ser_ros.export.build import build
from ser_ros.export.clips import clips_in, clips_of_demo
from ser_ros.export.graph import _quiet, store_halves
from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.optimised_form import FOLDER, GRAPH, MANIFEST, read_form

FAMILIES = ['wav2vec2-group', 'wav2vec2-layer', 'hubert-layer', 'wavlm-layer', 'wav2vec2-bert', 'whisper']
TINY = {
    'hidden_size': 16,
    'num_hidden_layers': 1,
    'num_attention_heads': 1,
    'intermediate_size': 16,
    'classifier_proj_size': 8,
    'conv_dim': (8,) * 7,
    'conv_kernel': (10, 3, 3, 3, 3, 2, 2),
    'conv_stride': (5, 2, 2, 2, 2, 2, 2),
    'num_feat_extract_layers': 7,
    'num_conv_pos_embedding_groups': 1,
    'id2label': {0: 'neutral', 1: 'angry'},
    'label2id': {'neutral': 0, 'angry': 1},
}
SECONDS = [0.1, 0.10625, 1.0, 3.37, 10.0, 30.0]


@pytest.fixture
def folder(models, tmp_path, monkeypatch, export_once):
    """Return a model folder of the test's own, whose network is exported once for all of them."""
    monkeypatch.setattr(module, 'export', export_once)
    folder = tmp_path / 'model'
    shutil.copytree(models / 'wav2vec2-bert', folder)
    return folder


def contents(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob('*'))


@pytest.mark.parametrize('family', FAMILIES)
def test_a_form_in_single_precision_answers_as_the_model_for_every_length(optimise, made_sound, family):
    folder = optimise(family).folder
    model, form = (Classifier.load(folder, 'cpu', backend) for backend in ('torch', 'onnx'))
    for seconds in SECONDS:
        for kind in ('pink noise', 'white noise'):
            sound = made_sound(kind, seconds)
            expected, answer = model.classify(sound).probabilities, form.classify(sound).probabilities
            np.testing.assert_allclose(answer, expected, atol=2e-4, err_msg=f'{kind}, {seconds} s')


@pytest.mark.parametrize('family', ['wav2vec2-bert', 'hubert-layer'])
def test_products_in_int8_make_the_form_smaller(optimise, family):
    whole, small = optimise(family), optimise(family, 'int8')
    assert small.built.form.precision == 'int8'
    assert small.built.candidates[1].megabytes < whole.built.candidates[1].megabytes
    assert small.built.form.largest_difference < 0.1


def test_what_was_built_is_written_down(optimise):
    made = optimise('whisper')
    form = read_form(made.folder)
    assert form == made.built.form
    assert (form.precision, form.clips, form.labels_equal) == ('float32', 8, 1.0)
    assert 0.0 <= form.largest_difference < 1e-4
    assert form.window == 4 * 16_000
    assert set(form.sources) == {'config.json', 'model.safetensors', 'preprocessor_config.json'}
    assert contents(made.folder / FOLDER) == [GRAPH, MANIFEST]
    torch, whole = made.built.candidates
    assert (torch.name, torch.agreement, whole.name) == ('torch', None, 'float32')
    assert torch.milliseconds > 0.0 and whole.milliseconds > 0.0


def test_a_temperature_is_in_the_graph(models, tmp_path, clips, made_sound):
    folder = tmp_path / 'warm'
    shutil.copytree(models / 'whisper', folder)
    config = json.loads((folder / 'config.json').read_text())
    (folder / 'config.json').write_text(json.dumps(config | {'calibration_temperature': 3.0}))
    build(folder, clips, precision='float32')
    form = Classifier.load(folder, 'cpu', 'onnx')
    assert form.temperature == 3.0
    sound = made_sound('chord', 1.0)
    expected = Classifier.load(folder, 'cpu', 'torch').classify(sound).probabilities
    np.testing.assert_allclose(form.classify(sound).probabilities, expected, atol=1e-5)


def worse(graph, quantised):
    """Quantise so badly that nothing is left."""
    import onnx

    model = onnx.load(graph)
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.dims) == 2:
            values = onnx.numpy_helper.to_array(tensor)
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.zeros_like(values), tensor.name))
    onnx.save(model, quantised)


def test_a_form_that_answers_otherwise_is_refused_and_the_old_one_stays(folder, clips, refuses, monkeypatch):
    build(folder, clips, precision='int8')
    before, files = (folder / FOLDER / MANIFEST).read_bytes(), contents(folder)
    monkeypatch.setattr(module, 'quantise', worse)
    with refuses('answers as the model does', 'of 8 labels equal', 'wanted: 99.5%', 'model.backend torch'):
        build(folder, clips, precision='int8')
    assert ((folder / FOLDER / MANIFEST).read_bytes(), contents(folder)) == (before, files)


def test_where_int8_answers_otherwise_single_precision_is_taken(folder, clips, monkeypatch):
    monkeypatch.setattr(module, 'quantise', worse)
    made = build(folder, clips, precision='auto')
    assert made.form.precision == 'float32'
    assert [candidate.name for candidate in made.candidates] == ['torch', 'float32', 'int8']
    assert not made.candidates[2].agreement.is_good


def test_of_two_good_ones_the_faster_is_taken(folder, clips, monkeypatch):
    monkeypatch.setattr(module, '_time', lambda ways: [3.0, 2.0, 1.0])
    assert build(folder, clips, precision='auto').form.precision == 'int8'
    monkeypatch.setattr(module, '_time', lambda ways: [3.0, 1.0, 2.0])
    assert build(folder, clips, precision='auto').form.precision == 'float32'


def test_what_is_slower_than_torch_is_refused(folder, clips, refuses, monkeypatch):
    monkeypatch.setattr(module, '_time', lambda ways: [1.0, 2.0, 3.0])
    files = contents(folder)
    with refuses('not faster in any optimised form', 'leave it in torch'):
        build(folder, clips, precision='auto')
    assert contents(folder) == files


@pytest.mark.parametrize(
    ('fault', 'text'),
    [
        (OSError(28, 'No space left on device', 'model.onnx'), 'model.onnx: No space left on device'),
        (RuntimeError('there is no such operator'), 'cannot be exported (there is no such operator)'),
    ],
)
def test_a_build_that_breaks_off_leaves_nothing_behind(folder, clips, refuses, monkeypatch, fault, text):
    def fail(checkpoint, graph):
        graph.write_bytes(b'half')
        raise fault

    monkeypatch.setattr(module, 'export', fail)
    files = contents(folder)
    with refuses(text):
        build(folder, clips, precision='auto')
    assert contents(folder) == files


def test_what_the_exporters_have_to_say_stays_off_the_console(tmp_path, clips, refuses, capfd):
    """torch 2.11 cannot export this one, and would print its whole graph."""
    transformers.SEWForSequenceClassification(transformers.SEWConfig(**TINY)).save_pretrained(tmp_path)
    transformers.Wav2Vec2FeatureExtractor().save_pretrained(tmp_path)
    capfd.readouterr()
    with refuses(str(tmp_path), 'cannot be exported (', 'model.backend torch'):
        build(tmp_path, clips[:1], precision='float32')
    assert capfd.readouterr() == ('', '')


def test_warnings_and_logs_of_the_exporters_are_off_while_they_work_and_on_again(capfd, monkeypatch):
    """torch.fx logs a traceback for each inequality that it cannot solve (Wav2Vec2-BERT)."""
    handler = logging.StreamHandler(sys.stderr)
    logger = logging.getLogger('torch.fx.experimental.symbolic_shapes')
    monkeypatch.setattr(logger, 'handlers', [handler])
    with _quiet():
        logger.warning('quiet')
        logger.critical('quiet')
        warnings.warn('quiet', stacklevel=1)
        print('quiet', file=sys.stderr)
        print('quiet')
    assert capfd.readouterr() == ('', '')
    logger.warning('loud')
    assert capfd.readouterr().err == 'loud\n'


@pytest.mark.parametrize('name', ['model.safetensors', 'preprocessor_config.json'])
def test_a_folder_with_a_file_that_cannot_be_read_is_told(folder, clips, refuses, name):
    (folder / name).unlink()
    (folder / name).symlink_to('nowhere')
    with refuses(str(folder / name), 'cannot be read (No such file or directory)'):
        build(folder, clips, precision='auto')
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with refuses(str(folder / name), 'is a named pipe'):
        build(folder, clips, precision='auto')


def test_a_folder_that_cannot_be_written_is_told_at_once(folder, clips, refuses, monkeypatch):
    def refuse(**options):
        raise PermissionError(13, 'Permission denied', options['dir'])

    monkeypatch.setattr(module.tempfile, 'mkdtemp', refuse)
    with refuses('cannot be written (Permission denied)', 'copy the model'):
        build(folder, clips, precision='auto')


@pytest.mark.parametrize('package', ['onnx', 'onnxscript'])
def test_a_missing_package_is_named_with_its_cure(folder, clips, refuses, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with refuses(f'the package {package} is not installed', 'pip install onnx onnxscript'):
        build(folder, clips, precision='auto')


def test_agreement_counts_labels_and_the_largest_difference():
    expected = np.array([[0.6, 0.4], [0.6, 0.4], [0.1, 0.9], [0.5, 0.5]])
    answers = iter([[0.6, 0.4], [0.45, 0.55], [0.1, 0.9], [np.nan, 0.5]])
    agreement = compare(expected, lambda clip: np.array(next(answers)), [np.zeros(1)] * 4)
    assert agreement == Agreement(clips=4, labels_equal=0.75, largest_difference=1.0)
    assert not agreement.is_good
    assert Agreement(1000, 0.995, 0.1).is_good
    assert not Agreement(1000, 0.994, 0.1).is_good
    assert not Agreement(1000, 1.0, 0.11).is_good


def test_the_demo_gives_real_utterances_of_several_lengths_and_levels():
    clips = clips_of_demo()
    assert len(clips) >= 30
    assert {16_000, 32_000, 48_000} <= {len(clip) for clip in clips}
    assert all(clip.dtype == np.float32 and len(clip) >= 16_000 for clip in clips)
    levels = [20 * np.log10(np.abs(clip).max()) for clip in clips]
    half = len(clips) // 2
    np.testing.assert_allclose(np.subtract(levels[:half], levels[half:]), 20.0, atol=0.01)


def test_a_folder_of_recordings_gives_its_utterances(tmp_path, refuses, made_sound):
    import soundfile

    with refuses('no WAV or FLAC file'):
        clips_in(tmp_path, None)
    (tmp_path / 'deep').mkdir()
    for index in range(4):
        soundfile.write(tmp_path / 'deep' / f'{index}.wav', made_sound('tone', 1.0 + index), 16_000)
    (tmp_path / 'deep' / '3.wav').rename(tmp_path / '3.WAV')
    assert [len(clip) for clip in clips_in(tmp_path, None)] == [64_000, 16_000, 32_000, 48_000]
    drawn = clips_in(tmp_path, 2)
    assert len(drawn) == 2 and [len(clip) for clip in drawn] == [len(clip) for clip in clips_in(tmp_path, 2)]


def test_weights_that_are_exact_in_half_precision_are_stored_so(tmp_path):
    rng = np.random.default_rng(0)
    halves = rng.normal(size=(64, 80)).astype(np.float16).astype(np.float32)
    weights = {'exact': halves, 'not_exact': halves + np.float32(1e-6), 'small': halves[0], 'large': halves * 1e6}
    nodes = [onnx.helper.make_node('Add', ['x', 'exact'], ['exact_sum'])]
    nodes += [
        onnx.helper.make_node('Add', [last, name], [f'{name}_sum'])
        for last, name in (('exact_sum', 'not_exact'), ('not_exact_sum', 'small'), ('small_sum', 'large'))
    ]
    of_type = onnx.TensorProto.FLOAT
    ends = [onnx.helper.make_tensor_value_info(name, of_type, [64, 80]) for name in ('x', 'large_sum')]
    tensors = [onnx.numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = onnx.helper.make_graph(nodes, 'made', ends[:1], ends[1:], tensors)
    path, x = tmp_path / 'model.onnx', rng.normal(size=(64, 80)).astype(np.float32)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid('', 18)], ir_version=10), path)
    size, (before,) = path.stat().st_size, InferenceSession(path).run(None, {'x': x})
    store_halves(path)
    (after,) = InferenceSession(path).run(None, {'x': x})
    np.testing.assert_array_equal(after, before)
    assert size - path.stat().st_size > 0.9 * halves.nbytes / 2
    stored = {tensor.name for tensor in onnx.load(path).graph.initializer}
    assert stored == {'exact_half', 'not_exact', 'small', 'large'}
