# SPDX-License-Identifier: Apache-2.0
"""The embedded model's form takes the weights from the model's own file, and says what is wrong if it cannot."""

import dataclasses
import json
import os
import shutil
import struct
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from ser_ros.recognition import onnx_backend
from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.optimised_form import FOLDER, GRAPH, MANIFEST, describe_sources, read_form, write_form
from ser_ros.recognition.weight_tensors import each_tensor, read_tensors
from ser_ros.resources import share_folder

WEIGHTS = 'model.safetensors'
DEFAULT = share_folder() / 'models' / 'default'
NAME = 'projector.weight'


@pytest.fixture
def folder(tmp_path):
    """Return a copy of the embedded model."""
    folder = tmp_path / 'model'
    shutil.copytree(DEFAULT, folder)
    return folder


def test_the_embedded_model_holds_its_weights_once():
    assert sum(file.stat().st_size for file in (DEFAULT / FOLDER).iterdir()) < 1e6
    assert sum(file.stat().st_size for file in DEFAULT.rglob('*') if file.is_file()) < 12e6
    assert set(read_form(DEFAULT).shared) == {WEIGHTS}


def test_the_shared_weights_count_for_the_choice_of_threads(folder, monkeypatch):
    own, shared = ((folder / path).stat().st_size for path in (f'{FOLDER}/{GRAPH}', WEIGHTS))
    threads = {}
    for most in (own + shared // 2, own + 2 * shared):
        monkeypatch.setattr(onnx_backend, '_SMALL', most)
        threads[most] = Classifier.load(folder, 'cpu', 'onnx')._backend.threads
    assert list(threads.values()) == [onnx_backend.ALL_CORES, 1]


def tensors(**changes):
    """Return what changes tensors of the folder's file; None removes one."""

    def damage(folder, shared):
        weights = load_file(folder / WEIGHTS)
        for name, change in changes.items():
            weights[name.replace('__', '.')] = change(weights[NAME])
        save_file({name: value for name, value in weights.items() if value is not None}, folder / WEIGHTS)

    return damage


def size(count):
    """Return what makes the file as long as `count` of what it has."""
    return lambda folder, shared: os.truncate(folder / WEIGHTS, count((folder / WEIGHTS).stat().st_size))


def header(length):
    def damage(folder, shared):
        with (folder / WEIGHTS).open('r+b') as file:
            file.write(struct.pack('<Q', length))

    return damage


def asked(change):
    """Return what changes which tensors the form takes from which file."""
    return lambda folder, shared: shared.update(change(shared.pop(WEIGHTS)))


DAMAGES = {
    'a tensor is missing': tensors(projector__weight=lambda weight: None),
    'a tensor of another shape': tensors(projector__weight=lambda weight: weight[:-1].clone()),
    'a tensor that is transposed': tensors(encoder__layers__0__fc1__weight=lambda weight: weight.T.contiguous()),
    'a tensor of another type': tensors(projector__weight=lambda weight: weight.float()),
    'a tensor of a type that numpy lacks': tensors(projector__weight=lambda weight: weight.to(torch.bfloat16)),
    'a tensor in float8 that is no number': tensors(
        projector__weight=lambda weight: (weight.float() * torch.nan).to(torch.float8_e4m3fn)
    ),
    'a cut file': size(lambda size: size - 100_000),
    'a file cut in its header': size(lambda size: 100),
    'an empty file': size(lambda size: 0),
    'a longer file': size(lambda size: size + 1),
    'a header without end': header(2**63),
    'a header that ends too soon': header(100),
    'an initializer that nothing fills': asked(lambda names: {WEIGHTS: names[1:]}),
    'no initializer is filled': asked(lambda names: {}),
    'a tensor that no initializer wants': asked(lambda names: {WEIGHTS: (*names, 'classifier.bias')}),
    'a tensor that does not exist': asked(lambda names: {WEIGHTS: (*names, 'nothing')}),
    'a file that holds no weights': asked(lambda names: {'config.json': names}),
}


@pytest.mark.parametrize('damage', DAMAGES)
def test_weights_that_do_not_fit_the_graph_are_told(folder, refuses, damage):
    """Though `optimized.json` says that it was made of these files."""
    form = read_form(folder)
    DAMAGES[damage](folder, form.shared)
    write_form(dataclasses.replace(form, sources=describe_sources(folder)), folder / FOLDER)
    with refuses(f'{folder / FOLDER / GRAPH} cannot be loaded (', f'ros2 run ser_ros optimize {folder}'):
        Classifier.load(folder, 'cpu', 'onnx')


SHARED = {
    'nothing': None,
    'a list': ['projector.weight'],
    'a number': {WEIGHTS: 3},
    'a file elsewhere': {f'../{WEIGHTS}': ['projector.weight']},
    'a file that is not there': {'more.safetensors': ['projector.weight']},
}


@pytest.mark.parametrize('shared', SHARED)
def test_a_form_that_shares_what_cannot_be_is_told(folder, refuses, shared):
    manifest = folder / FOLDER / MANIFEST
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {'shared': SHARED[shared]}))
    with refuses('is damaged or of another version of ser_ros', f'ros2 run ser_ros optimize {folder}'):
        Classifier.load(folder, 'cpu', 'onnx')


def test_a_form_of_the_format_before_is_told(folder, refuses):
    manifest = folder / FOLDER / MANIFEST
    values = json.loads(manifest.read_text())
    del values['shared']
    manifest.write_text(json.dumps(values | {'format': 2}))
    with refuses('of another version of ser_ros', f'ros2 run ser_ros optimize {folder}'):
        Classifier.load(folder, 'cpu', 'onnx')


def test_tensors_are_read_as_they_are(tmp_path):
    rng = np.random.default_rng(0)
    tensors = {
        'half': torch.from_numpy(rng.normal(size=(3, 4)).astype(np.float16)),
        'single': torch.from_numpy(rng.normal(size=(2, 3, 4)).astype(np.float32)),
        'none': torch.zeros(0, 3),
        'number': torch.tensor(1.5),
    }
    others = {'brain': torch.ones(3, dtype=torch.bfloat16), 'whole': torch.ones(3, dtype=torch.int64)}
    save_file(tensors | others, tmp_path / WEIGHTS)
    read = dict(each_tensor(tmp_path / WEIGHTS))
    assert set(read) == set(tensors)
    read |= read_tensors(tmp_path, {WEIGHTS: ['half', 'number']})
    for name, tensor in tensors.items():
        assert read[name].dtype == tensor.numpy().dtype
        np.testing.assert_array_equal(read[name], tensor.numpy())


def test_a_pipe_is_not_read(tmp_path, refuses):
    os.mkfifo(tmp_path / WEIGHTS)
    with refuses('is a named pipe'):
        read_tensors(tmp_path, {WEIGHTS: ['half']})
    with refuses('is a named pipe'):
        list(each_tensor(tmp_path / WEIGHTS))


def test_a_loaded_form_does_not_need_the_weights_any_more(folder):
    """In a process of its own: to read from a file that was cut short would end it with SIGBUS."""
    code = f"""
import os, sys
import numpy as np
from pathlib import Path
from ser_ros.recognition.classifier import Classifier
sound = np.random.default_rng(0).normal(scale=0.1, size=16000).astype(np.float32)
folder = Path({str(folder)!r})
classifier = Classifier.load(folder, 'cpu', 'onnx')
before = classifier.classify(sound).probabilities
os.truncate(folder / '{WEIGHTS}', 100)
assert np.array_equal(classifier.classify(sound).probabilities, before)
print([name for name in ('torch', 'transformers', 'onnx') if name in sys.modules])
"""
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, '[]'), done.stderr[-2000:]
