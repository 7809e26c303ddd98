# SPDX-License-Identifier: Apache-2.0
"""RAVDESS-named clips of made signals, a cache for each test, settings of a tiny recipe, and reports of made runs."""

import numpy as np
import pytest
import soundfile
from matplotlib.figure import Figure

from ser_ros.training.evaluation.scores import Evaluation, Scores
from ser_ros.training.provenance.origins import TrainedOn
from ser_ros.training.reporting.run_report import RunReport

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
def blank_pictures(monkeypatch):
    """Write empty files for pictures: each takes a third of a second to draw, and reporting/ has tests that draw."""
    monkeypatch.setattr(Figure, 'savefig', lambda figure, path, **options: path.touch())


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


def made_scores(accuracy, **changes):
    """Return the scores of 16 clips with two labels."""
    values = {
        'clips': 16,
        'accuracy': accuracy,
        'unweighted_recall': accuracy,
        'macro_f1': accuracy - 0.01,
        'calibration_error': 0.05,
        'uncalibrated_error': 0.2,
        'confidence': 0.8,
        'chance': 0.5,
        'recall_interval': None,
        'labels': ('happy', 'sad'),
        'confusion': ((6, 2), (1, 7)),
        'report': 'precision recall',
        'groups': {},
    }
    return Scores(**values | changes)


def made_report(fold=1, accuracy=0.8, *, scores=(), **changes):
    """Return the report of a fold whose utterances have half the accuracy of the whole clips."""
    evaluation = Evaluation(
        whole_clip=made_scores(accuracy, **dict(scores)),
        utterance=made_scores(accuracy / 2, **dict(scores)),
        conditions={},
        streams=(),
    )
    values = {
        'recipe': 'tones',
        'corpus': 'RAVDESS',
        'protocol': 'leave-one-speaker-out',
        'fold': fold,
        'folds': 3,
        'selection': 'validation',
        'train_clips': 32,
        'validation_clips': 8,
        'test_clips': 16,
        'trained_on': (
            TrainedOn(
                corpus='RAVDESS',
                licence='cc-by-nc-sa-4.0',
                clips=32,
                speakers=tuple(str(speaker) for speaker in (1, 2, 3) if speaker != fold),
                labels=('happy', 'sad'),
            ),
        ),
        'validation_speakers': (9,),
        'test_corpora': ('RAVDESS',),
        'test_speakers': (fold,),
        'labels': ('happy', 'sad'),
        'initial_weights': 'openai/whisper-base',
        'pretraining': None,
        'trained_before': (),
        'teacher': '',
        'taught_speech': (),
        'ordinary_speech': (),
        'outliers': (),
        'inliers': (),
        'evaluation': evaluation,
        'held_out_speech': (),
        'validation_accuracy': 0.625,
        'chosen_step': 200,
        'steps': 300,
        'steps_per_second': 2.5,
        'training_minutes': 1.5,
        'peak_gpu_memory_gib': 3.25,
        'processes': 2,
        'parameters': 20_600_000,
        'model_megabytes': 82.4,
        'temperature': 1.8,
        'calibrated_on': 'the validation clips',
        'seed': 7,
        'settings': {'description': 'Made.', 'selection': '', 'optimisation': {'epochs': 3, 'batch_size': 4}},
        'command': f'train --fold {fold}',
        'hardware': 'CPU',
        'versions': {'python': '3.11'},
        'remarks': (),
        'training_log': (),
    }
    return RunReport(**values | changes)


@pytest.fixture(scope='session')
def make_scores():
    """Return made_scores."""
    return made_scores


@pytest.fixture(scope='session')
def make_report():
    """Return made_report."""
    return made_report
