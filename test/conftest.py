# SPDX-License-Identifier: Apache-2.0
"""What several rooms' tests share: made signals, a tiny model, a stand-in for PortAudio, one way to check a refusal."""

import contextlib
import functools
import gc
import hashlib
import itertools
import os
import resource
import shutil
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from interfaces import interface_variables
from stand_in_sounddevice import StandInSoundDevice
from tiny_models import FAMILIES, build_model

from ser_ros.audio.file import read_recording
from ser_ros.emotions import LABELS
from ser_ros.errors import SerError
from ser_ros.recognition.adaptation_prior import AdaptationPrior, write_prior
from ser_ros.resources import share_folder
from ser_ros.testing.domain import take_own_domain

# Before torch is imported, here and in the processes of tests: handing tiny networks to more threads takes longer than
# they do, and two test processes would disturb each other.
os.environ['OMP_NUM_THREADS'] = '1'

HERE = Path(__file__).resolve().parent

E2E = (HERE / 'e2e', HERE / 'examples' / 'test_programs.py', HERE / 'setup' / 'test_make.py')

SLOW = tuple(
    HERE / path
    for path in (
        'benchmarking/test_floor.py',
        'cli/test_annotate.py',
        'cli/test_benchmark.py',
        'cli/test_optimize.py',
        'export/test_build.py',
        'node/test_lifecycle_growth.py',
        'recognition/test_faults.py',
        'setup/test_run_time.py',
        'training/finetuning/test_families.py',
        'training/finetuning/test_finetune.py',
        'training/finetuning/test_several_corpora.py',
        'training/finetuning/test_train.py',
        'training/learning/test_network.py',
        'training/learning/test_processes.py',
        'training/pretraining/test_encoder_folder.py',
        'training/pretraining/test_pretrain.py',
        'training/storage/test_upload.py',
        'training/test_make_default_model.py',
    )
)
"""Files whose tests train, export or measure."""

PLACES = {'e2e': E2E, 'slow': SLOW}


def pytest_collection_modifyitems(items):
    """Mark what `make test-fast` leaves out, and put it first: no test process then waits long for the last file.

    Files that wait for sound and files that compute come in turns: beside each other they take least time.
    """
    files = {'e2e': [], 'slow': [], '': []}
    for path, tests in itertools.groupby(items, lambda item: item.path):
        place = next((name for name, places in PLACES.items() if any(map(path.is_relative_to, places))), '')
        files[place].append(list(tests))
        for test in files[place][-1] if place else ():
            test.add_marker(place)
    in_turns = itertools.zip_longest(files['e2e'], files['slow'], fillvalue=())
    ordered = [*itertools.chain.from_iterable(in_turns), *files['']]
    items[:] = itertools.chain.from_iterable(ordered)


def pytest_collection_finish():
    """Keep garbage collection, which ends each training, from looking through all that is imported by now."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope='session', autouse=True)
def heeds_ctrl_c():
    """Let what the tests start heed Ctrl-C, also where they run in the background of a shell, which ignores it."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope='session')
def models(tmp_path_factory):
    """Return the folder that holds one random-weight model folder for each of FAMILIES."""
    folder = tmp_path_factory.mktemp('random-weight')
    for family in FAMILIES:
        for part in build_model(family):
            part.save_pretrained(folder / family)
    return folder


@pytest.fixture(scope='session')
def demo_sound():
    """Return the recording of espeak-ng that is in the package: float32, 16 kHz, several utterances."""
    return read_recording(share_folder() / 'demo' / 'recording.flac')


@pytest.fixture(scope='session')
def made_sound():
    """Return make(kind, duration, rate, level): float32 mono sound whose largest sample is about `level`."""

    def make(kind: str, duration: float, *, rate: int = 16_000, level: float = 0.3) -> np.ndarray:
        count = round(duration * rate)
        seconds = np.arange(count) / rate
        generator = np.random.default_rng(7)
        if kind == 'silence':
            return np.zeros(count, dtype=np.float32)
        if kind == 'white noise':
            sound = generator.standard_normal(count)
        elif kind == 'pink noise':
            spectrum = np.fft.rfft(generator.standard_normal(count))
            spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
            spectrum[0] = 0.0
            sound = np.fft.irfft(spectrum, count)
        elif kind == 'hum':
            sound = sum(np.sin(2 * np.pi * 50 * harmonic * seconds) / harmonic for harmonic in (1, 2, 3, 5))
        elif kind == 'tone':
            sound = np.sin(2 * np.pi * 1000 * seconds)
        elif kind == 'chord':
            # Nothing here depends on the rate, so that resampled ones can be compared sample by sample.
            fade = 0.5 - 0.5 * np.cos(2 * np.pi * seconds / duration)
            sound = fade * sum(np.sin(2 * np.pi * hertz * seconds) for hertz in (200, 700, 1500))
            return (sound / 3 * level).astype(np.float32)
        return (sound / np.abs(sound).max() * level).astype(np.float32)

    return make


@pytest.fixture
def refuses():
    """Return a context: what is inside must raise a SerError of one sentence that holds every given text."""

    @contextlib.contextmanager
    def context(*texts: str):
        with pytest.raises(SerError) as caught:
            yield
        sentence = str(caught.value)
        assert '\n' not in sentence and 20 < len(sentence) < 500, sentence
        assert [text for text in texts if text not in sentence] == [], sentence

    return context


@pytest.fixture
def disk_without_room():
    """Return a context in which no file can grow beyond 16 kB: writing fails there in the system, as on a full disk."""

    @contextlib.contextmanager
    def context():
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (16_384, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return context


@pytest.fixture
def sounddevice(monkeypatch) -> StandInSoundDevice:
    """Put a stand-in for the module `sounddevice`, with no devices yet, where `import sounddevice` finds it."""
    module = StandInSoundDevice()
    monkeypatch.setitem(sys.modules, 'sounddevice', module)
    return module


@pytest.fixture
def no_portaudio(monkeypatch, tmp_path) -> None:
    """Make `import sounddevice` fail as it does on a machine without PortAudio."""
    (tmp_path / 'sounddevice.py').write_text("raise OSError('PortAudio library not found')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, 'sounddevice', raising=False)


@pytest.fixture(scope='session')
def random_weight_model(tmp_path_factory):
    """Return the folder of a tiny wav2vec 2.0 classifier with random weights: it runs, its answers mean nothing."""
    folder = tmp_path_factory.mktemp('models') / 'random-weight'
    for part in build_model('wav2vec2-group'):
        part.save_pretrained(folder)
    return folder


@pytest.fixture(scope='session')
def adapting_model(tmp_path_factory, random_weight_model):
    """Return the folder of the same classifier with what adaptation starts from, which means nothing either."""
    from safetensors import safe_open

    folder = tmp_path_factory.mktemp('models') / 'adapting'
    shutil.copytree(random_weight_model, folder)
    with safe_open(folder / 'model.safetensors', 'numpy') as weights:
        head = weights.get_tensor('classifier.weight')
    centroids = np.random.default_rng(0).normal(scale=0.1, size=head.shape)
    write_prior(folder, AdaptationPrior(LABELS, head, centroids, np.full(head.shape[1], 2.0), typical_duration=2.0))
    return folder


@pytest.fixture(scope='session')
def export_once(tmp_path_factory):
    """Return what stands in for `export`: it exports each network once, for that takes ten seconds, and then copies."""
    from ser_ros.export.graph import export

    graphs = tmp_path_factory.mktemp('graphs')

    def get(checkpoint, graph: Path) -> None:
        digest = hashlib.sha256()
        for name, value in checkpoint.model.state_dict().items():
            digest.update(name.encode() + value.numpy().tobytes())
        kept = graphs / f'{digest.hexdigest()}.onnx'
        if not kept.exists():
            export(checkpoint, kept)
        shutil.copy(kept, graph)

    return get


@pytest.fixture(scope='session')
def ros_domain() -> int:
    """Keep the nodes of these tests apart from those of other programs and of other test processes."""
    return take_own_domain()


@pytest.fixture(scope='session')
def interfaces(pytestconfig):
    """Return build(name): the variables by which a new process finds the stand-in package test/interfaces/<name>.

    One process can know one audio_common_msgs only, so this one does without.
    What was built is kept in pytest's cache, so `-p no:cacheprovider` does not go with it.
    """
    return functools.cache(lambda name: interface_variables(name, pytestconfig.cache.mkdir('interfaces')))
