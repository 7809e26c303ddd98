# SPDX-License-Identifier: Apache-2.0
"""Reports say what was done and what to think of it, come back from their files, and are only of today's shape."""

import dataclasses
import json
import statistics

import pytest

from ser_ros.training.evaluation.held_out_speech import ConfidentEmotion, HeldOutSpeech
from ser_ros.training.evaluation.scores import (
    CalibrationErrors,
    ConditionFigures,
    CoveragePoint,
    Group,
    RecallInterval,
    StreamFigures,
)
from ser_ros.training.learning.recipe_file import recipes_folder
from ser_ros.training.provenance.environment import environment
from ser_ros.training.provenance.origins import TrainedOn, Training
from ser_ros.training.provenance.pretraining_report import PretrainingReport, UnlabelledSpeech
from ser_ros.training.reporting.model_card import model_card
from ser_ros.training.reporting.run_markdown import run_markdown
from ser_ros.training.reporting.run_report import read_run_report
from ser_ros.training.reporting.scores_markdown import held_out_speech_lines, stream_lines
from ser_ros.training.reporting.summary import read_summary, summarise
from ser_ros.training.reporting.summary_markdown import summary_markdown
from ser_ros.training.reporting.supplement import Supplement
from ser_ros.training.storage.json_files import SUMMARY, write_json

OPTIMISTIC = 'Chosen on the test clips: optimistic'

COMMITTED = sorted((recipes_folder() / 'results').rglob('*.json'))


def group(clips, accuracy):
    return Group(clips=clips, accuracy=accuracy, by_label={})


def held_out_speech(name, answers, emotions):
    """Return 40 utterances, 10 of them rejected, with these answers.

    `emotions` is least confidence -> share and most frequent label.
    """
    points = tuple(
        ConfidentEmotion(least_confidence=least, share=share, most_frequent=label)
        for least, (share, label) in emotions.items()
    )
    return HeldOutSpeech(
        speech=name,
        recordings=30,
        utterances=40,
        rejected=10,
        longest_seconds=4.0,
        answers=answers,
        emotions=points,
    )


LAUGHS = held_out_speech(
    'Laughs',
    {'neutral': 0.25, 'happy': 0.3, 'sad': 0.2},
    {0.5: (0.4, 'happy'), 0.6: (0.25, 'happy'), 0.7: (0.1, 'sad'), 0.8: (0.0, '')},
)


@pytest.fixture
def full_report(make_report):
    """Return a report in which nothing is missing."""
    groups = {'speaker': {'1': group(10, 0.9), '2': group(6, 0.5)}}
    first = PretrainingReport(
        recipe='default',
        speech=(UnlabelledSpeech(name='Voices', licence='cc0-1.0', hours=2.5),),
        initial_weights='random',
        pretrained_before=None,
        teacher='whisper-base',
        pieces=100,
        ravdess_clips=0,
        epochs=3,
        hours_heard=7.5,
        steps=50,
        pretraining_minutes=1.2,
        parameters=3_000_000,
        processes=1,
        seed=0,
        command='pretrain',
        hardware='CPU',
        versions={},
    )
    before = Training(
        recipe='tones',
        corpus='kitchen',
        train_clips=7,
        trained_on=(TrainedOn(corpus='kitchen', licence='', clips=7, speakers=('a', '3'), labels=('x', 'y')),),
        labels=('x', 'y'),
        command='train',
    )
    report = make_report(
        scores={'groups': groups},
        pretraining=dataclasses.replace(first, pretrained_before=first),
        trained_before=(before,),
        held_out_speech=(LAUGHS, held_out_speech('Plain', {'neutral': 0.75}, {})),
        training_log=({'loss': 1.0, 'step': 10},),
    )
    conditions = {'fan': ConditionFigures(accuracy=0.5, unweighted_recall=0.4)}
    return dataclasses.replace(report, evaluation=dataclasses.replace(report.evaluation, conditions=conditions))


def test_a_run_tells_everything(full_report):
    text = run_markdown(full_report)
    for fact in (
        '# tones: leave-one-speaker-out, fold 1 of 3',
        'corpus RAVDESS',
        'one fold for each speaker',
        'trained on 32 clips of 2 speakers in 1.5 minutes',
        'validated on 8 clips of the speakers 9',
        'tested on 16 clips of RAVDESS of the speakers 1',
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


def test_groups_of_a_fold_in_which_all_are_alike_count_in_the_sum_of_folds(make_report):
    alike = ({'sex': {sex: group(16, right)}} for sex, right in (('female', 0.75), ('male', 0.5)))
    folds = [make_report(fold, scores={'groups': groups}) for fold, groups in enumerate(alike, start=1)]
    assert '| sex' not in run_markdown(folds[0])
    text = summary_markdown(summarise(folds))
    assert '| female | 16    | 75.0 %   |' in text and '| male   | 16    | 50.0 %   |' in text


def test_recalls_of_corpora_and_sexes_are_told(make_report):
    def half(**by_label):
        return Group(clips=8, accuracy=0.5, by_label=by_label)

    groups = {
        kind: {one: half(happy=(6, 3), sad=(2, 2)), other: half(happy=(8, 4))}
        for kind, one, other in (('corpus', 'EMOVO', 'nEMO'), ('sex', 'female', 'male'), ('speaker', 'f1', 'm1'))
    }
    interval = RecallInterval(low=0.25, high=0.875, speakers=6)
    scores = {'groups': groups, 'chance': 0.5, 'recall_interval': interval}
    report = make_report(scores=scores, labels=('happy', 'sad', 'angry'), test_corpora=('EMOVO', 'nEMO'))
    for text in (run_markdown(report), model_card(report, Supplement())):
        assert '| corpus | clips | accuracy | unweighted recall |' in text
        assert '| EMOVO  | 8     | 50.0 %   | 75.0 %            |' in text
        assert '| female | 8     | 50.0 %   | 75.0 %            |' in text
        assert '25.0 % to 87.5 % (95 % over 6 speakers)' in text
        assert 'the answer for a clip is restricted to the labels of its corpus that also trained' in text
    assert '| speaker | clips | accuracy |\n' in run_markdown(report) and 'chance is 50.0 %' in run_markdown(report)


@pytest.fixture
def corpora_apart(make_report):
    """Return the reports of two folds that test another corpus each, with other chances."""
    return [
        make_report(
            fold,
            protocol='leave-one-corpus-out',
            folds=2,
            test_corpora=(corpus,),
            test_speakers=tuple(f'{corpus}:{number}' for number in range(40)),
            remarks=('nEMO has 4481 clips, here are 16', f'3 clips of {corpus} do not test'),
            scores={'chance': 3 / 2 / fold, 'recall_interval': RecallInterval(low=0.5, high=0.75, speakers=40)},
        )
        for fold, corpus in ((2, 'EMOVO'), (3, 'nEMO'))
    ]


def test_folds_of_corpora_are_told_with_their_chances_and_intervals(corpora_apart):
    summary = summarise(corpora_apart)
    assert summary.chance == pytest.approx(5 / 8) and summary.pooled_recall == {}
    assert len(summary.remarks) == 3
    text = summary_markdown(summary)
    assert 'Chance is 62.5 %: the answer for a clip is restricted' in text
    assert '| 2    | EMOVO     | 75.0 % | 80.0 %                        | 50.0 % to 75.0 % (40)' in text
    assert 'EMOVO:7' not in text and text.count('nEMO has 4481 clips') == 1
    assert '16 clips of EMOVO, 40 speakers' in run_markdown(corpora_apart[0])


def test_the_recall_of_all_folds_has_an_interval_over_all_speakers(make_report):
    speakers = {1: {'happy': (8, 8), 'sad': (8, 6)}, 2: {'happy': (8, 4), 'sad': (8, 2)}}
    folds = [
        make_report(fold, scores={'groups': {'speaker': {str(fold): Group(clips=16, accuracy=0.5, by_label=by_label)}}})
        for fold, by_label in speakers.items()
    ]
    pooled = summarise(folds).pooled_recall['utterance']
    assert pooled.unweighted_recall == pytest.approx((12 / 16 + 8 / 16) / 2)
    assert (pooled.interval.low, pooled.interval.high, pooled.interval.speakers) == (0.375, 0.875, 2)
    assert '62.5 %, 37.5 % to 87.5 % (95 % over 2 speakers), on whole clips' in summary_markdown(summarise(folds))


def test_a_run_without_test_clips_or_validation_leaves_the_lines_out(make_report):
    text = run_markdown(
        make_report(
            evaluation=None,
            test_clips=0,
            test_speakers=(),
            validation_clips=0,
            validation_accuracy=None,
            selection='last',
        )
    )
    assert 'validated' not in text and 'chose the checkpoint' not in text and 'confusion.png' not in text
    assert 'a fixed number of epochs' in text


def test_a_checkpoint_chosen_on_the_test_clips_is_called_optimistic_at_the_top(make_report):
    report = make_report(selection='test')
    for text in (run_markdown(report), summary_markdown(summarise([make_report(2), report, make_report(3)]))):
        assert text.splitlines()[2].startswith(f'**{OPTIMISTIC}')
        assert 'chosen on the test clips, as in Gavali and Verma' in text and 'nothing is chosen' not in text


def test_folds_are_summed_up(make_report):
    accuracies = [0.6, 0.7, 0.95]
    summary = summarise([make_report(fold, accuracy) for fold, accuracy in enumerate(accuracies, start=1)])
    assert summary.mean.whole_clip.accuracy == pytest.approx(statistics.mean(accuracies))
    assert summary.deviation.whole_clip.accuracy == pytest.approx(statistics.stdev(accuracies))
    assert summary.mean.utterance.calibration_error == pytest.approx(0.05)
    assert summary.deviation.utterance.calibration_error == pytest.approx(0.0)
    assert summary.confusion['whole_clip'] == ((18, 6), (3, 21))
    assert (summary.test_clips, summary.training_minutes, summary.selection) == (48, 4.5, 'validation')
    assert [fold.temperature for fold in summary.per_fold] == [1.8] * 3
    text = summary_markdown(summary)
    assert '75.0 %' in text and '18.0 %' in text and 'calibration error' in text and 'confusion.png' in text


def test_json_comes_back_and_leaves_nothing_beside_it(full_report, tmp_path):
    write_json(tmp_path / 'report.json', full_report.to_json())
    assert read_run_report(tmp_path / 'report.json') == full_report
    errors = {'utterance': CalibrationErrors(calibration_error=0.1, uncalibrated_error=0.2)}
    summary = summarise([full_report, full_report], 1.5, errors)
    write_json(tmp_path / 'summary.json', summary.to_json())
    assert read_summary(tmp_path / 'summary.json') == summary
    assert sorted(path.name for path in tmp_path.iterdir()) == ['report.json', 'summary.json']


@pytest.mark.parametrize('text', ['{"train_clips": ', '{"train_clips": 3}', '\xff'])
def test_a_report_of_another_shape_is_refused(tmp_path, refuses, text):
    (tmp_path / 'report.json').write_bytes(text.encode('latin-1'))
    with refuses('report.json cannot be read as a report', 'make it again'):
        read_run_report(tmp_path / 'report.json')


@pytest.mark.parametrize(
    ('change', 'text'),
    [
        ({'from_tomorrow': 1}, "'from_tomorrow' of RunReport is not known"),
        ({'evaluation': {'whole_clip': 1}}, "'conditions' of Evaluation is missing"),
        ({'trained_before': [{}]}, "'command' of Training is missing"),
        ({'held_out_speech': None}, 'None is no list'),
        (
            {'held_out_speech': {'speech': ['Others'], 'recordings': 3, 'longest_seconds': 4.0, 'answers': {}}},
            'is no list',
        ),
        (
            {'held_out_speech': [{'speech': 'Others', 'recordings': 3, 'longest_seconds': 4.0, 'answers': {}}]},
            "'emotions' of HeldOutSpeech is missing",
        ),
    ],
)
def test_so_is_one_with_a_key_too_many_or_too_few(make_report, tmp_path, refuses, change, text):
    write_json(tmp_path / 'report.json', make_report().to_json() | change)
    with refuses('report.json', text):
        read_run_report(tmp_path / 'report.json')


@pytest.mark.parametrize('text', ['[]', '{"results": []}', None])
def test_what_train_did_not_write_is_no_report(tmp_path, text):
    if text is not None:
        (tmp_path / 'report.json').write_text(text)
    assert read_run_report(tmp_path / 'report.json') is None


@pytest.mark.parametrize('path', COMMITTED, ids=lambda path: path.relative_to(recipes_folder()).as_posix())
def test_committed_ones_are_of_todays_shape(path):
    report = read_summary(path) if path.name == SUMMARY else read_run_report(path)
    assert type(report).from_json(json.loads(path.read_text())) == report
    assert json.loads(json.dumps(report.to_json())) == json.loads(path.read_text())
    assert (summary_markdown if path.name == SUMMARY else run_markdown)(report).startswith(f'# {report.recipe}: ')


def test_the_environment_names_hardware_and_versions():
    values = environment()
    assert values['hardware']
    assert {'python', 'torch', 'transformers', 'datasets', 'scikit-learn', 'accelerate'} <= set(values['versions'])


def stream(name, answered):
    """Return a stream of which `answered` are answered at a least confidence of 0.1 and none at 0.2, half right."""
    points = [(0.0, 1.0, 0.5), (0.05, 1.0, 0.5), (0.1, answered, 0.75), (0.15, answered, 0.8), (0.2, 0.0, None)]
    return StreamFigures(
        name=name,
        utterances=40,
        unweighted_recall=0.6,
        all_labels_recall=0.55,
        calibration_error=0.05,
        ordinary_called_emotion=0.25,
        plain_unweighted_recall=0.5,
        plain_calibration_error=0.2,
        plain_ordinary_called_emotion=None,
        coverage=tuple(
            CoveragePoint(
                least_confidence=least,
                coverage=share,
                accuracy=right,
                emotion_accuracy=right,
                ordinary_called_emotion=answered / 4,
            )
            for least, share, right in points
        ),
    )


def test_streams_are_shown_with_what_a_least_confidence_does_in_an_ordinary_one():
    lines = stream_lines([stream('all clips, shuffled', 0.4), stream('70 % ordinary', 0.9)])
    rows = [[cell.strip() for cell in line.strip('|').split('|')] for line in lines if line.startswith('|')]
    assert ['70 % ordinary', '40', '50.0 %', '60.0 %', '55.0 %', '20.0 %', '5.0 %', '', '25.0 %'] in rows
    assert rows[-2:] == [
        ['0.0', '100.0 %', '50.0 %', '50.0 %', '22.5 %'],
        ['0.1', '90.0 %', '75.0 %', '75.0 %', '22.5 %'],
    ]
    assert stream_lines([]) == []


def test_held_out_speech_has_a_row_for_each_folder(full_report):
    sentence, _, *lines = held_out_speech_lines(full_report.held_out_speech)
    assert 'at most 4.0 s of each recording' in sentence and 'called neutral or calm' in sentence
    header, _, laughs, plain = [[cell.strip() for cell in line.strip('|').split('|')] for line in lines]
    assert header[2:6] == ['utterances', 'rejected', 'called no speech', 'called neutral or calm']
    assert header[6:8] == ['called an emotion', 'with a confidence of at least 0.5']
    assert header[8:] == ['0.6', '0.7', '0.8']
    assert laughs == [
        'Laughs',
        '30',
        '40',
        '25.0 %',
        '0.0 %',
        '25.0 %',
        '50.0 % (happy)',
        '40.0 % (happy)',
        '25.0 % (happy)',
        '10.0 % (sad)',
        '0.0 %',
    ]
    assert plain == ['Plain', '30', '40', '25.0 %', '0.0 %', '75.0 %', '0.0 %', '-', '-', '-', '-']
    assert held_out_speech_lines(()) == []
    summary = summarise([full_report, full_report])
    for text in (run_markdown(full_report), summary_markdown(summary), model_card(full_report, Supplement())):
        assert '\n'.join(lines) in text


def test_a_summary_has_the_mean_over_folds_of_held_out_speech(make_report):
    emotions = [(0.4, 'sad'), (0.2, 'happy'), (0.3, 'happy'), (0.0, '')]
    answers = [{'neutral': 1.0 - share, 'happy': share} for share, _ in emotions]
    folds = [
        make_report(
            fold,
            held_out_speech=(
                held_out_speech('Laughs', said, {0.5: emotion}),
                held_out_speech('Whispers', said, {0.5: emotion} if fold > 1 else {}),
                *([held_out_speech('Children', said, {})] if fold == 1 else []),
            ),
        )
        for fold, (said, emotion) in enumerate(zip(answers, emotions, strict=True), start=1)
    ]
    laughs, whispers = summarise(folds[1:]).held_out_speech
    assert [point.most_frequent for point in laughs.emotions] == ['happy'] and laughs.speech == 'Laughs'
    assert laughs.answers['happy'] == laughs.emotions[0].share == pytest.approx(0.5 / 3)
    assert whispers.emotions == (
        ConfidentEmotion(least_confidence=0.5, share=laughs.emotions[0].share, most_frequent='happy'),
    )
    _, whispers = summarise(folds).held_out_speech
    assert whispers.answers['happy'] == pytest.approx(0.9 / 4) and whispers.emotions == ()
    without = [make_report(1), *folds[1:]]
    assert summarise(without).held_out_speech == ()


def test_a_summary_has_the_mean_of_what_all_folds_answer(make_report):
    reports = [
        dataclasses.replace(report, evaluation=dataclasses.replace(report.evaluation, streams=(one,)))
        for report, one in (
            (make_report(fold), stream('70 % ordinary', share)) for fold, share in ((1, 0.5), (2, 0.7), (3, 0.9))
        )
    ]
    (found,) = summarise(reports).mean.streams
    assert [(point.coverage, point.accuracy) for point in found.coverage[2:]] == [
        (pytest.approx(0.7), 0.75),
        (pytest.approx(0.7), pytest.approx(0.8)),
        (0.0, None),
    ]
