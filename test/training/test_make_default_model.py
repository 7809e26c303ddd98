# SPDX-License-Identifier: Apache-2.0
"""The one command from raw data to the embedded default, on made sounds and with tiny networks."""

import importlib
import importlib.util
import json
import sys
from pathlib import Path

import pytest
import soundfile

from ser_ros.export import build
from ser_ros.recognition.classifier import Classifier

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'measuring' / 'make_default_model.py'

TINY_ENCODER = [
    'network.config.hidden_size=24',
    'network.config.num_hidden_layers=1',
    'network.config.num_attention_heads=2',
    'network.config.intermediate_size=24',
    'optimisation.epochs=1',
    'distillation.layers=[1,2]',
    'augmentation.variants=1',
    'pieces.longest=1.0',
]
QUICK_TRAINING = ['optimisation.epochs=4', 'optimisation.learning_rate=0.01', 'augmentation.variants=1']


@pytest.fixture
def tool():
    spec = importlib.util.spec_from_file_location(TOOL.stem, TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def arguments(tmp_path, make_clips, made_sound, models):
    """Return a command line for it; its folders hold six speakers, some speech, and a table of other speakers."""
    data = write_table(tmp_path / 'data.csv', make_clips(tmp_path / 'data', range(1, 7)), 'neutral', 'angry')
    others = write_table(tmp_path / 'others.csv', make_clips(tmp_path / 'others', (31, 32)), 'calm', 'happy')
    for folder in ('speech', 'held-out'):
        (tmp_path / folder).mkdir()
        for number in range(3):
            sound = made_sound('chord', 0.8 + number / 10)
            soundfile.write(tmp_path / folder / f'{number}.wav', sound, 16_000)
    given = {'data': data, 'speech': tmp_path / 'speech', 'teacher': models / 'whisper', 'out': tmp_path / 'work'}
    given |= {'ordinary': tmp_path / 'speech'}
    given |= {'into': tmp_path / 'checkout', 'held-out': tmp_path / 'held-out', 'expressive': others, 'lanes': 1}
    options = [word for name, value in given.items() for word in (f'--{name}', str(value))]
    return [*options, '--set-pretrain', *TINY_ENCODER, '--set-train', *QUICK_TRAINING]


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
    assert begun[:3] == ['default-encoder', 'default-encoder-whitened', 'default-expressive']
    assert begun[-2:] == ['card', 'optimize']
    assert begun[3:-2] == ['folds-1-2-3-4-5-6', 'default', 'paper']
    model, results = tmp_path / 'checkout' / 'models' / 'default', tmp_path / 'checkout' / 'train/results/default'
    assert Classifier.load(model, 'cpu').backend == 'onnx'
    report = json.loads((model / 'report.json').read_text())
    assert report['initial_weights'] == 'default-expressive' and report['pretraining']['teacher'] == 'whisper'
    assert report['pretraining']['pretrained_before']['recipe'] == 'default'
    assert [each['corpus'] for each in report['trained_before']] == ['others']
    summary = json.loads((results / 'speaker-independent' / 'summary.json').read_text())
    assert len(summary['per_fold']) == 6 and report['temperature'] == summary['temperature']
    reports = {path.parent.relative_to(results).as_posix() for path in results.rglob('report.md')}
    assert reports == {'paper', *(f'speaker-independent/fold-{n}' for n in range(1, 7))}
    assert (results / 'speaker-independent' / 'confusion.png').is_file() and (model / 'curves.png').is_file()
    card = (model / 'README.md').read_text()
    assert 'mean of 6 folds' in card and 'a telephone' in card and str(tmp_path) not in card
    for heading in ('### Recipe default-paper, protocol paper', '### Ablation', '## How fast it answers'):
        assert f'\n{heading}\n' in card, heading
    begun.clear()
    tool.main()
    assert not {tool.ENCODER, tool.WHITENED, tool.EXPRESSIVE} & set(begun)  # what is finished is kept


@pytest.mark.parametrize(
    ('lanes', 'groups'), [(2, ['1-3-5', '2-4-6']), (4, ['1-5', '2-6', '3', '4']), (9, ['1', '2', '3', '4', '5', '6'])]
)
def test_lanes_share_the_folds(tool, arguments, lanes, groups):
    parsed = tool._parser().parse_args([*arguments, '--lanes', str(lanes)])
    names = [job.name for job in tool.trainings(parsed)]
    assert names == [*(f'folds-{group}' for group in groups), 'default', 'paper']


def test_a_job_that_fails_ends_it_and_names_its_log(tool, tmp_path):
    jobs = [tool.Job(name, ('devices', option)) for name, option in (('good', '--help'), ('bad', '--nonsense'))]
    with pytest.raises(SystemExit, match=r'bad failed; see the end of .*bad\.log'):
        tool.in_lanes([*jobs, tool.Job('never begun', ('devices', '--help'))], tmp_path, 1)
    assert 'usage: devices' in (tmp_path / 'good.log').read_text()
    assert '--nonsense' in (tmp_path / 'bad.log').read_text()
    assert not (tmp_path / 'never begun.log').exists()
