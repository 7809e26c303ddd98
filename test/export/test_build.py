# SPDX-License-Identifier: Apache-2.0
"""Optimised forms answer as their models do, and only those that do are put into place."""

import json
import logging
import os
import shutil
import sys
import warnings

import numpy as np
import pytest
import transformers
from safetensors import safe_open

from ser_ros.export import build as module
from ser_ros.export.agreement import Agreement, compare
from ser_ros.export.build import build
from ser_ros.export.clips import clips_in, clips_of_demo
from ser_ros.export.graph import _quiet
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


@pytest.mark.parametrize('family', FAMILIES)
def test_the_weights_are_in_the_folder_once(optimise, family):
    made = optimise(family)
    with safe_open(made.folder / 'model.safetensors', 'numpy') as weights:
        sizes = {name: weights.get_tensor(name).size for name in weights.keys()}  # noqa: SIM118 - it is no dictionary
    (shared,) = made.built.form.shared.values()
    assert {name for name, size in sizes.items() if size >= 256} - set(shared) == set()
    assert made.built.candidates[1].megabytes == (made.folder / FOLDER / GRAPH).stat().st_size / 1e6


@pytest.mark.parametrize('family', ['wav2vec2-bert', 'hubert-layer'])
def test_products_in_int8_hold_their_weights_and_share_the_others(optimise, family):
    whole, small = optimise(family).built, optimise(family, 'int8').built
    assert small.form.precision == 'int8'
    (in_whole,), (in_small,) = whole.form.shared.values(), small.form.shared.values()
    assert set(in_small) < set(in_whole)
    assert small.form.largest_difference < 0.1


def test_what_was_built_is_written_down(optimise):
    made = optimise('whisper')
    form = read_form(made.folder)
    assert form == made.built.form
    assert (form.precision, form.clips, form.labels_equal) == ('float32', 8, 1.0)
    assert 0.0 <= form.largest_difference < 1e-4
    assert form.window == 4 * 16_000
    assert set(form.shared) == {'model.safetensors'}
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
