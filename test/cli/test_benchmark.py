# SPDX-License-Identifier: Apache-2.0
"""`benchmark` without ROS, on a tiny random-weight model; with ROS it is in test/e2e."""

import json
import math

import pytest
import soundfile

from ser_ros.cli.benchmark import main


@pytest.fixture(scope='module')
def quick(random_weight_model, tmp_path_factory):
    """Return the files of one quick run: JSON and Markdown."""
    folder = tmp_path_factory.mktemp('figures')
    files = folder / 'figures.json', folder / 'figures.md'
    parts = ['--quick', '--only', 'vad,recognition,agreement', '--device', 'cpu']
    arguments = [*parts, '--model', str(random_weight_model), '--json', str(files[0]), '--markdown', str(files[1])]
    assert main(arguments) == 0
    return files


def test_all_lengths_are_timed_beside_the_peer(quick):
    values = json.loads(quick[0].read_text())
    assert values['vad']['runs'] > 100 and 0 < values['vad']['median_ms'] <= values['vad']['p95_ms']
    for way in ('torch', 'transformers pipeline'):
        assert [row['seconds'] for row in values['recognition'][way]] == [1.0, 3.0, 5.0, 10.0]
        assert all(0 < row['median_ms'] <= row['p95_ms'] and row['runs'] == 5 for row in values['recognition'][way])
        assert math.isfinite(values['lines'][way]['per_second'])  # of a tiny model beside other work: of either sign
    assert values['agreement'][0]['labels_equal'] == 1.0
    assert 'live' not in values and 'idle' not in values


def test_the_table_names_hardware_command_and_model(quick):
    text = quick[1].read_text()
    assert text.startswith('# Benchmark\n\n`ros2 run ser_ros benchmark --quick')
    assert '| CPU |' in text and '| model | random-weight |' in text
    assert '## Recognition of 10 s' in text and '## Over real DDS' not in text


def test_json_goes_to_stdout_in_place_of_the_table(capfd):
    assert main(['--only', 'vad', '--json']) == 0
    out, err = capfd.readouterr()
    assert json.loads(out)['model']['weights'] == 'as trained'
    assert 'voice activity' in err


@pytest.mark.parametrize(
    ('arguments', 'texts'),
    [
        (['--only', 'speed'], ["--only 'speed' is not a section", 'vad, recognition']),
        (['--nodes', '0'], ['--nodes 0 is too few']),
        (['--clips', '-1'], ['--clips -1 is too few']),
        (['--data', '/nowhere'], ['--data /nowhere is not a folder']),
        (['--json', '/dev/null/figures.json'], ['--json /dev/null/figures.json', 'Not a directory']),
        (['--markdown', '/dev/null/figures.md'], ['--markdown /dev/null/figures.md', 'Not a directory']),
        (['--audio', '/nowhere.wav'], ['/nowhere.wav does not exist']),
        (['--model', 'nobody'], ["no model 'nobody'"]),
        (['--model', 'default', '--architecture', 'hubert-large'], ['give one of them']),
        (['--only', 'recognition', '--device', 'tpu'], ["'tpu' is not known"]),
        (['--only', 'recognition', '--backends', 'tensorrt'], ["--backends 'tensorrt'", 'torch']),
    ],
)
def test_bad_input_is_told_in_one_sentence(arguments, texts, capsys):
    assert main(arguments) == 1
    sentence = capsys.readouterr().err.splitlines()[-1]
    assert sentence.startswith('benchmark: ')
    assert [text for text in texts if text not in sentence] == []


def test_a_recording_without_speech_is_refused(tmp_path, made_sound, capsys):
    soundfile.write(tmp_path / 'hum.wav', made_sound('hum', 1.0), 16_000)
    assert main(['--audio', str(tmp_path / 'hum.wav')]) == 1
    assert 'no speech' in capsys.readouterr().err


def test_help_has_examples(capsys):
    with pytest.raises(SystemExit):
        main(['--help'])
    assert 'ros2 run ser_ros benchmark --only live --nodes 10' in capsys.readouterr().out
