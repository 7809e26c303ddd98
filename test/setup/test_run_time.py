# SPDX-License-Identifier: Apache-2.0
"""With what the demo installs and nothing else, all that a robot needs works; the rest says what it lacks."""

import csv
import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / 'demo' / 'recording.flac'
SCRIPTS = ('annotate', 'benchmark', 'demo', 'devices', 'evaluate', 'mic_node', 'optimize', 'predict', 'pretrain')
SCRIPTS += ('ser_node', 'train')
OFFLINE = {
    'train': ['--recipe', 'default', '--data', 'RAVDESS'],
    'evaluate': ['default', '--data', 'RAVDESS'],
    'pretrain': ['--speech', '.'],
    'optimize': ['default'],
    'benchmark': ['--architecture', 'hubert-large'],
}
"""Scripts that need an extra, with arguments that are right."""


@pytest.fixture(scope='module')
def light_python(tmp_path_factory) -> Path:
    """Return a Python that finds, of all that is installed here, only what `make demo` installs."""
    folder = tmp_path_factory.mktemp('light')
    subprocess.run([sys.executable, '-m', 'venv', '--without-pip', '--symlinks', folder], check=True)
    site_packages = next(folder.glob('lib/python*/site-packages'))
    locked = ''.join((ROOT / 'requirements' / f'{name}.txt').read_text() for name in ('ros', 'runtime'))
    for name in re.findall(r'^([A-Za-z0-9._-]+)==', locked, re.MULTILINE):
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue  # locked for another Python
        for top in {file.parts[0] for file in found.files} - {'..', '__pycache__'}:
            if not (site_packages / top).exists():
                (site_packages / top).symlink_to(found.locate_file(top))
    return folder / 'bin' / 'python'


@pytest.fixture
def run(light_python, tmp_path, ros_domain):
    def run_script(*arguments, **variables) -> subprocess.CompletedProcess:
        environment = os.environ | variables
        environment.pop('_ROS_WHEELS_BOOTSTRAP_COMPLETE', None)
        command = [light_python, *map(str, arguments)]
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)

    return run_script


@pytest.mark.parametrize('module', ['torch', 'transformers', 'silero_vad', 'sklearn', 'datasets'])
def test_torch_and_what_training_needs_are_not_there(run, module):
    done = run('-c', f'import {module}')
    assert done.returncode == 1
    assert f"No module named '{module}'" in done.stderr


@pytest.mark.parametrize('script', SCRIPTS)
def test_every_script_explains_itself(run, script):
    done = run('-m', f'ser_ros.cli.{script}', '--help')
    assert done.returncode == 0, done.stderr
    assert f'usage: {script}' in done.stdout and 'example' in done.stdout


def test_a_file_is_predicted(run):
    done = run('-m', 'ser_ros.cli.predict', DEMO)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('s of speech') == 6


def test_a_file_is_annotated(run, tmp_path):
    done = run('-m', 'ser_ros.cli.annotate', DEMO, '--out', tmp_path)
    assert done.returncode == 0, done.stderr
    with (tmp_path / 'recording.csv').open() as file:
        assert len(list(csv.DictReader(file))) == 6


def test_the_node_answers(run):
    options = ['audio.source:=file', f'audio.file:={DEMO}', 'audio.realtime:=false']
    done = run('-m', 'ser_ros.cli.ser_node', '--ros-args', *(word for option in options for word in ('-p', option)))
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r'utterance \d+: \w+ \d+%', done.stderr + done.stdout)) == 6


def test_devices_and_the_microphone_node_need_nothing_more(run):
    """Whether this machine has a microphone or PortAudio at all is another matter; either ends in a sentence."""
    for command in (
        ['-m', 'ser_ros.cli.devices'],
        [
            '-m',
            'ser_ros.cli.mic_node',
            '--ros-args',
            '-p',
            'audio.device:="no such microphone"',
            '-p',
            'audio.wait:=false',
        ],
    ):
        done = run(*command)
        assert 'Traceback' not in done.stderr and 'No module named' not in done.stderr, done.stderr
        assert done.returncode in (0, 1)


@pytest.mark.parametrize('script', OFFLINE)
def test_what_needs_an_extra_says_which(run, script):
    done = run('-m', f'ser_ros.cli.{script}', *OFFLINE[script])
    assert done.returncode == 1
    (sentence,) = [line for line in done.stderr.splitlines() if 'extra' in line]
    assert re.search(
        r'needs the extra \[\w+\], of which these are not installed: .*torch.*; `make build` brings it', sentence
    )
    assert 'Traceback' not in done.stderr


@pytest.mark.parametrize('options', [('--backend', 'torch'), ('--device', 'cuda')])
def test_the_torch_backend_says_what_it_lacks(run, options):
    done = run('-m', 'ser_ros.cli.predict', DEMO, *options)
    assert done.returncode == 1
    assert 'needs the extra [torch]' in done.stderr and 'Traceback' not in done.stderr


def test_a_model_without_an_optimised_form_says_what_it_lacks(run, random_weight_model):
    done = run('-m', 'ser_ros.cli.predict', DEMO, '--model', random_weight_model)
    assert done.returncode == 1
    assert 'which has no optimised form, needs the extra [torch]' in done.stderr and 'Traceback' not in done.stderr


def test_the_benchmark_measures_what_is_there(run):
    done = run('-m', 'ser_ros.cli.benchmark', '--only', 'vad,recognition', '--quick')
    assert done.returncode == 0, done.stderr
    assert 'torch, transformers not installed' in done.stdout
