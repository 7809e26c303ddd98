# SPDX-License-Identifier: Apache-2.0
"""Two corpora train and test each other, end to end on made clips that are named by two schemes."""

import json
import shutil

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file

from ser_ros.cli.evaluate import main as evaluate
from ser_ros.cli.train import main as train
from ser_ros.training.finetuning import run
from ser_ros.training.finetuning.finetune import finetune


@pytest.fixture
def sources(make_clips, tmp_path):
    """Return --data of two corpora: neutral and angry clips of RAVDESS, and the same and happy ones of EMOVO."""
    ravdess, emovo = make_clips(tmp_path / 'RAVDESS', (1, 2)), tmp_path / 'EMOVO'
    codes = {'neu': '01', 'rab': '05', 'gio': '05'}
    for number, who in enumerate(('f1', 'm1'), start=1):
        (emovo / who).mkdir(parents=True)
        for code, emotion in codes.items():
            for sentence, take in enumerate(('01-01', '01-02', '02-01'), start=1):
                clip = ravdess / f'Actor_{number:02d}' / f'03-01-{emotion}-01-{take}-{number:02d}.wav'
                shutil.copy(clip, emovo / who / f'{code}-{who}-b{sentence}.wav')
    return [str(ravdess), f'emovo:{emovo}']


@pytest.fixture
def folds(sources, tiny_settings, tmp_path):
    """Train both folds of leave-one-corpus-out; return their folder."""
    out = tmp_path / 'folds'
    options = ['--recipe', 'from-scratch', '--data', *sources, '--protocol', 'leave-one-corpus-out', '--out', str(out)]
    settings = ['balanced=true', 'optimisation.epochs=2', 'validation.share=0.5']
    assert train([*options, '--set', *tiny_settings, *settings]) == 0
    return out


def read_report(folder):
    return json.loads((folder / 'report.json').read_text())


def test_each_corpus_tests_a_model_of_the_other(capfd, folds, sources, tmp_path):
    printed = capfd.readouterr()
    assert printed.err.count('EMOVO has 588 clips, here are 18\n') == 1
    assert 'leave-one-corpus-out, fold 2 of 2: accuracy on whole clips' in printed.out
    on_ravdess, on_emovo = (read_report(folds / f'fold-{fold}') for fold in (1, 2))
    assert (on_ravdess['corpus'], on_ravdess['test_corpora']) == ('RAVDESS + EMOVO', ['RAVDESS'])
    assert [part['corpus'] for part in on_ravdess['trained_on']] == ['EMOVO']
    assert on_ravdess['labels'] == on_emovo['labels'] == ['neutral', 'happy', 'angry']

    assert on_ravdess['test_clips'] == 16 and on_emovo['test_clips'] == 12
    assert '6 clips of EMOVO do not test: no clip that trains is of happy' in on_emovo['remarks']
    for report, confusion_of_happy in ((on_ravdess, 16), (on_emovo, 12)):
        scores = report['evaluation']['utterance']
        assert np.array(scores['confusion'])[:, [0, 2]].sum() == confusion_of_happy, 'happy can be no answer'
        assert scores['chance'] == 0.5
        assert scores['recall_interval']['speakers'] == 2
        assert scores['recall_interval']['low'] <= scores['unweighted_recall'] <= scores['recall_interval']['high']

    told = (folds / 'fold-1' / 'report.md').read_text()
    for fact in ('No licence is stated for EMOVO', 'EMOVO has 588 clips', '95 % over 2 speakers', 'chance is 50.0 %'):
        assert fact in told, fact
    card = (folds / 'fold-2' / 'README.md').read_text()
    front_matter = yaml.safe_load(card.split('---')[1])
    assert (front_matter['license'], front_matter['language']) == ('cc-by-nc-sa-4.0', ['en'])
    assert front_matter['model-index'][0]['results'][0]['dataset']['type'] == 'emovo'
    assert yaml.safe_load((folds / 'fold-1' / 'README.md').read_text().split('---')[1])['license'] == 'other'

    summary = (folds / 'summary.md').read_text()
    assert 'Chance is 50.0 %: the answer for a clip is restricted' in summary
    assert '| 1    | RAVDESS   | 50.0 % ' in summary and '| 2    | EMOVO     | 50.0 % ' in summary
    assert str(tmp_path) not in ''.join(path.read_text() for path in folds.rglob('*.json'))

    model = str(folds / 'fold-1')
    assert evaluate([model, '--data', sources[0], '--out', str(tmp_path / 'alone')]) == 0
    (result,) = read_report(tmp_path / 'alone')['results']
    for hearing in ('whole_clip', 'utterance'):
        alone, in_training = result['evaluation'][hearing], on_ravdess['evaluation'][hearing]
        for key in ('accuracy', 'unweighted_recall', 'chance', 'recall_interval'):
            assert alone[key] == in_training[key], key
    assert evaluate([model, '--data', sources[1]]) == 1
    assert 'all 18 clips of EMOVO trained the model' in capfd.readouterr().err
    options = ['--data', sources[1], '--all-clips', '--out', str(tmp_path / 'unlearned')]
    assert evaluate([str(folds / 'fold-2'), *options]) == 0
    (result,) = read_report(tmp_path / 'unlearned')['results']
    assert result['evaluation']['utterance']['clips'] == 12
    assert any('does not answer with such a label: 6 clips of happy' in note for note in result['notes'])
    assert evaluate([model, '--data', *sources, '--all-clips', '--out', str(tmp_path / 'both')]) == 0
    both = read_report(tmp_path / 'both')
    groups = both['results'][0]['evaluation']['whole_clip']['groups']['corpus']
    assert {name: group['clips'] for name, group in groups.items()} == {'EMOVO': 18, 'RAVDESS': 16}
    assert any('restricted to the labels of its corpus' in note for note in both['results'][0]['notes'])
    assert '| RAVDESS | 16' in capfd.readouterr().out
    assert 'EMOVO has 588 clips' in (tmp_path / 'both' / 'report.md').read_text()


def test_corpora_that_only_test_share_one_training(sources, make_clips, tiny_settings, tmp_path, monkeypatch):
    tables = []
    for name, actors in (('first', (3, 4)), ('second', (5, 6))):
        clips = sorted(make_clips(tmp_path / name, actors).rglob('*.wav'))
        rows = [f'{clip},{"angry" if "-05-" in clip.name else "neutral"},{clip.parent.name}' for clip in clips]
        tables.append(tmp_path / f'{name}.csv')
        tables[-1].write_text('\n'.join(['path,emotion,speaker', *rows]))
    trained = []
    monkeypatch.setattr(run, 'finetune', lambda *given, **named: trained.append(given) or finetune(*given, **named))
    out = tmp_path / 'folds'
    options = ['--recipe', 'from-scratch', '--data', *sources, '--test-only', *map(str, tables), '--out', str(out)]
    settings = ['optimisation.epochs=1', 'validation.share=0.0']
    assert train([*options, '--protocol', 'leave-one-corpus-out', '--set', *tiny_settings, *settings]) == 0
    assert len(trained) == 3
    weights = [load_file(out / f'fold-{fold}' / 'model.safetensors')['classifier.weight'] for fold in (1, 2, 3, 4)]
    assert torch.equal(weights[2], weights[3]) and not torch.equal(weights[1], weights[2])
    assert [read_report(out / f'fold-{fold}')['test_corpora'] for fold in (3, 4)] == [['first'], ['second']]
