# SPDX-License-Identifier: Apache-2.0
"""The train command, end to end on made clips."""

import json

import numpy as np
import pytest
import torch
import yaml
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

from ser_ros.cli.train import main
from ser_ros.recognition.classifier import Classifier
from ser_ros.training.dataset import load_recordings
from ser_ros.training.finetune import save_model
from ser_ros.training.model import new_config, new_feature_extractor, new_model
from ser_ros.training.ravdess import find_clips
from ser_ros.training.recipe import load_recipe


@pytest.fixture
def train(tiny_settings):
    """Run the command with the tiny recipe; return its exit code."""

    def run(data, out, *more, settings=()):
        return main(
            ['--recipe', 'default', '--data', str(data), '--out', str(out), *more, '--set', *tiny_settings, *settings]
        )

    return run


def read_report(folder):
    return json.loads((folder / 'report.json').read_text())


def weights(folder):
    return AutoModelForAudioClassification.from_pretrained(folder).state_dict()


def test_folds_train_learn_and_are_summed_up(train, make_clips, tmp_path, capsys):
    data, out = make_clips(tmp_path / 'data', (1, 2, 3)), tmp_path / 'models' / 'tones'
    assert train(data, out, '--protocol', 'leave-one-speaker-out', '--fold', '1', '3') == 0
    assert '2 of 3 folds are done' in capsys.readouterr().out
    assert not (out / 'summary.json').exists()
    assert train(data, out, '--protocol', 'leave-one-speaker-out', '--resume') == 0
    printed = capsys.readouterr().out
    assert 'fold 1 of 3: accuracy on whole clips' in printed
    reports = [read_report(out / f'fold-{fold}') for fold in (1, 2, 3)]
    for fold, report in enumerate(reports, start=1):
        assert report['test_speakers'] == [fold] and fold not in report['train_speakers']
        assert report['evaluation']['whole_clip']['clips'] == 8
    summary = json.loads((out / 'summary.json').read_text())
    accuracies = [report['evaluation']['whole_clip']['accuracy'] for report in reports]
    assert summary['mean']['whole_clip']['accuracy'] == pytest.approx(np.mean(accuracies))
    assert summary['deviation']['whole_clip']['accuracy'] == pytest.approx(np.std(accuracies, ddof=1))
    assert np.mean(accuracies) > 0.8
    assert np.sum(summary['confusion']['utterance']) == 24
    assert sorted(path.name for path in out.iterdir()) == ['fold-1', 'fold-2', 'fold-3', 'summary.json', 'summary.md']

    final = tmp_path / 'final'
    assert train(data, final, '--protocol', 'full') == 0
    assert 'Not measured' in (final / 'README.md').read_text()
    assert train(data, final, '--protocol', 'full', '--scores', str(out / 'summary.json'), '--resume') == 0
    card = (final / 'README.md').read_text()
    front_matter = yaml.safe_load(card.split('---')[1])
    assert front_matter['pipeline_tag'] == 'audio-classification'
    assert front_matter['model-index'][0]['results'][0]['metrics'][0]['value'] == pytest.approx(
        summary['mean']['whole_clip']['accuracy'], abs=1e-4
    )
    assert 'must not be used' in card and '--protocol full' in card and str(tmp_path) not in card
    assert read_report(final)['evaluation'] is None

    classifier = Classifier.load(final, 'cpu')
    assert classifier.labels == ('neutral', 'angry')
    recordings = load_recordings(find_clips(data))
    answers = [classifier.classify(recording.samples).label for recording in recordings]
    assert (
        np.mean([answer == recording.clip.emotion for answer, recording in zip(answers, recordings, strict=True)]) > 0.8
    )


def test_validation_measures_on_training_actors(train, make_clips, tmp_path):
    data, out = make_clips(tmp_path / 'data', range(1, 7)), tmp_path / 'trial'
    one_epoch = ['optimisation.epochs=1']
    assert (
        train(data, out, '--protocol', 'leave-one-speaker-out', '--fold', '1', '--validation', settings=one_epoch) == 0
    )
    report = read_report(out / 'fold-1')
    assert report['protocol'] == 'validation (leave-one-speaker-out)'
    assert len(report['test_speakers']) == 4 and len(report['train_speakers']) == 1
    assert {1} & {*report['test_speakers'], *report['train_speakers']} == set()


class Killed(Exception):
    """Stands for a kill in the middle of a run."""


def test_a_killed_run_that_is_resumed_ends_as_one_that_was_not(train, make_clips, tmp_path, monkeypatch):
    data = make_clips(tmp_path / 'data', (1,))
    straight, resumed = tmp_path / 'straight', tmp_path / 'resumed'
    regularised = ['network.config.hidden_dropout=0.1', 'optimisation.epochs=4']
    assert train(data, straight, '--protocol', 'full', settings=regularised) == 0

    from ser_ros.training.dataset import UtteranceDataset

    def die_in_epoch_2(self, epoch, set_epoch=UtteranceDataset.set_epoch):
        if epoch == 2:
            raise Killed
        set_epoch(self, epoch)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(UtteranceDataset, 'set_epoch', die_in_epoch_2)
        train(data, resumed, '--protocol', 'full', settings=regularised)
    assert not resumed.exists()
    assert train(data, resumed, '--protocol', 'full', '--resume', settings=regularised) == 0
    expected, actual = weights(straight), weights(resumed)
    assert all(torch.equal(expected[name], actual[name]) for name in expected)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['data', 'resumed', 'straight']


def test_a_resumed_run_must_be_the_same_run(train, make_clips, tmp_path, capsys, monkeypatch):
    data, out = make_clips(tmp_path / 'data', (1,)), tmp_path / 'model'
    work = tmp_path / '.model.partial'
    work.mkdir()
    (work / 'run.json').write_text('{"recipe": "another"}')
    assert train(data, out, '--protocol', 'full', '--resume') == 1
    assert 'another recipe or other clips' in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize('half_precision', [True, False])
def test_a_saved_model_answers_with_the_same_logits(tmp_path, half_precision, made_sound):
    torch.manual_seed(0)
    recipe = load_recipe('default', ['network.config.hidden_size=24', 'network.config.num_hidden_layers=1'])
    model = new_model(new_config(recipe.network, ('neutral', 'angry'))).eval()
    extractor = new_feature_extractor(recipe.feature_extraction)
    inputs = extractor(made_sound('chord', 1.0), sampling_rate=16_000, return_tensors='pt')
    with torch.inference_mode():
        before = model(**inputs).logits
        save_model(model, extractor, tmp_path / 'model', half_precision=half_precision)
        loaded = AutoModelForAudioClassification.from_pretrained(tmp_path / 'model', dtype=torch.float32)
        again = AutoFeatureExtractor.from_pretrained(tmp_path / 'model')
        after = loaded(**again(made_sound('chord', 1.0), sampling_rate=16_000, return_tensors='pt')).logits
    torch.testing.assert_close(before, after, atol=2e-2 if half_precision else 0.0, rtol=0.0)


@pytest.mark.parametrize(
    ('arguments', 'text'),
    [
        (['--protocol', 'speaker-independent'], 'actors 2, 3, 4'),
        (['--protocol', 'full', '--fold', '2'], 'fold 2 does not exist'),
        (['--protocol', 'full', '--validation'], 'too few to hold 4 out'),
        (['--protocol', 'paper', '--scores', 'nowhere.json'], '--scores is for --protocol full'),
        (['--protocol', 'full', '--scores', 'nowhere.json'], 'nowhere.json is no summary of folds'),
        (['--protocol', 'full', '--set', 'optimisation.epoch=1'], "did you mean 'epochs'"),
    ],
)
def test_bad_input_ends_in_one_sentence_with_nothing_written(make_clips, tmp_path, capsys, arguments, text):
    data = make_clips(tmp_path / 'data', (1,))
    assert main(['--recipe', 'default', '--data', str(data), '--out', str(tmp_path / 'out'), *arguments]) == 1
    error = capsys.readouterr().err
    assert text in error and error.startswith('train: ') and error.count('\n') == 1
    assert [path.name for path in tmp_path.iterdir()] == ['data']


def test_a_folder_that_is_there_is_never_overwritten(train, make_clips, tmp_path, capsys):
    out = tmp_path / 'precious'
    out.mkdir()
    (out / 'thesis.txt').write_text('all of it')
    assert train(make_clips(tmp_path / 'data', (1,)), out, '--protocol', 'full') == 1
    assert 'never overwritten' in capsys.readouterr().err
    assert [path.name for path in out.iterdir()] == ['thesis.txt']
