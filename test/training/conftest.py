# SPDX-License-Identifier: Apache-2.0
"""RAVDESS-named clips of made signals, a cache for each test, and settings that make the default recipe tiny."""

import contextlib
import resource

import numpy as np
import pytest
import soundfile

RATE = 16_000
SWEEPS = {'01': (300.0, 3000.0), '05': (3000.0, 300.0)}

TINY = [
    'network.config.hidden_size=24',
    'network.config.num_hidden_layers=1',
    'network.config.num_attention_heads=2',
    'network.config.intermediate_size=24',
    'optimisation.epochs=8',
    'optimisation.batch_size=8',
    'optimisation.learning_rate=0.01',
    'optimisation.bfloat16=false',
]


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """Give each test a cache of its own; return its folder, which does not exist yet."""
    folder = tmp_path_factory.mktemp('cache') / 'ser_ros'
    monkeypatch.setenv('SER_ROS_CACHE', str(folder))
    return folder


@pytest.fixture
def make_clips():
    """Return make(folder, speakers): neutral clips whose tone rises, angry clips whose tone falls; 8 a speaker."""

    def make(folder, speakers):
        generator = np.random.default_rng(0)
        seconds = np.arange(int(0.6 * RATE)) / RATE
        for speaker in speakers:
            (folder / f'Actor_{speaker:02d}').mkdir(parents=True)
            for code, (first, last) in SWEEPS.items():
                for take in ('01-01', '01-02', '02-01', '02-02'):
                    start = first * generator.uniform(0.9, 1.1)
                    turns = start * seconds + (last - start) * seconds**2 / (2 * seconds[-1])
                    sound = 0.3 * np.sin(2 * np.pi * turns) + generator.normal(scale=0.01, size=len(seconds))
                    name = f'03-01-{code}-01-{take}-{speaker:02d}.wav'
                    soundfile.write(folder / f'Actor_{speaker:02d}' / name, sound, RATE)
        return folder

    return make


@pytest.fixture
def tiny_settings():
    """Return --set values with which the default recipe learns made clips within seconds."""
    return TINY


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
