# SPDX-License-Identifier: Apache-2.0
"""The one command from raw data to the embedded default, on made sounds and with tiny networks."""

import importlib
import importlib.util
import json
import sys
from pathlib import Path

import pytest
import soundfile
from tiny_models import NARROW

from ser_ros.export import build
from ser_ros.recognition.classifier import Classifier

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'measuring' / 'make_default_model.py'

LANE = ['corpora', 'folds-1-2-3-4-5-6', 'default', 'paper']
TINY_TRAINING = ['network.config.classifier_proj_size=32', 'frozen_encoder.layers=[1]', 'other_speech.ordinary=2']
TINY_TRAINING += ['other_speech.outliers=2', 'other_speech.inliers=2']


@pytest.fixture
def tool():
    spec = importlib.util.spec_from_file_location(TOOL.stem, TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def arguments(tmp_path, make_clips, made_sound, models):
    """Return a command line for it; its folders hold six speakers, some speech, and tables of other speakers."""
    data = write_table(tmp_path / 'data.csv', make_clips(tmp_path / 'data', range(1, 7)), 'neutral', 'angry')
    others, tested = (
        write_table(tmp_path / f'{name}.csv', make_clips(tmp_path / name, actors), 'neutral', 'angry')
        for name, actors in (('others', (31, 32)), ('tested', (33, 34)))
    )
    for folder in ('speech', 'held-out', 'laughs', 'words'):
        (tmp_path / folder).mkdir()
        for number in range(3):
            sound = made_sound('chord', 0.8 + number / 10)
            soundfile.write(tmp_path / folder / f'{number}.wav', sound, 16_000)
    whisper = models / 'whisper'
    given = {'data': data, 'more-data': others, 'test-only': tested, 'speech': tmp_path / 'speech'}
    given |= {'begin-with': whisper, 'teacher': whisper, 'out': tmp_path / 'work', 'into': tmp_path / 'checkout'}
    given |= {'ordinary': tmp_path / 'speech', 'held-out': tmp_path / 'held-out', 'lanes': 1}
    given |= {'outliers': tmp_path / 'laughs', 'inliers': tmp_path / 'words'}
    options = [word for name, value in given.items() for word in (f'--{name}', str(value))]
    return [*options, '--set-pretrain', *NARROW, 'optimisation.epochs=1', '--set-train', *TINY_TRAINING]


def write_table(path, folder, rising, falling):
    rows = [f'{clip},{falling if "-05-" in clip.name else rising},{clip.parent.name}' for clip in folder.rglob('*.wav')]
    path.write_text('\n'.join(['path,emotion,speaker', *rows]))
    return path


def test_from_raw_data_to_a_model_that_answers(tool, arguments, tmp_path, monkeypatch, blank_pictures, export_once):
    begun = []

    def run_here(job, work):  # a process of its own for each would take minutes
        begun.append(job.name)
        name, *words = job.arguments
        assert importlib.import_module(f'ser_ros.cli.{name}').main(words) in (0, None), job.name

    monkeypatch.setattr(build, 'export', export_once)
    monkeypatch.setattr(tool, 'run', run_here)
    monkeypatch.setattr(sys, 'argv', ['make_default_model.py', *arguments])
    tool.main()
    assert begun == ['whisper-base-lower-encoder', *LANE, 'card', 'optimize']
    model, results = tmp_path / 'checkout' / 'models' / 'default', tmp_path / 'checkout' / 'train/results/default'
    assert Classifier.load(model, 'cpu').backend == 'onnx'
    report = json.loads((model / 'report.json').read_text())
    assert report['initial_weights'] == 'whisper-base-lower-encoder'
    assert report['pretraining']['teacher'] == 'whisper' and report['pretraining']['initial_weights'] == 'whisper'
    summary = json.loads((results / 'leave-one-corpus-out' / 'summary.json').read_text())
    assert len(summary['per_fold']) == 3 and report['temperature'] == summary['temperature']
    assert len(json.loads((results / 'speaker-independent' / 'summary.json').read_text())['per_fold']) == 6
    reports = {path.parent.relative_to(results).as_posix() for path in results.rglob('report.md')}
    by_speaker = {f'speaker-independent/fold-{n}' for n in range(1, 7)}
    assert reports == {'paper', *by_speaker, *(f'leave-one-corpus-out/fold-{n}' for n in range(1, 4))}
    assert (results / 'speaker-independent' / 'confusion.png').is_file() and (model / 'curves.png').is_file()
    card = (model / 'README.md').read_text()
    assert 'mean of 3 folds' in card and 'a telephone' in card and str(tmp_path) not in card
    for heading in ('### Recipe default, protocol paper', '### Ablation', '## How fast it answers'):
        assert f'\n{heading}\n' in card, heading
    begun.clear()
    tool.main()
    assert begun == [*LANE, 'card', 'optimize']  # the encoder is kept, and so are all folds


@pytest.mark.parametrize(
    ('lanes', 'groups'), [(2, ['1-3-5', '2-4-6']), (4, ['1-5', '2-6', '3', '4']), (9, ['1', '2', '3', '4', '5', '6'])]
)
def test_lanes_share_the_folds(tool, arguments, lanes, groups):
    parsed = tool._parser().parse_args([*arguments, '--lanes', str(lanes)])
    names = [job.name for job in tool.trainings(parsed)]
    assert names == ['corpora', *(f'folds-{group}' for group in groups), 'default', 'paper']


def test_a_job_that_fails_ends_it_and_names_its_log(tool, tmp_path):
    jobs = [tool.Job(name, ('devices', option)) for name, option in (('good', '--help'), ('bad', '--nonsense'))]
    with pytest.raises(SystemExit, match=r'bad failed; see the end of .*bad\.log'):
        tool.in_lanes([*jobs, tool.Job('never begun', ('devices', '--help'))], tmp_path, 1)
    assert 'usage: devices' in (tmp_path / 'good.log').read_text()
    assert '--nonsense' in (tmp_path / 'bad.log').read_text()
    assert not (tmp_path / 'never begun.log').exists()
