# SPDX-License-Identifier: Apache-2.0
"""What several rooms' tests share: made signals, a tiny model, a stand-in for PortAudio, one way to check a refusal."""

import contextlib
import os
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from ser_ros.emotions import LABELS
from ser_ros.errors import SerError

HERE = Path(__file__).resolve().parent

INTERFACES = HERE / 'interfaces'
"""Stand-ins for message packages that are not on PyPI, with the same fields."""

E2E = (HERE / 'e2e', HERE / 'setup' / 'test_make.py')

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
        'training/finetuning/test_train.py',
        'training/learning/test_network.py',
        'training/pretraining/test_encoder_folder.py',
        'training/pretraining/test_pretrain.py',
        'training/storage/test_upload.py',
        'training/test_make_default_model.py',
    )
)
"""Files whose tests train, export or measure."""


def pytest_collection_modifyitems(items):
    """Mark what `make test-fast` leaves out."""
    for item in items:
        for marker, places in (('e2e', E2E), ('slow', SLOW)):
            if any(item.path.is_relative_to(place) for place in places):
                item.add_marker(marker)


_NAMES = {
    'id2label': dict(enumerate(LABELS)),
    'label2id': {label: index for index, label in enumerate(LABELS)},
    'classifier_proj_size': 16,
}
_ENCODER = _NAMES | {
    'hidden_size': 32,
    'num_hidden_layers': 2,
    'num_attention_heads': 2,
    'intermediate_size': 64,
}
_CONVOLUTIONAL = _ENCODER | {
    'conv_dim': (16,) * 7,
    'num_conv_pos_embeddings': 16,
    'num_conv_pos_embedding_groups': 2,
}
_LAYER_NORM = {'feat_extract_norm': 'layer', 'do_stable_layer_norm': True}

WHISPER_WINDOW = 4.0
"""Seconds that the tiny Whisper encoder hears at once; max_source_positions is 50 for each of them."""

_WHISPER = _NAMES | {
    'd_model': 32,
    'encoder_layers': 2,
    'encoder_attention_heads': 2,
    'encoder_ffn_dim': 64,
    'decoder_layers': 1,
    'decoder_attention_heads': 2,
    'decoder_ffn_dim': 32,
    'max_source_positions': int(WHISPER_WINDOW * 50),
    'vocab_size': 100,
    'pad_token_id': 0,
    'bos_token_id': 0,
    'eos_token_id': 0,
    'decoder_start_token_id': 0,
    'suppress_tokens': None,
    'begin_suppress_tokens': None,
}

FAMILIES = {
    'wav2vec2-group': ('Wav2Vec2', _CONVOLUTIONAL),
    'wav2vec2-layer': ('Wav2Vec2', _CONVOLUTIONAL | _LAYER_NORM),
    'hubert-group': ('Hubert', _CONVOLUTIONAL),
    'hubert-layer': ('Hubert', _CONVOLUTIONAL | _LAYER_NORM),
    'wavlm-group': ('WavLM', _CONVOLUTIONAL),
    'wavlm-layer': ('WavLM', _CONVOLUTIONAL | _LAYER_NORM),
    'wav2vec2-bert': ('Wav2Vec2Bert', _ENCODER),
    'whisper': ('Whisper', _WHISPER),
}
_EXTRACTORS = {'Wav2Vec2Bert': 'SeamlessM4TFeatureExtractor', 'Whisper': 'WhisperFeatureExtractor'}


def build_model(family: str):
    """Return (network, feature extractor) with weights that differ enough for answers to differ."""
    import torch
    import transformers

    torch.manual_seed(3)
    prefix, settings = FAMILIES[family]
    config = getattr(transformers, f'{prefix}Config')(**settings)
    head = 'ForAudioClassification' if prefix == 'Whisper' else 'ForSequenceClassification'
    model = getattr(transformers, prefix + head)(config).eval()
    with torch.no_grad():
        model.classifier.weight *= 20
    return model, getattr(transformers, _EXTRACTORS.get(prefix, 'Wav2Vec2FeatureExtractor'))()


@pytest.fixture(scope='session')
def models(tmp_path_factory, one_torch_thread):
    """Return the folder that holds one random-weight model folder for each of FAMILIES."""
    folder = tmp_path_factory.mktemp('random-weight')
    for family in FAMILIES:
        for part in build_model(family):
            part.save_pretrained(folder / family)
    return folder


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
def sounddevice(monkeypatch) -> 'StandInSoundDevice':
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
def one_torch_thread():
    """Run tiny networks on one thread: handing them to more takes longer than they do."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope='session')
def random_weight_model(tmp_path_factory, one_torch_thread):
    """Return the folder of a tiny wav2vec 2.0 classifier with random weights: it runs, its answers mean nothing."""
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForSequenceClassification

    # Of some weights two labels are so close that an int8 form may tell the other one, and is refused.
    torch.manual_seed(3)
    folder = tmp_path_factory.mktemp('models') / 'random-weight'
    config = Wav2Vec2Config(
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        conv_dim=(16,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
        classifier_proj_size=16,
        id2label=dict(enumerate(LABELS)),
        label2id={label: index for index, label in enumerate(LABELS)},
    )
    Wav2Vec2ForSequenceClassification(config).save_pretrained(folder)
    Wav2Vec2FeatureExtractor().save_pretrained(folder)
    return folder


@pytest.fixture(scope='session')
def interfaces(tmp_path_factory):
    """Return build(name): the variables by which a new process finds the stand-in package test/interfaces/<name>.

    One process can know one audio_common_msgs only, so this one does without.
    """
    built = {}

    def build(name: str) -> dict[str, str]:
        if name not in built:
            built[name] = build_interfaces(INTERFACES / name, tmp_path_factory.mktemp(name))
        return built[name]

    return build


def build_interfaces(source: Path, folder: Path) -> dict[str, str]:
    """Build and install the message package in `source` with cmake; return the variables by which it is found."""
    ros = os.environ['AMENT_PREFIX_PATH'].split(os.pathsep)
    environment = os.environ | {'CMAKE_PREFIX_PATH': os.pathsep.join(ros)}
    install = folder / 'install'
    options = ['-DBUILD_TESTING=OFF', f'-DCMAKE_INSTALL_PREFIX={install}', f'-DPython3_EXECUTABLE={sys.executable}']
    for command in (
        ['cmake', '-S', source, '-B', folder / 'build', *options],
        ['cmake', '--build', folder / 'build', '--target', 'install', '--parallel', '2'],
    ):
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, done.stdout[-3000:]
    modules = next(install.glob('lib/python*/site-packages'))
    return {
        'AMENT_PREFIX_PATH': os.pathsep.join([str(install), *ros]),
        'PYTHONPATH': join(modules, os.environ.get('PYTHONPATH')),
        'LD_LIBRARY_PATH': join(install / 'lib', os.environ.get('LD_LIBRARY_PATH')),
    }


def join(first: Path, others: str | None) -> str:
    """Put a folder before those of a variable."""
    return os.pathsep.join([str(first), *([others] if others else [])])


class PortAudioError(Exception):
    """As in sounddevice: (text, PortAudio's error code)."""


class StandInSoundDevice(types.ModuleType):
    """The part of sounddevice 0.5 that the microphone uses; `add` plugs a made device in."""

    def __init__(self):
        super().__init__('sounddevice')
        self.PortAudioError = PortAudioError
        self.default_input = -1
        self.devices = []
        self.streams = []
        self.tried_rates = []
        self.initialised = True
        self.host_runs = True
        self.scans = 1

    def add(self, name: str, *, channels: int = 1, rate: float = 48_000.0, rates=(16_000,)) -> int:
        """Plug in a device that opens at `rates`; the first one with inputs becomes the default."""
        index = len(self.devices)
        info = {
            'name': name,
            'index': index,
            'hostapi': 0,
            'max_input_channels': channels,
            'max_output_channels': 2,
            'default_samplerate': float(rate),
        }
        self.devices.append((info, rates))
        if channels and self.default_input < 0:
            self.default_input = index
        return index

    def _terminate(self):
        if not self.initialised:
            raise PortAudioError('Error terminating PortAudio: PortAudio not initialized', -10000)
        self.initialised = False

    def _initialize(self):
        if not self.host_runs:
            raise PortAudioError('Error initializing PortAudio: Unanticipated host error', -9999)
        self.initialised = True
        self.scans += 1

    def query_devices(self, device=None, kind=None):
        if device is None and kind is None:
            return [dict(info) for info, _ in self.devices]
        index = self._index(device)
        if not 0 <= index < len(self.devices):
            raise PortAudioError(f'Error querying device {index}')
        info = self.devices[index][0]
        if info['max_input_channels'] < 1:
            raise ValueError(f'Not an input device: {info["name"]!r}')
        return dict(info)

    def _index(self, device) -> int:
        if device is None:
            return self.default_input
        if isinstance(device, int):
            return device
        inputs = [info for info, _ in self.devices if info['max_input_channels'] > 0]
        matches = [info for info in inputs if device.lower() in info['name'].lower()]
        exact = [info for info in inputs if device.lower() == info['name'].lower()]
        if not matches:
            raise ValueError(f'No input device matching {device!r}')
        if len(matches) > 1 and len(exact) != 1:
            listed = '\n'.join(f'[{info["index"]}] {info["name"]}, ALSA' for info in matches)
            raise ValueError(f'Multiple input devices found for {device!r}:\n{listed}')
        return (exact or matches)[0]['index']

    def InputStream(self, **options):  # noqa: N802 - sounddevice's name
        stream = StandInInputStream(self, **options)
        self.streams.append(stream)
        return stream


class StandInInputStream:
    """A stream whose sound comes from `deliver`; like PortAudio it reuses one buffer for every callback."""

    def __init__(self, module, *, samplerate, blocksize, device, channels, dtype, latency, callback):
        info, rates = module.devices[device]
        module.tried_rates.append(samplerate)
        if any(stream.device == device and not stream.closed for stream in module.streams):
            raise PortAudioError('Error opening InputStream: Device unavailable', -9985)
        if samplerate not in rates:
            raise PortAudioError('Error opening InputStream: Invalid sample rate', -9997)
        if channels > info['max_input_channels']:
            raise PortAudioError('Error opening InputStream: Invalid number of channels', -9998)
        assert dtype == 'float32' and latency == 'high' and blocksize > 0
        self.samplerate = float(samplerate)
        self.device = device
        self.channels = channels
        self.blocksize = blocksize
        self.started = False
        self.closed = False
        self.refuses_to_start = False
        self._callback = callback
        self._buffer = np.zeros((blocksize, channels), dtype=np.float32)

    def start(self):
        if self.refuses_to_start:
            raise PortAudioError('Error starting stream: Unanticipated host error', -9999)
        self.started = True

    def close(self, ignore_errors=True):
        self.closed = True

    def deliver(self, frames: np.ndarray, *, delay: float = 0.05, overflow: bool = False):
        """Call back with `frames` (n, channels), captured `delay` seconds ago; spoil the buffer afterwards."""
        assert self.started and not self.closed
        buffer = self._buffer[: len(frames)]
        buffer[:] = frames
        times = types.SimpleNamespace(currentTime=10.0, inputBufferAdcTime=10.0 - delay, outputBufferDacTime=0.0)
        status = types.SimpleNamespace(input_overflow=overflow, input_underflow=False)
        self._callback(buffer, len(frames), times, status)
        buffer[:] = 1e9
