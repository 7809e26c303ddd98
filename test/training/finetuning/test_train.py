# SPDX-License-Identifier: Apache-2.0
"""The train command, end to end on made clips."""

import errno
import json
import os
import re
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import yaml
from transformers import AutoModelForAudioClassification

from ser_ros.cli.train import main
from ser_ros.recognition.adaptation_prior import read_prior
from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.model_settings import TEMPERATURE_KEY
from ser_ros.recognition.outliers import FILE as DETECTOR
from ser_ros.training.data.corpus import read_corpus
from ser_ros.training.data.recordings import load_recordings
from ser_ros.training.evaluation.held_out_speech import HeldOutAnswers
from ser_ros.training.finetuning.heard_states import OfTrainedNetwork
from ser_ros.training.reporting.card_file import OPTIMISED, put_part
from ser_ros.training.reporting.run_report import read_run_report


@pytest.fixture
def train(tiny_settings, blank_pictures):
    """Run the command with the tiny recipe; return its exit code."""

    def run(data, out, *more, settings=()):
        given = ['--recipe', 'from-scratch', '--data', str(data), '--out', str(out), *more]
        return main([*given, '--set', *tiny_settings, *settings])

    return run


def read_report(folder):
    return json.loads((folder / 'report.json').read_text())


def train_speakers(report):
    (ravdess,) = report['trained_on']
    return ravdess['speakers']


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
        assert report['test_speakers'] == [fold] and str(fold) not in train_speakers(report)
        assert report['evaluation']['whole_clip']['clips'] == 8
        streams = {stream['name']: stream for stream in report['evaluation']['streams']}
        assert streams['one voice alone']['utterances'] == streams['all clips, shuffled']['utterances'] == 8
        assert 'two voices in turn' not in streams and 'one voice alone, after its clips that trained' not in streams
        assert read_prior(out / f'fold-{fold}', ('neutral', 'angry')) is not None
    summary = json.loads((out / 'summary.json').read_text())
    accuracies = [report['evaluation']['whole_clip']['accuracy'] for report in reports]
    assert summary['mean']['whole_clip']['accuracy'] == pytest.approx(np.mean(accuracies))
    assert summary['deviation']['whole_clip']['accuracy'] == pytest.approx(np.std(accuracies, ddof=1))
    assert np.mean(accuracies) > 0.8
    assert np.sum(summary['confusion']['utterance']) == 24
    assert re.search(r'\| all clips, shuffled +\| 24 +\|', (out / 'summary.md').read_text())
    assert sorted(path.name for path in out.iterdir()) == [
        'confusion.png',
        'fold-1',
        'fold-2',
        'fold-3',
        'summary.json',
        'summary.md',
    ]

    final = tmp_path / 'final'
    assert train(data, final, '--protocol', 'full') == 0
    assert 'Not measured' in (final / 'README.md').read_text()
    put_part(final, OPTIMISED, '## How fast it answers')
    (final / 'README.md').write_text((final / 'README.md').read_text() + '\nOn our robot it is slower.\n')
    assert train(data, final, '--protocol', 'full', '--scores', str(out / 'summary.json'), '--resume') == 0
    card = (final / 'README.md').read_text()
    assert card.count('## How fast it answers') == 1 and card.endswith('\nOn our robot it is slower.\n')
    assert card.count('# How well it does') == 1 and 'Not measured' not in card
    front_matter = yaml.safe_load(card.split('---')[1])
    assert front_matter['pipeline_tag'] == 'audio-classification'
    assert front_matter['model-index'][0]['results'][0]['metrics'][0]['value'] == pytest.approx(
        summary['mean']['whole_clip']['accuracy'], abs=1e-4
    )
    assert 'must not be used' in card and '--protocol full' in card and str(tmp_path) not in card
    assert read_report(final)['evaluation'] is None

    classifier = Classifier.load(final, 'cpu')
    assert classifier.labels == ('neutral', 'angry')
    recordings = load_recordings(read_corpus(data).clips)
    answers = [classifier.classify(recording.samples).label for recording in recordings]
    assert (
        np.mean([answer == recording.clip.emotion for answer, recording in zip(answers, recordings, strict=True)]) > 0.8
    )


def test_the_last_layer_alone_learns_on_a_frozen_encoder(train, make_clips, tmp_path):
    data, out = make_clips(tmp_path / 'data', (1, 2, 3)), tmp_path / 'models'
    settings = (
        'frozen_encoder.layers=[0, 1]',
        'network.config.use_weighted_layer_sum=true',
        'network.config.classifier_proj_size=24',
        'optimisation.voice_normalised=0.5',
        'augmentation.variants=2',
    )
    assert train(data, out, '--protocol', 'leave-one-speaker-out', settings=settings) == 0
    reports = [read_report(out / f'fold-{fold}') for fold in (1, 2, 3)]
    assert np.mean([report['evaluation']['utterance']['accuracy'] for report in reports]) > 0.7
    one, two = (weights(out / f'fold-{fold}') for fold in (1, 2))
    different = [name for name in one if not torch.equal(one[name], two[name])]
    assert sorted(different) == ['classifier.bias', 'classifier.weight']
    for report in reports:
        losses = [entry['loss'] for entry in report['training_log']]
        assert losses[-1] < losses[0] and report['steps'] == len(losses)


@pytest.mark.parametrize(
    ('settings', 'words'),
    [
        (('frozen_encoder.layers=[1]',), 'use_weighted_layer_sum=true'),
        (('frozen_encoder.layers=[9]', 'network.config.use_weighted_layer_sum=true'), 'hidden states 0 to'),
        (
            (
                'frozen_encoder.layers=[1]',
                'network.config.use_weighted_layer_sum=true',
                'network.config.classifier_proj_size=7',
            ),
            'classifier_proj_size=24',
        ),
        (('frozen_encoder.layers=[1]', 'distillation.weight=0.5'), 'has no teacher'),
    ],
)
def test_a_recipe_that_a_frozen_encoder_cannot_follow_is_refused(train, make_clips, tmp_path, capsys, settings, words):
    assert (
        train(make_clips(tmp_path / 'data', (1, 2)), tmp_path / 'model', '--protocol', 'full', settings=settings) == 1
    )
    assert words in capsys.readouterr().err


def test_folds_without_validation_clips_are_calibrated_on_the_other_folds(train, make_clips, tmp_path):
    """The answers of each fold are replaced by ones that are three times too sure, as of a model that cannot adapt."""
    data, out = make_clips(tmp_path / 'data', (1, 2, 3)), tmp_path / 'tones'
    folds = ('--protocol', 'leave-one-speaker-out')
    settings = ('optimisation.epochs=1',)
    assert train(data, out, *folds, settings=settings) == 0
    rng = np.random.default_rng(0)
    for fold in (1, 2, 3):
        (out / f'fold-{fold}' / 'spoken.npz').unlink()
        file = out / f'fold-{fold}' / 'answers.json'
        answers = json.loads(file.read_text())
        assert len(answers['clips']) == len(answers['truth']) == len(answers['whole_clip']) == 8
        assert np.exp(answers['utterance']).sum(axis=-1) == pytest.approx(np.ones(8), abs=1e-3)
        logits = rng.normal(scale=1.5, size=(2000, 2))
        truth = (rng.random(2000) > 1 / (1 + np.exp(logits[:, 1] - logits[:, 0]))).astype(int)
        sure = torch.log_softmax(torch.from_numpy(3 * logits), dim=-1).tolist()
        file.write_text(json.dumps({**answers, 'truth': truth.tolist(), 'whole_clip': sure, 'utterance': sure}))
    summaries = []
    for _ in range(2):
        assert train(data, out, *folds, '--resume', settings=settings) == 0
        summaries.append(json.loads((out / 'summary.json').read_text()))
    assert summaries[0] == summaries[1]
    reports = [read_report(out / f'fold-{fold}') for fold in (1, 2, 3)]
    for fold, report in enumerate(reports, start=1):
        assert report['temperature'] == pytest.approx(3.0, abs=0.3)
        assert Classifier.load(out / f'fold-{fold}', 'cpu').temperature == report['temperature']
        scores = report['evaluation']['utterance']
        assert scores['calibration_error'] < 0.05 < scores['uncalibrated_error']
        for text in ('report.md', 'README.md'):
            assert "the other folds' test clips" in (out / f'fold-{fold}' / text).read_text()
    assert len({report['temperature'] for report in reports}) == 3
    assert summaries[0]['pooled']['utterance']['calibration_error'] < 0.03
    assert 'all 24 test clips together' in (out / 'summary.md').read_text()

    final = tmp_path / 'final'
    assert train(data, final, '--protocol', 'full', '--scores', str(out / 'summary.json'), settings=settings) == 0
    assert Classifier.load(final, 'cpu').temperature == summaries[0]['temperature'] == pytest.approx(3.0, abs=0.2)
    card = (final / 'README.md').read_text()
    assert "was fitted to all folds' test clips" in card.replace('\n', ' ')
    assert 'It confuses most' in card or summaries[0]['mean']['utterance']['accuracy'] == 1.0


def test_validation_measures_on_training_actors_alone(train, make_clips, tmp_path):
    data, out = make_clips(tmp_path / 'data', range(1, 7)), tmp_path / 'trial'
    settings = ['optimisation.epochs=1', 'validation.share=0.4']
    assert (
        train(data, out, '--protocol', 'leave-one-speaker-out', '--fold', '1', '--validation', settings=settings) == 0
    )
    report = read_report(out / 'fold-1')
    assert report['protocol'] == 'validation (leave-one-speaker-out)'
    assert len(report['test_speakers']) == 2 and len(train_speakers(report)) == 3
    assert 1 not in report['test_speakers'] and '1' not in train_speakers(report)


def test_the_checkpoint_is_chosen_on_validation_clips_and_the_model_is_calibrated(
    make_clips, tiny_settings, tmp_path, kinds
):
    data, out = make_clips(tmp_path / 'data', range(1, 6)), tmp_path / 'model'
    settings = ['validation.share=0.2', 'validation.every_steps=2', 'optimisation.epochs=3']
    arguments = ['--recipe', 'from-scratch', '--data', str(data), '--out', str(out), '--held-out-speech', *kinds]
    assert main([*arguments, '--set', *tiny_settings, *settings]) == 0
    report = read_report(out)
    heard = HeldOutAnswers.load(out).at_temperature(report['temperature'])
    assert read_run_report(out / 'report.json').held_out_speech == heard
    assert report['protocol'] == 'paper' and report['selection'] == 'validation'
    assert (report['train_clips'], report['validation_clips'], report['test_clips']) == (25, 7, 8)
    streams = {stream['name']: stream for stream in report['evaluation']['streams']}
    assert streams['one voice alone, after its clips that trained']['utterances'] == 8
    assert report['chosen_step'] in {entry['step'] for entry in report['training_log'] if 'eval_loss' in entry}
    assert report['temperature'] == json.loads((out / 'config.json').read_text())[TEMPERATURE_KEY]
    parts = {name: read_corpus(out / f'{name}.csv').clips for name in ('train', 'validation', 'test', 'manifest')}
    assert {name: len(clips) for name, clips in parts.items()} == {
        'train': 25, 'validation': 7, 'test': 8, 'manifest': 40
    }  # fmt: skip
    assert {clip.name for clip in parts['manifest']} == {
        clip.name for name in ('train', 'validation', 'test') for clip in parts[name]
    }
    for picture in ('confusion.png', 'curves.png'):
        assert (out / picture).read_bytes().startswith(b'\x89PNG')
    text = (out / 'report.md').read_text()
    assert 'test clips: optimistic' not in text and str(tmp_path) not in text


def test_what_was_tracked_stays_with_the_model(train, make_clips, tmp_path):
    data, out = make_clips(tmp_path / 'data', (1,)), tmp_path / 'model'
    one_epoch = ['optimisation.epochs=1']
    assert train(data, out, '--protocol', 'full', '--report-to', 'tensorboard', settings=one_epoch) == 0
    assert list(out.glob('runs/**/events.out.tfevents.*'))


def test_a_run_shorter_than_the_rhythm_of_evaluation_is_evaluated_at_its_end(train, make_clips, tmp_path):
    data, out = make_clips(tmp_path / 'data', range(1, 6)), tmp_path / 'model'
    settings = ['validation.share=0.2', 'validation.every_steps=100', 'optimisation.epochs=2']
    assert train(data, out, settings=settings) == 0
    report = read_report(out)
    assert report['chosen_step'] == report['steps'] and report['validation_accuracy'] is not None


def test_choosing_on_the_test_clips_is_marked_everywhere(train, make_clips, tmp_path):
    data, out = make_clips(tmp_path / 'data', (1, 2, 3)), tmp_path / 'model'
    assert train(data, out, '--select-on-test', settings=['validation.share=0.1', 'optimisation.epochs=2']) == 0
    report = read_report(out)
    assert report['selection'] == 'test' and report['train_clips'] + report['test_clips'] == 24
    assert report['temperature'] == 1.0
    for file in ('report.md', 'README.md'):
        assert 'optimistic' in (out / file).read_text()


def test_a_model_goes_on_with_the_users_own_labels(train, make_clips, tmp_path, capsys):
    data, first, second = make_clips(tmp_path / 'data', (1, 2)), tmp_path / 'first', tmp_path / 'second'
    assert train(data, first, '--protocol', 'full') == 0
    clips = read_corpus(make_clips(tmp_path / 'others', (3, 4))).clips
    names = {'neutral': 'resting', 'angry': 'angry'}
    rows = [f'{clip.path},{names[clip.emotion]},guest {clip.speaker}' for clip in clips]
    table = tmp_path / 'my.csv'
    table.write_text('\n'.join(['path,emotion,speaker', *rows]))
    settings = ['optimisation.epochs=1', 'optimisation.learning_rate=1e-9']
    assert main(['--data', str(table), '--model', str(first), '--out', str(second), '--set', *settings]) == 0
    report = read_report(second)
    assert report['labels'] == ['resting', 'angry'] or report['labels'] == ['angry', 'resting']
    assert report['initial_weights'] == 'first' and report['recipe'] == 'first' and report['corpus'] == 'my'
    before = report['trained_before']
    assert [(each['corpus'], each['train_clips'], each['labels']) for each in before] == [
        ('RAVDESS', 16, ['neutral', 'angry'])
    ]
    card = (second / 'README.md').read_text()
    assert 'trained on 16 clips of 2 speakers of RAVDESS (licence: cc-by-nc-sa-4.0) to tell neutral, angry' in card
    assert card.index(before[0]['command']) < card.index(report['command'])
    assert str(tmp_path) not in json.dumps(report)
    before, after = weights(first), weights(second)
    index = report['labels'].index('angry')
    for name in before:
        old, new = before[name].float(), after[name].float()
        if name.startswith('classifier'):
            old, new = old[1], new[index]  # the first model's labels are neutral and angry
        torch.testing.assert_close(old, new, atol=1e-3, rtol=1e-3)


def test_several_recipes_end_in_one_table(blank_pictures, make_clips, tiny_settings, tmp_path, capsys):
    data, out = make_clips(tmp_path / 'data', (1, 2)), tmp_path / 'models'
    one_epoch = [*tiny_settings, 'optimisation.epochs=1']
    arguments = ['--data', str(data), '--out', str(out), '--set', *one_epoch]
    assert main(['--recipe', 'from-scratch', 'from-scratch', *arguments]) == 1
    assert 'twice' in capsys.readouterr().err
    assert main(['--recipe', 'from-scratch', *arguments]) == 0
    capsys.readouterr()
    assert main(['--compare', str(out)]) == 0
    table = capsys.readouterr().out
    assert 'hubert-large' in table and '88' in table and 'from-scratch' in table


def test_an_empty_folder_that_one_works_in_is_taken_for_out(train, make_clips, tmp_path, monkeypatch):
    data, out = make_clips(tmp_path / 'data', (1,)), tmp_path / 'empty'
    out.mkdir()
    monkeypatch.chdir(out)
    assert train(data, '.', '--protocol', 'full') == 0
    assert Path('config.json').is_file() and Path('report.json').is_file()
    assert list(tmp_path.glob('.*')) == []
    assert train(data, '.', '--protocol', 'full') == 1


class Killed(Exception):
    """Stands for a kill in the middle of a run."""


def test_a_killed_run_that_is_resumed_ends_as_one_that_was_not(train, make_clips, tmp_path, monkeypatch):
    data = make_clips(tmp_path / 'data', (1,))
    straight, resumed = tmp_path / 'straight', tmp_path / 'resumed'
    regularised = ['network.config.hidden_dropout=0.1', 'optimisation.epochs=4']
    assert train(data, straight, '--protocol', 'full', settings=regularised) == 0

    from ser_ros.training.learning.dataset import TrainingSet

    def die_in_epoch_2(self, epoch, set_epoch=TrainingSet.set_epoch):
        if epoch == 2:
            raise Killed
        set_epoch(self, epoch)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(TrainingSet, 'set_epoch', die_in_epoch_2)
        train(data, resumed, '--protocol', 'full', settings=regularised)
    assert not resumed.exists()
    assert train(data, resumed, '--protocol', 'full', '--resume', settings=regularised) == 0
    expected, actual = weights(straight), weights(resumed)
    assert all(torch.equal(expected[name], actual[name]) for name in expected)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != 'cache') == ['data', 'resumed', 'straight']


def test_a_resumed_run_must_be_the_same_run(train, make_clips, tmp_path, capsys):
    data, out = make_clips(tmp_path / 'data', (1,)), tmp_path / 'model'
    work = tmp_path / '.model.partial'
    work.mkdir()
    (work / 'run.json').write_text('{"recipe": "another"}')
    assert train(data, out, '--protocol', 'full', '--resume') == 1
    assert 'another recipe, other clips' in capsys.readouterr().err
    assert not out.exists()


def test_a_full_disk_ends_in_one_sentence_and_the_run_can_go_on(train, make_clips, tmp_path, capsys, monkeypatch):
    data, out = make_clips(tmp_path / 'data', (1,)), tmp_path / 'model'

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, 'No space left on device')

    with monkeypatch.context() as patch:
        patch.setattr('ser_ros.training.finetuning.model_folder.save_model', full)
        assert train(data, out, '--protocol', 'full', settings=['optimisation.epochs=1']) == 1
    error = capsys.readouterr().err
    assert 'disk' in error and '--resume' in error and not out.exists()
    assert train(data, out, '--protocol', 'full', '--resume', settings=['optimisation.epochs=1']) == 0


@pytest.mark.parametrize(
    ('arguments', 'text'),
    [
        (['--protocol', 'speaker-independent'], 'actors 3, 4, 5'),
        (['--protocol', 'full', '--fold', '2'], '--fold 2 does not exist'),
        (['--protocol', 'full', '--validation'], 'no validation clips'),
        (['--protocol', 'paper', '--scores', 'nowhere.json'], '--scores is for --protocol full'),
        (['--protocol', 'paper', '--notes', 'nowhere.md'], '--notes is for --protocol full'),
        (['--protocol', 'full', '--scores', 'nowhere.json'], 'nowhere.json is not a summary of folds'),
        (['--protocol', 'full', '--also', 'nowhere.json'], 'nowhere.json is not a report of a measured model'),
        (['--protocol', 'full', '--set', 'optimisation.epoch=1'], "did you mean 'epochs'"),
        (['--select-on-test', '--validation'], 'choose one'),
        (['--report-to', 'wandb'], 'pip install wandb'),
        (['--protocol', 'leave-one-speaker-out', '--push-to-hub', 'me/mine'], 'one for each fold'),
        (['--download'], 'either --data'),
        (['--model', 'no/such/folder'], 'no/such/folder'),
    ],
)
def test_bad_input_ends_in_one_sentence_with_nothing_written(
    make_clips, tmp_path, capsys, monkeypatch, arguments, text
):
    monkeypatch.setenv('HF_HUB_OFFLINE', '1')
    data = make_clips(tmp_path / 'data', (1, 2))
    assert main(['--recipe', 'from-scratch', '--data', str(data), '--out', str(tmp_path / 'out'), *arguments]) == 1
    error = capsys.readouterr().err
    sentence = error.splitlines()[-1]
    assert text in sentence and sentence.startswith('train: ')
    assert 'Traceback' not in error
    assert [path.name for path in tmp_path.iterdir() if path.name != 'cache'] == ['data']


def test_what_is_missing_is_named(tmp_path, capsys):
    (tmp_path / 'empty').mkdir()
    for arguments, text in (
        (['--data', str(tmp_path)], '--recipe is missing'),
        (['--recipe', 'from-scratch'], 'either --data'),
        (['--recipe', 'from-scratch', '--data', str(tmp_path / 'empty')], 'no clip of RAVDESS'),
        (['--recipe', 'from-scrach', '--data', str(tmp_path)], "did you mean 'from-scratch'"),
    ):
        assert main(arguments) == 1
        assert text in capsys.readouterr().err


def test_a_folder_that_is_there_is_never_overwritten(train, make_clips, tmp_path, capsys):
    out = tmp_path / 'precious'
    out.mkdir()
    (out / 'thesis.txt').write_text('all of it')
    assert train(make_clips(tmp_path / 'data', (1,)), out, '--protocol', 'full') == 1
    assert 'never overwritten' in capsys.readouterr().err
    assert [path.name for path in out.iterdir()] == ['thesis.txt']


def test_conditions_are_in_the_reports_of_folds_their_summary_and_its_tables(train, make_clips, tmp_path):
    out = tmp_path / 'tones'
    data = make_clips(tmp_path / 'data', (1, 2))
    settings = ('optimisation.epochs=1',)
    assert train(data, out, '--protocol', 'leave-one-speaker-out', '--conditions', settings=settings) == 0
    folds = [read_report(out / f'fold-{fold}')['evaluation']['conditions'] for fold in (1, 2)]
    summary = json.loads((out / 'summary.json').read_text())
    for name, scores in summary['mean']['conditions'].items():
        assert scores['accuracy'] == pytest.approx(np.mean([fold[name]['accuracy'] for fold in folds]))
    for text in (out / 'summary.md', out / 'fold-1' / 'report.md', out / 'fold-1' / 'README.md'):
        assert 'a telephone (300-3400 Hz, mu-law)' in text.read_text()


@pytest.fixture
def other_speech(tmp_path, made_sound):
    """Return two folders of speech without labels."""
    for name in ('expressive', 'read'):
        (tmp_path / name).mkdir()
        for number in range(3):
            soundfile.write(tmp_path / name / f'{number}.wav', made_sound('chord', 0.5 + number / 10), 16_000)
    return tmp_path / 'expressive', tmp_path / 'read'


TAUGHT = ('distillation.weight=0.5', 'other_speech.taught=2', 'other_speech.ordinary=1', 'optimisation.epochs=2')
LAUGHED = ('other_speech.outliers=1', 'other_speech.inliers=2')


def test_the_detector_of_outliers_learns_of_clips_ordinary_speech_and_inliers(
    train, make_clips, tmp_path, other_speech, monkeypatch
):
    data, read = make_clips(tmp_path / 'data', (1, 2)), other_speech[1]
    laughs, words = (shutil.copytree(read, tmp_path / name) for name in ('laughs', 'words'))
    heard, varied = [], OfTrainedNetwork.varied

    def hear(self, recording):
        heard.append(recording.clip.name)
        return varied(self, recording)

    monkeypatch.setattr(OfTrainedNetwork, 'varied', hear)
    options = ('--protocol', 'full', '--ordinary-speech', str(read), '--outliers', str(laughs), '--inliers', str(words))
    settings = ('other_speech.ordinary=1', 'optimisation.epochs=1', *LAUGHED)
    assert train(data, tmp_path / 'out', *options, settings=settings) == 0
    *folders, last = [name.partition('/')[0] for name in heard]
    assert last == 'laughs'
    speech = Counter(folders)
    assert (speech.pop('words'), speech.pop('read')) == (2, 3) and speech.total() == 16, 'all others are clips'


def test_a_teacher_of_each_fold_and_other_speech_teach_too(train, make_clips, tmp_path, other_speech, capsys):
    data = make_clips(tmp_path / 'data', (1, 2))
    expressive, read = other_speech
    laughs, words = (shutil.copytree(read, tmp_path / name) for name in ('laughs', 'words'))
    folds = ('--protocol', 'leave-one-speaker-out')
    assert train(data, tmp_path / 'teachers', *folds, settings=('optimisation.epochs=1',)) == 0
    options = ('--teacher', str(tmp_path / 'teachers'), '--taught-speech', str(expressive))
    options += ('--ordinary-speech', str(read), '--outliers', str(laughs), '--inliers', str(words))
    assert train(data, tmp_path / 'taught', *folds, *options, settings=(*TAUGHT, *LAUGHED)) == 0
    report = read_report(tmp_path / 'taught' / 'fold-2')
    assert report['teacher'] == 'teachers'
    assert tuple(report[name] for name in ('taught_speech', 'ordinary_speech', 'outliers', 'inliers')) == (
        ['expressive (licence not known)'],
        ['read (licence not known)'],
        ['laughs (licence not known)'],
        ['words (licence not known)'],
    )
    assert (tmp_path / 'taught' / 'fold-2' / DETECTOR).is_file()
    assert not (tmp_path / 'teachers' / 'fold-2' / DETECTOR).exists()
    for text in ('README.md', 'report.md'):
        told = (tmp_path / 'taught' / 'fold-2' / text).read_text()
        assert 'the teacher teachers' in told and 'speech that it labelled: expressive' in told
        assert 'ordinary speech: read' in told and 'sounds that are no speech: laughs' in told
        assert 'speech that is not to be taken for these: words' in told
    assert report['train_clips'] == 8 and str(tmp_path) not in report['command']
    assert train(data, tmp_path / 'taught', *folds, *options, '--resume', settings=(*TAUGHT, *LAUGHED)) == 0
    options = ('--teacher', str(tmp_path / 'elsewhere'), *options[2:])
    (tmp_path / 'teachers').rename(tmp_path / 'elsewhere')
    assert train(data, tmp_path / 'taught', *folds, *options, '--resume', settings=(*TAUGHT, *LAUGHED)) == 1
    assert 'another teacher' in capsys.readouterr().err
    # Eleven utterances an epoch in batches of eight: two steps, two epochs.
    assert report['steps'] == 4


def test_a_pretrained_encoder_teaches_by_a_probe(train, make_clips, tmp_path, models, other_speech, capsys):
    data = make_clips(tmp_path / 'data', (1, 2))
    expressive, _ = other_speech
    options = ('--protocol', 'leave-one-speaker-out', '--teacher', str(models / 'whisper'))
    options += ('--taught-speech', str(expressive))
    settings = (*TAUGHT[:2], 'distillation.probe.layers=[1]', 'augmentation.variants=2')
    assert train(data, tmp_path / 'taught', *options, settings=settings) == 0
    report = read_report(tmp_path / 'taught' / 'fold-2')
    assert report['teacher'] == 'whisper' and report['settings']['distillation']['probe']['layers'] == [1]
    assert train(data, tmp_path / 'taught', *options, '--resume', settings=settings) == 0
    heard = (*options[:2], '--teacher', str(tmp_path / 'taught' / 'fold-2'))
    assert train(data, tmp_path / 'again', *heard, settings=settings[::2]) == 1
    assert 'fold-2, whose weights are used here,' in capsys.readouterr().err


@pytest.fixture
def kinds(tmp_path, demo_sound):
    """Return two folders of held-out speech, called 'Laughs (cc0-1.0)' and 'read (licence not known)'."""
    laughs, read = tmp_path / 'laughs', tmp_path / 'read'
    for folder in (laughs, read):
        folder.mkdir()
        for number in range(2):
            soundfile.write(folder / f'{number}.wav', demo_sound[number * 16_000 :], 16_000)
    (laughs / 'README.md').write_text('---\npretty_name: Laughs\nlicense: cc0-1.0\n---\n')
    return str(laughs), str(read)


def test_what_speech_of_others_is_called_stands_in_reports_summary_and_card(train, make_clips, tmp_path, kinds):
    data, out = make_clips(tmp_path / 'data', (1, 2)), tmp_path / 'tones'
    options = ('--protocol', 'leave-one-speaker-out', '--held-out-speech', *kinds)
    assert train(data, out, *options, settings=('optimisation.epochs=1',)) == 0
    told = [read_report(out / f'fold-{fold}')['held_out_speech'] for fold in (1, 2)]
    summary = json.loads((out / 'summary.json').read_text())['held_out_speech']
    for folders in (*told, summary):
        assert [speech['speech'] for speech in folders] == ['Laughs (cc0-1.0)', 'read (licence not known)']
        for speech in folders:
            assert set(speech['answers']) == {'neutral', 'angry', 'unknown'} and speech['recordings'] == 2
            assert speech['rejected'] == 0 < speech['utterances']
            assert sum(speech['answers'].values()) == pytest.approx(1.0)
            assert speech['emotions'][0]['share'] == pytest.approx(speech['answers']['angry'])
    for index, speech in enumerate(summary):
        assert speech['answers']['angry'] == pytest.approx(np.mean([fold[index]['answers']['angry'] for fold in told]))
    for text in (out / 'summary.md', out / 'fold-1' / 'report.md', out / 'fold-1' / 'README.md'):
        assert '| Laughs (cc0-1.0) ' in text.read_text() and '| read (licence not known) ' in text.read_text()


def test_a_finished_model_is_told_anew_with_the_confidences_of_its_temperature(train, make_clips, tmp_path, kinds):
    """Its folds' temperature comes later than its answers, which are not made again: their recordings are gone."""
    data, out = make_clips(tmp_path / 'data', (1, 2, 3)), tmp_path / 'final'
    options = ('--protocol', 'full', '--held-out-speech', *kinds)
    assert train(data, out, *options, settings=('optimisation.epochs=1',)) == 0
    kept = HeldOutAnswers.load(out)
    assert read_run_report(out / 'report.json').held_out_speech == kept.at_temperature(1.0)
    sure = [{'log_probabilities': np.log([[0.05, 0.95]] * 3).tolist(), 'outliers': [False] * 3} for _ in kinds]
    folders = [replace(folder, **change) for folder, change in zip(kept.folders, sure, strict=True)]
    kept = replace(kept, folders=tuple(folders))
    kept.save(out)
    folds = ('--protocol', 'leave-one-speaker-out')
    assert train(data, tmp_path / 'folds', *folds, settings=('optimisation.epochs=1',)) == 0
    scores = tmp_path / 'folds' / 'summary.json'
    scores.write_text(json.dumps(json.loads(scores.read_text()) | {'temperature': 2.0}))
    for kind in kinds:
        for file in Path(kind).glob('*.wav'):
            file.unlink()
    assert train(data, out, *options, '--resume', '--scores', str(scores), settings=('optimisation.epochs=1',)) == 0
    report = read_run_report(out / 'report.json')
    assert report.temperature == 2.0 and report.held_out_speech == kept.at_temperature(2.0)
    for speech in report.held_out_speech:
        # 0.95 at temperature 1 is 0.81 at temperature 2.
        shares = {point.least_confidence: (point.share, point.most_frequent) for point in speech.emotions}
        assert shares[0.8] == (1.0, 'angry') and shares[0.85] == shares[0.95] == (0.0, '')
    row = next(line for line in (out / 'README.md').read_text().splitlines() if line.startswith('| Laughs'))
    assert row.count('100.0 % (angry)') == 5


def test_speech_that_taught_is_not_held_out(train, make_clips, tmp_path, other_speech, capsys):
    data, read = make_clips(tmp_path / 'data', (1, 2)), other_speech[1]
    options = ('--protocol', 'full', '--ordinary-speech', str(read), '--held-out-speech', str(read))
    assert train(data, tmp_path / 'out', *options, settings=('other_speech.ordinary=1',)) == 1
    assert 'the model has heard' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('settings', 'arguments', 'text'),
    [
        (('distillation.weight=0.5',), (), 'needs --teacher'),
        (('other_speech.taught=2',), (), 'needs --teacher'),
        (('other_speech.ordinary=2',), (), 'needs --ordinary-speech'),
        ((), ('--teacher', 'x'), 'does not use --teacher'),
        ((), ('--ordinary-speech', 'x'), 'does not use --ordinary-speech'),
        (LAUGHED[:1], (), 'needs --outliers'),
        (LAUGHED[1:], (), 'needs --inliers'),
        ((), ('--outliers', 'x'), 'does not use --outliers'),
        ((), ('--inliers', 'x'), 'does not use --inliers'),
        (LAUGHED[:1], ('--outliers', 'data'), 'clips of RAVDESS'),
        (('distillation.weight=0.5',), ('--teacher', 'nowhere'), 'nowhere does not exist'),
        (('other_speech.ordinary=2',), ('--ordinary-speech', 'nowhere'), 'nowhere is not a folder'),
        (('other_speech.ordinary=2',), ('--ordinary-speech', 'data'), 'clips of RAVDESS'),
    ],
)
def test_what_teaches_is_there_and_wanted(train, make_clips, tmp_path, monkeypatch, capsys, settings, arguments, text):
    monkeypatch.chdir(tmp_path)
    make_clips(tmp_path / 'data', (1, 2))
    assert train('data', 'out', '--protocol', 'full', *arguments, settings=settings) == 1
    error = capsys.readouterr().err
    assert text in error.splitlines()[-1] and 'Traceback' not in error
    assert not (tmp_path / 'out').exists()


def test_two_runs_do_not_share_a_folder(train, make_clips, tmp_path, monkeypatch, capsys):
    """The second is told before it reads a clip; the first is not disturbed."""
    import ser_ros.training.finetuning.run as run

    data, out, codes = make_clips(tmp_path / 'data', (1,)), tmp_path / 'model', []
    load = run.load_shared_inputs

    def load_twice(*inputs):
        if not codes:
            codes.append(None)
            codes[0] = train(data, out, '--protocol', 'full')
        return load(*inputs)

    monkeypatch.setattr(run, 'load_shared_inputs', load_twice)
    assert train(data, out, '--protocol', 'full') == 0
    assert codes == [1] and (out / 'report.json').is_file()
    error = capsys.readouterr().err
    assert 'another run' in error and f'process {os.getpid()}' in error and 'choose another --out' in error
    assert list(tmp_path.glob('.*')) == []


@pytest.mark.parametrize(
    ('out', 'words'), [('file/model', 'Not a directory'), ('x' * 300, 'File name too long'), ('x' * 250, 'too long')]
)
def test_an_output_that_cannot_be_made_is_told_before_anything_is_read(train, make_clips, tmp_path, capsys, out, words):
    (tmp_path / 'file').touch()
    assert train(make_clips(tmp_path / 'data', (1,)), tmp_path / out, '--protocol', 'full') == 1
    assert words in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != 'cache') == ['data', 'file']
