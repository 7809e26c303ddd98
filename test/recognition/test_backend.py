# SPDX-License-Identifier: Apache-2.0
"""Which backend runs a model, what happens where its optimised form cannot be trusted, and how a recognition ends."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from made_form import WINDOW, add_form, write_graph

from ser_ros.emotions import LABELS
from ser_ros.recognition import backend as module
from ser_ros.recognition.cancellation import Cancellation, Cancelled
from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.onnx_backend import OnnxBackend
from ser_ros.recognition.optimised_form import (
    FOLDER,
    GRAPH,
    MANIFEST,
    read_form,
)

TIMEOUT = 10.0


@pytest.fixture
def folder(random_weight_model, tmp_path):
    """Return a model folder with an optimised form."""
    folder = tmp_path / 'model'
    shutil.copytree(random_weight_model, folder)
    add_form(folder)
    return folder


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch):
    monkeypatch.setattr(module, 'gpu_may_be_there', lambda: False)


LOUD = np.full(16_000, 0.9, dtype=np.float32)


@pytest.mark.parametrize(('device', 'backend'), [('auto', 'auto'), ('cpu', 'auto'), ('cpu', 'onnx'), ('auto', 'onnx')])
def test_the_optimised_form_answers_on_a_cpu(folder, device, backend):
    classifier = Classifier.load(folder, device, backend)
    assert (classifier.backend, classifier.device, classifier.degraded) == ('onnx', 'cpu', '')
    assert (classifier.labels, classifier.temperature, classifier.name) == (LABELS, 1.5, 'model')
    estimate = classifier.classify(LOUD)
    assert estimate.label == LABELS[0]
    assert estimate.probabilities.dtype == np.float32 and estimate.probabilities.shape == (len(LABELS),)
    assert classifier.classify(LOUD * np.float32(0.01)).label != LABELS[0]


def test_torch_is_taken_where_it_is_asked_for_or_a_gpu_may_be_there(folder, monkeypatch):
    assert Classifier.load(folder, 'cpu', 'torch').backend == 'torch'
    monkeypatch.setattr(module, 'gpu_may_be_there', lambda: True)
    assert Classifier.load(folder, 'auto', 'auto').backend == 'torch'
    assert Classifier.load(folder, 'cpu', 'auto').backend == 'onnx'


def test_a_model_without_an_optimised_form_runs_in_torch(random_weight_model, refuses):
    classifier = Classifier.load(random_weight_model, 'cpu')
    assert (classifier.backend, classifier.degraded) == ('torch', '')
    with refuses('has no optimised form', 'ros2 run ser_ros optimize'):
        Classifier.load(random_weight_model, 'cpu', 'onnx')


def test_a_torch_that_cannot_be_loaded_is_one_sentence(folder, monkeypatch, refuses):
    monkeypatch.setitem(sys.modules, 'ser_ros.recognition.torch_backend', None)
    with refuses('torch is installed, but cannot be loaded', 'made for this machine'):
        module.load_backend(folder, 'cpu', 'torch')


def test_a_gpu_counts_only_where_torch_is_installed(folder, monkeypatch, refuses):
    monkeypatch.setattr(module, 'gpu_may_be_there', lambda: True)
    monkeypatch.setattr(module, 'missing_packages', lambda extra: ['torch'])
    assert module.load_backend(folder, 'auto', 'auto').kind == 'onnx'


def test_the_optimised_form_does_not_run_on_a_gpu(folder, refuses):
    with refuses('onnx runs on the CPU', 'cuda:1', 'model.backend torch'):
        Classifier.load(folder, 'cuda:1', 'onnx')


def test_an_unknown_backend_is_refused(folder, refuses):
    with refuses("model.backend 'jax'", 'auto, torch, onnx'):
        Classifier.load(folder, 'cpu', 'jax')


def other_weights(folder):
    weights = folder / 'model.safetensors'
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)


def other_labels(folder):
    config = folder / 'config.json'
    config.write_text(config.read_text().replace('"happy"', '"merry"'))


def another_file(folder):
    (folder / 'more.safetensors').write_bytes((folder / 'model.safetensors').read_bytes())


def change_manifest(folder, **changes):
    manifest = folder / FOLDER / MANIFEST
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | changes))


def become_a_pipe(path):
    path.unlink()
    os.mkfifo(path)


def become_a_link(path, target):
    path.unlink()
    path.symlink_to(target)


DAMAGES = {
    'other weights': other_weights,
    'other labels': other_labels,
    'another file': another_file,
    'no graph': lambda folder: (folder / FOLDER / GRAPH).unlink(),
    'half a graph': lambda folder: os.truncate(folder / FOLDER / GRAPH, 200),
    'no graph at all': lambda folder: (folder / FOLDER / GRAPH).write_bytes(b'\0' * 4000),
    'no manifest': lambda folder: (folder / FOLDER / MANIFEST).unlink(),
    'half a manifest': lambda folder: os.truncate(folder / FOLDER / MANIFEST, 100),
    'an empty manifest': lambda folder: (folder / FOLDER / MANIFEST).write_text('{}'),
    'a list': lambda folder: (folder / FOLDER / MANIFEST).write_text('[]'),
    'a temperature of 0': lambda folder: change_manifest(folder, temperature=0),
    'no temperature': lambda folder: change_manifest(folder, temperature='1'),
    'no window': lambda folder: change_manifest(folder, window=0),
    'half a window': lambda folder: change_manifest(folder, window=0.5),
    'no precision': lambda folder: change_manifest(folder, precision='int1'),
    'no labels': lambda folder: change_manifest(folder, labels=None),
    'labels without names': lambda folder: change_manifest(folder, labels=[*LABELS[:-1], '']),
    'a label twice': lambda folder: change_manifest(folder, labels=[*LABELS[:-1], LABELS[0]]),
    'a label that is a number': lambda folder: change_manifest(folder, labels=[*LABELS[:-1], 8]),
    'fewer labels': lambda folder: change_manifest(folder, labels=LABELS[:-1]),
    'more labels': lambda folder: change_manifest(folder, labels=[*LABELS, 'bored']),
    'no sources': lambda folder: change_manifest(folder, sources={}),
    'sources elsewhere': lambda folder: change_manifest(folder, sources={'/dev/zero': {}}),
    'a manifest that is a pipe': lambda folder: become_a_pipe(folder / FOLDER / MANIFEST),
    'a graph that is a pipe': lambda folder: become_a_pipe(folder / FOLDER / GRAPH),
    'weights of the graph that are a pipe': lambda folder: os.mkfifo(folder / FOLDER / f'{GRAPH}.data'),
    'a manifest that is a device': lambda folder: become_a_link(folder / FOLDER / MANIFEST, '/dev/zero'),
    'a graph that is a device': lambda folder: become_a_link(folder / FOLDER / GRAPH, '/dev/zero'),
    'a manifest of a terabyte': lambda folder: os.truncate(folder / FOLDER / MANIFEST, 1 << 40),
    'a graph of a terabyte': lambda folder: os.truncate(folder / FOLDER / GRAPH, 1 << 40),
    'a pipe beside the weights': lambda folder: os.mkfifo(folder / 'more.safetensors'),
    'another format': lambda folder: (folder / FOLDER / MANIFEST).write_text(
        (folder / FOLDER / MANIFEST).read_text().replace('"format": 3', '"format": 2')
    ),
}


@pytest.mark.parametrize('damage', DAMAGES)
def test_a_form_that_cannot_be_trusted_is_not_used_and_said(folder, refuses, damage):
    DAMAGES[damage](folder)
    with refuses('ros2 run ser_ros optimize'):
        Classifier.load(folder, 'cpu', 'onnx')
    classifier = Classifier.load(folder, 'cpu', 'auto')
    assert classifier.backend == 'torch'
    assert 'without its optimised form' in classifier.degraded and 'ros2 run ser_ros optimize' in classifier.degraded


def test_a_copied_folder_keeps_its_form_though_its_times_are_others(folder, tmp_path):
    copy = tmp_path / 'copy'
    shutil.copytree(folder, copy)
    for file in copy.glob('*.*'):
        os.utime(file, (1, 1))
    assert Classifier.load(copy, 'cpu').backend == 'onnx'
    assert read_form(copy) == read_form(folder)


def test_what_is_longer_than_the_window_is_cut(folder):
    classifier = Classifier.load(folder, 'cpu')
    loud_then_soft = np.concatenate([LOUD, LOUD, LOUD * np.float32(0.0), LOUD * np.float32(0.0)])
    halves = [classifier.classify(loud_then_soft[:WINDOW]), classifier.classify(loud_then_soft[WINDOW:])]
    untempered = [half.probabilities**classifier.temperature for half in halves]
    roots = np.mean([np.sqrt(each / each.sum()) for each in untempered], axis=0)
    together = roots ** (2.0 / classifier.temperature)
    heard = classifier.classify(loud_then_soft).probabilities
    np.testing.assert_allclose(heard, together / together.sum(), atol=1e-6)


def test_an_answer_that_is_no_number_is_refused(folder, refuses):
    write_graph(folder / FOLDER / GRAPH, scale=np.nan)
    with refuses('answered with NaN'):
        Classifier.load(folder, 'cpu', 'onnx')


def test_a_recognition_ends_when_another_thread_says_so(random_weight_model, tmp_path):
    """The graph would work for minutes."""
    folder = tmp_path / 'slow'
    shutil.copytree(random_weight_model, folder)
    add_form(folder, turns=10_000_000)
    backend = OnnxBackend(folder / FOLDER / GRAPH, folder, shared={}, labels=LABELS, temperature=1.0, window=None)
    cancellation, outcome = Cancellation(), []

    def run():
        try:
            outcome.append(backend.run(LOUD, cancellation))
        except Cancelled as cancelled:
            outcome.append(cancelled)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    time.sleep(0.05)  # most likely in the middle of it; before its beginning it must end just as well
    cancellation.cancel()
    thread.join(TIMEOUT)
    assert isinstance(outcome[0], Cancelled)


@pytest.mark.parametrize('backend', ['torch', 'onnx'])
def test_what_is_cancelled_before_it_begins_does_not_begin(folder, backend):
    classifier, cancellation = Classifier.load(folder, 'cpu', backend), Cancellation()
    before = classifier.classify(LOUD).probabilities
    cancellation.cancel()
    with pytest.raises(Cancelled):
        classifier.classify(LOUD, cancellation)
    np.testing.assert_array_equal(classifier.classify(LOUD).probabilities, before)


def test_torch_ends_between_two_layers(folder):
    classifier, cancellation = Classifier.load(folder, 'cpu', 'torch'), Cancellation()
    layers = list(classifier._backend._model.modules())
    reached = []

    def cancel_here(*_):
        reached.append('middle')
        cancellation.cancel()

    layers[len(layers) // 2].register_forward_hook(cancel_here)
    layers[-1].register_forward_hook(lambda *_: reached.append('end'))
    with pytest.raises(Cancelled):
        classifier.classify(LOUD, cancellation)
    assert reached == ['middle']


def test_the_optimised_form_needs_neither_torch_nor_transformers(folder):
    code = f"""
import sys
import numpy as np
from pathlib import Path
from ser_ros.recognition.classifier import Classifier
Classifier.load(Path({str(folder)!r}), 'cpu').classify(np.zeros(16000, dtype=np.float32))
print([name for name in ('torch', 'transformers') if name in sys.modules])
"""
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == '[]'
