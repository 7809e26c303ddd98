# SPDX-License-Identifier: Apache-2.0
"""The evaluate command on made clips and models with random weights: the answers mean nothing, all else is real."""

import json
import shutil

import numpy as np
import pytest
import soundfile

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.cli.evaluate import main
from ser_ros.emotions import LABELS
from ser_ros.recognition.adaptation_prior import read_prior
from ser_ros.recognition.outliers import OutlierDetector, write_detector
from ser_ros.training.data.corpus import read_corpus
from ser_ros.training.data.table import write_table

EMOTIONS = ('happy', 'sad', 'angry')


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """Give each test a cache of its own."""
    monkeypatch.setenv('SER_ROS_CACHE', str(tmp_path_factory.mktemp('cache')))


@pytest.fixture
def write_corpus(tmp_path, made_sound):
    """Return write(emotions): the CSV of 2 clips of each emotion for each of two speakers."""

    def write(emotions=EMOTIONS):
        lines = ['path,emotion,speaker']
        for number in range(4 * len(emotions)):
            sound = made_sound(('chord', 'white noise', 'hum')[number % 3], 0.4, level=0.05 + 0.01 * number)
            soundfile.write(tmp_path / f'{number}.wav', sound, SAMPLE_RATE)
            lines.append(f'{number}.wav,{emotions[number // 4]},{"ann" if number % 2 else "bob"}')
        (tmp_path / 'corpus.csv').write_text('\n'.join(lines) + '\n')
        return tmp_path / 'corpus.csv'

    return write


@pytest.fixture
def copy_model(random_weight_model, tmp_path):
    """Return copy(name, clips, **config): a model of one's own that has heard `clips`."""

    def copy(name, clips=(), **config):
        folder = tmp_path / name
        shutil.copytree(random_weight_model, folder)
        path = folder / 'config.json'
        path.write_text(json.dumps(json.loads(path.read_text()) | config))
        if clips:
            write_table(folder / 'train.csv', clips)
        return folder

    return copy


@pytest.fixture
def run(capsys):
    """Return run(*arguments): (exit code, stdout, stderr), on the CPU."""

    def call(*arguments):
        code = main([*map(str, arguments), '--device', 'cpu'])
        return code, *capsys.readouterr()

    return call


def read_report(folder):
    return json.loads((folder / 'report.json').read_text())


def test_clips_that_were_trained_on_are_left_out_and_the_report_is_whole(run, write_corpus, copy_model, tmp_path):
    data = write_corpus()
    clips = read_corpus(data, for_training=False).clips
    model = copy_model('model', [clip for clip in clips if clip.speaker == 'ann'])
    code, printed, _ = run(model, '--data', data, '--out', tmp_path / 'out')
    assert code == 0
    assert '6 of 12 clips trained the model or chose its checkpoint: left out' in printed
    assert '| model | whole clip | 6 ' in printed and 'calibration error' in printed and 'utterances as' in printed
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == ['confusion.png', 'report.json', 'report.md']
    report = read_report(tmp_path / 'out')
    scores = report['results'][0]['evaluation']['whole_clip']
    assert scores['clips'] == 6 and sum(map(sum, scores['confusion'])) == 6
    text = (tmp_path / 'out' / 'report.md').read_text()
    assert '![confusion, whole clips](confusion.png)' in text and 'left out' in text
    assert str(tmp_path) not in text + json.dumps(report)
    assert report['command'] == 'ros2 run ser_ros evaluate model --data corpus.csv --out out --device cpu'

    code, printed, _ = run(model, '--data', data, '--all-clips')
    assert code == 0 and '6 of 12 clips' in printed and 'not a test figure' in printed and 'whole clip | 12 ' in printed


def test_where_all_was_trained_on_nothing_is_written(run, write_corpus, copy_model, tmp_path):
    data = write_corpus()
    model = copy_model('model', read_corpus(data, for_training=False).clips)
    code, printed, error = run(model, '--data', data, '--out', tmp_path / 'out')
    assert (code, printed) == (1, '') and error.startswith('evaluate: all 12 clips') and '--all-clips' in error
    assert not (tmp_path / 'out').exists()


def test_several_models_are_one_table_or_one_ensemble(run, write_corpus, copy_model, tmp_path):
    data = write_corpus()
    clips = read_corpus(data, for_training=False).clips
    models = [copy_model('first', clips[:2]), copy_model('second', clips[1:4], calibration_temperature=0.5)]
    assert run(*models, '--data', data, '--out', tmp_path / 'each')[0] == 0
    each = read_report(tmp_path / 'each')['results']
    assert [(it['model'], it['evaluation']['whole_clip']['clips']) for it in each] == [('first', 10), ('second', 9)]
    assert each[1]['evaluation']['whole_clip']['uncalibrated_error'] is not None
    assert (tmp_path / 'each' / 'confusion-2.png').is_file()
    assert run(*models, '--data', data, '--ensemble', '--out', tmp_path / 'together')[0] == 0
    (together,) = read_report(tmp_path / 'together')['results']
    assert (together['model'], together['evaluation']['whole_clip']['clips']) == ('first + second', 8)


def test_another_corpus_with_a_label_map(run, write_corpus, copy_model, tmp_path):
    data = write_corpus(('joy', 'sad', 'bored'))
    model = copy_model('model', read_corpus(write_corpus(), for_training=False).clips[:0])
    write_corpus(('joy', 'sad', 'bored'))
    code, printed, _ = run(model, '--data', data, '--map', 'joy=happy', '--out', tmp_path / 'out')
    assert code == 0
    assert 'joy as happy' in printed and '4 clips of bored (4)' in printed and 'the corpus has no neutral' in printed
    scores = read_report(tmp_path / 'out')['results'][0]['evaluation']['utterance']
    assert scores['labels'] == ['happy', 'sad'] and scores['clips'] == 8
    assert run(model, '--data', data)[2].startswith('evaluate: the corpus has joy, sad, bored and the model says')


@pytest.mark.parametrize(
    ('arguments', 'text'),
    [
        (['--data', 'nowhere'], 'nowhere does not exist'),
        (['--data', 'corpus.csv', '--ensemble'], 'two models or more'),
        (['--data', 'corpus.csv', '--map', 'happy'], "--map 'happy'"),
        (['--data', 'corpus.csv', '--map', 'joy=happy'], "no label 'joy'"),
        (['--data', 'corpus.csv', '--labels', 'happy', 'sad'], "'angry'"),
        (['--data', 'corpus.csv', '--answer-with', 'hapy, sad'], "--answer-with has 'hapy'"),
        (['--data', 'corpus.csv', '--out', '.'], 'never overwritten'),
        (['--data', 'corpus.csv', '--out', 'corpus.csv'], 'never overwritten'),
        (
            ['--data', 'corpus.csv', '--out', 'corpus.csv/out'],
            '--out corpus.csv/out cannot be written (Not a directory)',
        ),
        (['--data', 'nowhere', '--out', 'x' * 300], 'File name too long'),
        (['no-such-model', '--data', 'corpus.csv'], "no model 'no-such-model'"),
    ],
)
def test_bad_input_is_one_sentence(run, write_corpus, copy_model, tmp_path, monkeypatch, arguments, text):
    data = write_corpus()
    model = copy_model('model')
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob('*'))
    code, printed, error = run(model, *arguments)
    assert (code, printed) == (1, '')
    assert error.startswith('evaluate: ') and text in error, error
    assert sorted(tmp_path.rglob('*')) == before and data.is_file()


def test_models_with_other_labels_are_no_ensemble(run, write_corpus, copy_model):
    others = dict(enumerate((*LABELS[:-1], 'bored')))
    names = {'id2label': others, 'label2id': {label: index for index, label in others.items()}}
    code, _, error = run(copy_model('one'), copy_model('two', **names), '--data', write_corpus(), '--ensemble')
    assert code == 1 and "'two' says" in error and 'same labels' in error


def test_help_holds_examples(capsys):
    with pytest.raises(SystemExit) as ended:
        main(['--help'])
    assert ended.value.code == 0
    assert 'ros2 run ser_ros evaluate hubert-large-paper --data RAVDESS' in capsys.readouterr().out


def test_a_model_can_answer_with_some_of_its_labels(run, write_corpus, adapting_model):
    code, printed, _ = run(adapting_model, '--data', write_corpus(), '--answer-with', 'neutral, angry, happy')
    assert code == 0 and 'it answers with one of neutral, happy, angry' in printed
    assert 'does not answer with such a label: 4 clips of sad' in printed


def test_a_report_says_what_the_ear_expects(run, write_corpus, adapting_model, tmp_path):
    corpus = write_corpus()
    assert 'it expects 0.5 of the utterances to be ordinary speech' in run(adapting_model, '--data', corpus)[1]
    code, printed, _ = run(adapting_model, '--data', corpus, '--ordinary-share', '0.8', '--out', tmp_path / 'out')
    assert code == 0 and 'it expects 0.8 of the utterances to be ordinary speech' in printed
    assert '--ordinary-share 0.8' in read_report(tmp_path / 'out')['command']


def test_a_report_says_how_much_is_no_speech_to_the_model(run, write_corpus, adapting_model, tmp_path):
    corpus, folder = write_corpus(), shutil.copytree(adapting_model, tmp_path / 'model')
    width = read_prior(folder, LABELS).width
    told = 'of the 12 utterances are no speech to the model'
    for bias, expected in ((-1.0, False), (1.0, True)):
        write_detector(folder, OutlierDetector(np.zeros(width, dtype=np.float32), bias))
        assert (f'12 {told}' in run(folder, '--data', corpus)[1]) is expected


def test_people_whom_a_model_knows_are_also_answered_after_what_they_said_in_its_training(
    run, write_corpus, adapting_model, tmp_path
):
    corpus = write_corpus()
    knows = tmp_path / 'knows'
    shutil.copytree(adapting_model, knows)
    write_table(knows / 'train.csv', [clip for clip in read_corpus(corpus).clips if clip.speaker][::4])
    name = 'one voice alone, after its clips that trained'
    assert name not in run(adapting_model, '--data', corpus)[1]
    code, printed, _ = run(knows, '--data', corpus)
    assert code == 0 and name in printed
    assert name not in run(knows, '--data', corpus, '--all-clips')[1]
