# SPDX-License-Identifier: Apache-2.0
"""What a model does when its machine fails it: memory, files, odd sound."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.errors import SerError
from ser_ros.recognition import torch_backend as module
from ser_ros.recognition.checkpoint import load_checkpoint
from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.torch_backend import TorchBackend

CPU = torch.device('cpu')
FAMILIES = ['wav2vec2-group', 'wav2vec2-layer', 'wavlm-group', 'wav2vec2-bert', 'whisper']


def full_gpu(models, family='wav2vec2-layer'):
    """Return a classifier that believes in a GPU whose memory ends: half precision is where the stand-in has none."""
    checkpoint = load_checkpoint(models / family, CPU)
    model = checkpoint.model.half()
    forward = model.forward

    def forward_or_run_out(**inputs):
        if model.dtype == torch.float16:
            raise torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 2.00 GiB')
        return forward(**inputs)

    model.forward = forward_or_run_out
    return Classifier(TorchBackend(checkpoint, device=torch.device('cuda:1')), name=family)


def test_a_gpu_without_memory_is_left_for_the_cpu_and_the_same_utterance_is_answered(models, made_sound):
    sound = made_sound('chord', 1.5)
    classifier = full_gpu(models)
    assert (classifier.device, classifier.degraded) == ('cuda:1', '')
    estimate = classifier.classify(sound)
    expected = Classifier.load(models / 'wav2vec2-layer', 'cpu').classify(sound)
    np.testing.assert_allclose(estimate.probabilities, expected.probabilities, atol=0.02)
    assert classifier.device == 'cpu'
    assert 'cuda:1 ran out of memory' in classifier.degraded
    assert classifier.classify(sound).label == estimate.label


def test_a_model_that_does_not_fit_on_the_gpu_is_loaded_on_the_cpu(models, made_sound, monkeypatch):
    def load(folder, device):
        if device.type != 'cpu':
            raise torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 2.00 GiB')
        return load_checkpoint(folder, device)

    monkeypatch.setattr(module, 'choose_device', lambda device: torch.device('cuda'))
    monkeypatch.setattr(module, 'load_checkpoint', load)
    classifier = Classifier.load(models / 'whisper', 'cuda')
    assert classifier.device == 'cpu' and 'cuda ran out of memory' in classifier.degraded
    assert classifier.classify(made_sound('chord', 1.0)).confidence > 0.0


def test_a_loaded_model_does_not_need_its_folder_any_more(models, tmp_path):
    """In a process of its own: a weight that lies in a file that was cut short would end it with SIGBUS."""
    damages = ('overwritten', 'cut short', 'replaced', 'removed')
    for damage in damages:
        shutil.copytree(models / 'wav2vec2-layer', tmp_path / damage)
    code = f"""
import shutil
import numpy as np
from pathlib import Path
from ser_ros.recognition.classifier import Classifier
sound = np.random.default_rng(0).normal(scale=0.1, size=16000).astype(np.float32)
for damage in {damages!r}:
    folder = Path({str(tmp_path)!r}) / damage
    classifier = Classifier.load(folder, 'cpu')
    before = classifier.classify(sound).probabilities
    weights = folder / 'model.safetensors'
    if damage == 'overwritten':
        with weights.open('r+b') as file:
            file.write(bytes([255]) * weights.stat().st_size)
    elif damage == 'cut short':
        with weights.open('r+b') as file:
            file.truncate(100)
    elif damage == 'replaced':
        (folder / 'new').write_bytes(b'x' * 1000)
        (folder / 'new').replace(weights)
    else:
        shutil.rmtree(folder)
    print(damage, flush=True)
    assert np.array_equal(classifier.classify(sound).probabilities, before)
"""
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.returncode == 0, f'{done.stdout}{done.stderr[-2000:]}'
    assert done.stdout.split('\n')[:-1] == list(damages)


SOUNDS = {
    'zeros': np.zeros(SAMPLE_RATE),
    'constant': np.full(SAMPLE_RATE, 0.5),
    'full scale': np.tile([1.0, -1.0], SAMPLE_RATE // 2),
    'huge': np.tile([1e3, -1e3], SAMPLE_RATE // 2),
    'denormal': np.full(SAMPLE_RATE, 1e-40),
    'one click': np.eye(1, SAMPLE_RATE, 100)[0],
    'not a number': np.full(SAMPLE_RATE, np.nan),
    'infinite': np.full(SAMPLE_RATE, np.inf),
    'a tenth of a second': np.sin(np.arange(SAMPLE_RATE // 10)),
    'thirty seconds': np.sin(np.arange(30 * SAMPLE_RATE)),
}


@pytest.fixture(scope='module')
def loaded(models):
    return {family: Classifier.load(models / family, 'cpu') for family in FAMILIES}


@pytest.mark.parametrize('family', FAMILIES)
@pytest.mark.parametrize('name', SOUNDS)
def test_odd_sound_is_answered_or_refused_and_leaves_nothing_behind(loaded, made_sound, family, name):
    classifier, plain = loaded[family], made_sound('chord', 1.0)
    before = classifier.classify(plain).probabilities
    try:
        probabilities = classifier.classify(SOUNDS[name].astype(np.float32)).probabilities
    except SerError as error:
        assert 'NaN' in str(error) and name in ('not a number', 'infinite')
    else:
        assert np.isfinite(probabilities).all() and probabilities.sum() == pytest.approx(1.0, abs=1e-4)
    np.testing.assert_array_equal(classifier.classify(plain).probabilities, before)
