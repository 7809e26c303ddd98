# SPDX-License-Identifier: Apache-2.0
"""What the run time never does: unpickle, run what it reads, or touch the network."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ser_ros

ROOT = Path(ser_ros.__file__).parent
NO_RUN_TIME = ('training', 'view')
"""Not part of the robot's run time: what trains, and what serves a page to those who look, in a process of its own."""

UNPICKLING = {'pickle', 'cPickle', 'dill', 'joblib', 'marshal', 'shelve', 'cloudpickle'}
RUNNING = {'eval', 'exec', 'compile', '__import__'}
NETWORK = {'socket', 'ssl', 'http', 'urllib', 'requests', 'httpx', 'ftplib', 'smtplib', 'huggingface_hub'}


def run_time_modules() -> list[Path]:
    others = [ROOT / path for path in NO_RUN_TIME]
    return [path for path in sorted(ROOT.rglob('*.py')) if not any(path.is_relative_to(part) for part in others)]


def offences(source: str) -> list[str]:
    """Return the imports, calls and keywords in `source` that have no place at run time."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ''] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            found += [name for name in names if name.partition('.')[0] in UNPICKLING | NETWORK]
        elif isinstance(node, ast.Call):
            call = ast.unparse(node.func)
            if call in RUNNING or call in ('torch.load', 'torch.hub.load', 'yaml.load', 'yaml.unsafe_load'):
                found.append(call)
            for keyword in node.keywords:
                if keyword.arg in ('allow_pickle', 'trust_remote_code') and ast.unparse(keyword.value) != 'False':
                    found.append(ast.unparse(keyword))
    return found


def test_no_module_of_the_run_time_unpickles_runs_what_it_reads_or_knows_the_network():
    modules = run_time_modules()
    assert len(modules) > 40
    assert {
        str(path.relative_to(ROOT)): offences(path.read_text()) for path in modules if offences(path.read_text())
    } == {}


@pytest.mark.parametrize(
    'line',
    [
        'import pickle',
        'from urllib.request import urlopen',
        'torch.load(path)',
        'np.load(path, allow_pickle=True)',
        'AutoModel.from_pretrained(path, trust_remote_code=trust)',
        'eval(text)',
    ],
)
def test_the_search_finds(line):
    assert offences(line)


def test_the_default_model_is_loaded_and_asked_without_a_socket():
    code = """
import sys
seen = []
sys.addaudithook(lambda event, args: seen.append((event, args)) if event.startswith('socket.') else None)
import numpy as np
from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.models import find_model
from ser_ros.speech.fused import FusedVad
estimate = Classifier.load(find_model(), 'cpu').classify(np.zeros(16000, dtype=np.float32))
FusedVad().speech_probability(np.zeros(512, dtype=np.float32))
assert len(estimate.labels) == 8
used = [event for event in seen if event[0] in ('socket.connect', 'socket.bind', 'socket.getaddrinfo', 'socket.sendto')]
assert not used, used
"""
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=ROOT.parent)
    assert done.returncode == 0, done.stderr[-2000:]
