# SPDX-License-Identifier: Apache-2.0
"""Reports say what was done and what to think of it; reports made before a key existed stay readable."""

import statistics

import pytest

from ser_ros.training.measuring.files import read_json, write_json
from ser_ros.training.measuring.report import environment, run_markdown
from ser_ros.training.measuring.summary import summarise, summary_markdown

CONFUSION = [[6, 2], [1, 7]]
OPTIMISTIC = 'Chosen on the test clips: optimistic'


def scores(accuracy, **more):
    return {
        'clips': 16,
        'accuracy': accuracy,
        'unweighted_recall': accuracy,
        'macro_f1': accuracy - 0.01,
        'labels': ['happy', 'sad'],
        'confusion': CONFUSION,
        'report': 'precision recall',
        **more,
    }


def old_report(fold=1, accuracy=0.8, **evaluation):
    """Return a report with the keys that every version has written."""
    return {
        'recipe': 'tones',
        'protocol': 'leave-one-speaker-out',
        'fold': fold,
        'folds': 3,
        'train_clips': 32,
        'test_clips': 16,
        'train_speakers': [speaker for speaker in (1, 2, 3) if speaker != fold],
        'test_speakers': [fold],
        'labels': ['happy', 'sad'],
        'evaluation': {
            'whole_clip': scores(accuracy, **evaluation),
            'utterance': scores(accuracy / 2, **evaluation),
        },
        'training_minutes': 1.5,
        'seed': 7,
        'settings': {'description': 'Made.', 'network': {}, 'optimisation': {'epochs': 3, 'batch_size': 4}},
        'command': f'train --fold {fold}',
        'hardware': 'CPU',
        'versions': {'python': '3.11'},
    }


def new_report(fold=1, accuracy=0.8, selection='validation', **changes):
    groups = {'speaker': {'1': {'clips': 10, 'accuracy': 0.9}, '2': {'clips': 6, 'accuracy': 0.5}}}
    return {
        **old_report(fold, accuracy, calibration_error=0.05, uncalibrated_error=0.2, confidence=0.8, groups=groups),
        'corpus': 'RAVDESS',
        'selection': selection,
        'validation_clips': 8,
        'validation_speakers': [9],
        'validation_accuracy': 0.625,
        'chosen_step': 200,
        'steps': 300,
        'steps_per_second': 2.5,
        'initial_weights': 'openai/whisper-base',
        'parameters': 20_600_000,
        'model_megabytes': 82.4,
        'temperature': 1.8,
        'peak_gpu_memory_gib': 3.25,
        'processes': 2,
        **changes,
    }


def test_a_run_tells_everything():
    text = run_markdown(new_report())
    for fact in (
        '# tones: leave-one-speaker-out, fold 1 of 3',
        'corpus RAVDESS',
        'one fold for each speaker',
        'trained on 32 clips of 2 speakers in 1.5 minutes',
        'validated on 8 clips of the speakers 9',
        'tested on 16 clips of the speakers 1',
        'initial weights openai/whisper-base',
        '20.6 M parameters, 82.4 MB on disk',
        'step 200 of 300 is taken, 2.50 steps a second, 2 processes',
        'accuracy on the clips that chose the checkpoint 62.5 %',
        'temperature 1.8',
        'peak GPU memory 3.2 GiB',
        'seed 7; the checkpoint is chosen on validation clips',
        '`train --fold 1`',
        (
            'accuracy 80.0 %, unweighted recall 80.0 %, macro F1 79.0 %, calibration error 5.0 %, without the '
            'temperature 20.0 %'
        ),
        '(curves.png)',
        '(confusion.png)',
        '| happy          | 6     | 2   |',
        '| 2       | 6     | 50.0 %   |',
    ):
        assert fact in text, fact
    assert OPTIMISTIC not in text


def test_groups_of_a_fold_in_which_all_are_alike_count_in_the_sum_of_folds():
    women, men = ({'sex': {sex: {'clips': 16, 'accuracy': right}}} for sex, right in (('female', 0.75), ('male', 0.5)))
    folds = [new_report(fold) for fold in (1, 2)]
    for fold, groups in zip(folds, (women, men), strict=True):
        for hearing in fold['evaluation'].values():
            hearing['groups'] = groups
    assert '| sex' not in run_markdown(folds[0])
    text = summary_markdown(summarise(folds))
    assert '| female | 16    | 75.0 %   |' in text and '| male   | 16    | 50.0 %   |' in text


def test_a_run_without_test_clips_or_validation_leaves_the_lines_out():
    text = run_markdown(
        new_report(
            evaluation=None,
            test_clips=0,
            test_speakers=[],
            validation_clips=0,
            validation_accuracy=None,
            selection='last',
        )
    )
    assert 'validated' not in text and 'chose the checkpoint' not in text and 'confusion.png' not in text
    assert 'a fixed number of epochs' in text


def test_old_reports_stay_readable():
    text = run_markdown(old_report())
    assert 'a fixed number of epochs, the last one is taken: nothing is chosen on test clips' in text
    assert 'None' not in text and 'png' not in text and 'calibration' not in text
    summary = summarise([old_report(fold) for fold in (1, 2, 3)])
    assert 'selection' not in summary and 'calibration_error' not in summary['mean']['whole_clip']
    assert 'png' not in summary_markdown(summary)


def test_a_checkpoint_chosen_on_the_test_clips_is_called_optimistic_at_the_top():
    report = new_report(selection='test')
    for text in (run_markdown(report), summary_markdown(summarise([new_report(2), report, new_report(3)]))):
        assert text.splitlines()[2].startswith(f'**{OPTIMISTIC}')
        assert 'chosen on the test clips, as in the study' in text and 'nothing is chosen' not in text


def test_folds_are_summed_up():
    accuracies = [0.6, 0.7, 0.95]
    summary = summarise([new_report(fold, accuracy) for fold, accuracy in enumerate(accuracies, start=1)])
    assert summary['mean']['whole_clip']['accuracy'] == pytest.approx(statistics.mean(accuracies))
    assert summary['deviation']['whole_clip']['accuracy'] == pytest.approx(statistics.stdev(accuracies))
    assert summary['mean']['utterance']['calibration_error'] == pytest.approx(0.05)
    assert summary['deviation']['utterance']['calibration_error'] == pytest.approx(0.0)
    assert summary['confusion']['whole_clip'] == [[18, 6], [3, 21]]
    assert (summary['test_clips'], summary['training_minutes'], summary['selection']) == (48, 4.5, 'validation')
    assert [fold['temperature'] for fold in summary['per_fold']] == [1.8] * 3
    text = summary_markdown(summary)
    assert '75.0 %' in text and '18.0 %' in text and 'calibration error' in text and 'confusion.png' in text


def test_json_comes_back_and_leaves_nothing_beside_it(tmp_path):
    write_json(tmp_path / 'report.json', new_report())
    assert read_json(tmp_path / 'report.json') == new_report()
    assert [path.name for path in tmp_path.iterdir()] == ['report.json']


def test_the_environment_names_hardware_and_versions():
    values = environment()
    assert values['hardware']
    assert {'python', 'torch', 'transformers', 'datasets', 'scikit-learn', 'accelerate'} <= set(values['versions'])
