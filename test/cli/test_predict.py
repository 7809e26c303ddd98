# SPDX-License-Identifier: Apache-2.0
"""The script that answers files, on a random-weight model: its answers mean nothing, all else is real."""

import json
import re

import numpy as np
import pytest
import soundfile
from sound_files import announcing

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.cli import predict
from ser_ros.cli.predict import main
from ser_ros.emotions import LABELS
from ser_ros.resources import share_folder

DEMO = share_folder() / 'demo' / 'recording.flac'


@pytest.fixture
def run(random_weight_model, capsys):
    """Return run(*arguments): (exit code, stdout, stderr) with the random-weight model."""

    def call(*arguments):
        code = main([*map(str, arguments), '--model', str(random_weight_model), '--device', 'cpu'])
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def quiet(tmp_path, made_sound):
    """Return the path of a recording in which nobody speaks."""
    soundfile.write(tmp_path / 'quiet.wav', made_sound('silence', 1.0), SAMPLE_RATE)
    return tmp_path / 'quiet.wav'


def test_every_utterance_of_a_recording_is_answered(run):
    code, out, err = run(DEMO)
    assert (code, err) == (0, '')
    first, *lines = out.splitlines()
    assert first == str(DEMO)
    answers = [re.fullmatch(r' +([\d.]+) s +([\d.]+) s of speech  (\w+) (\d+)%', line) for line in lines]
    starts = [float(answer[1]) for answer in answers if answer]
    expected = [utterance['start'] for utterance in json.loads(DEMO.with_suffix('.json').read_text())['utterances']]
    assert starts == pytest.approx(expected, abs=0.15)
    assert {answer[3] for answer in answers if answer} <= set(LABELS)
    bars = [line.split() for line, answer in zip(lines, answers, strict=True) if not answer]
    assert [bar[0] for bar in bars] == list(LABELS) * len(starts)
    for at in range(0, len(bars), len(LABELS)):
        assert sum(float(bar[2].rstrip('%')) for bar in bars[at : at + len(LABELS)]) == pytest.approx(100, abs=0.5)


def test_an_answer_is_one_of_the_labels_that_are_chosen(run):
    out = run(DEMO, '--answer-with', 'sad, happy')[1]
    names = {line.split()[0] for line in out.splitlines()[1:] if ' s of speech ' not in line}
    assert names == {'happy', 'sad'}
    assert_one_sentence(run(DEMO, '--answer-with', 'sad, hapy'), "--answer-with has 'hapy'", "did you mean 'happy'?")


def test_where_nobody_speaks_it_says_so(run, quiet):
    assert run(quiet) == (0, f'{quiet}\n  no speech\n', '')


def test_several_files_are_answered_in_turn(run, quiet):
    other = quiet.with_name('other.wav')
    other.write_bytes(quiet.read_bytes())
    assert run(quiet, other)[:2] == (0, f'{quiet}\n  no speech\n{other}\n  no speech\n')


@pytest.mark.parametrize('channel', [1, -1])
def test_the_channel_is_chosen(run, tmp_path, channel):
    sound = soundfile.read(DEMO, dtype='float32')[0][: 4 * SAMPLE_RATE]
    soundfile.write(tmp_path / 'stereo.wav', np.column_stack([np.zeros_like(sound), sound]), SAMPLE_RATE)
    assert 'no speech' in run(tmp_path / 'stereo.wav')[1]
    assert run(tmp_path / 'stereo.wav', '--channel', channel)[1].count('s of speech') == 1


def assert_one_sentence(result, *texts):
    code, out, err = result
    assert (code, out) == (1, '')
    assert err.startswith('predict: ') and err.count('\n') == 1 and err.endswith('\n')
    assert [text for text in texts if text not in err] == []


def test_a_bad_file_is_one_sentence_and_nothing_else_is_printed(run, quiet, tmp_path):
    (tmp_path / 'letter.wav').write_text('Dear robot')
    assert_one_sentence(run(tmp_path / 'letter.wav'), 'letter.wav', 'cannot be read as sound')
    assert_one_sentence(run(tmp_path / 'nowhere.wav'), 'does not exist')
    assert_one_sentence(run(quiet, '--channel', 3), 'so --channel 3 does not exist')


@pytest.mark.parametrize('order', [slice(None), slice(None, None, -1)])
def test_of_several_files_the_good_ones_are_answered_and_each_bad_one_is_told(run, quiet, tmp_path, order):
    (tmp_path / 'letter.wav').write_text('Dear robot')
    soundfile.write(tmp_path / 'slow.wav', np.zeros(1000), 10)
    other = tmp_path / 'other.wav'
    other.write_bytes(quiet.read_bytes())
    files = [quiet, tmp_path / 'letter.wav', other, tmp_path / 'slow.wav', tmp_path / 'nowhere.wav'][order]
    code, out, err = run(*files)
    assert code == 1
    assert out == ''.join(f'{file}\n  no speech\n' for file in files if file in (quiet, other))
    told = err.splitlines()
    assert [line.startswith('predict: ') for line in told] == [True] * 3
    for name in ('letter.wav', 'slow.wav has a rate of 10 Hz', 'nowhere.wav does not exist'):
        assert sum(name in line for line in told) == 1


def test_what_a_file_lacks_is_told_and_the_rest_is_answered(run, tmp_path):
    content = DEMO.read_bytes()
    (tmp_path / 'cut.flac').write_bytes(content[: len(content) // 2])
    (tmp_path / 'open.flac').write_bytes(announcing(content, 'FLAC', 0))
    sound = soundfile.read(DEMO, dtype='float32')[0]
    soundfile.write(tmp_path / 'scaled.wav', 32768 * sound, SAMPLE_RATE, subtype='FLOAT')
    code, out, err = run(*sorted(tmp_path.iterdir()))
    assert code == 0
    cut, whole, scaled = [part.splitlines()[1:] for part in out.split(str(tmp_path))[1:]]
    assert whole == scaled == run(DEMO)[1].splitlines()[1:]
    assert whole[: len(LABELS) + 1] == cut[: len(LABELS) + 1]
    first, second = err.splitlines()
    assert 'cut.flac breaks off at' in first and 'scaled.wav has samples up to 32768' in second


def test_an_unknown_model_is_one_sentence(quiet, capsys):
    code = main([str(quiet), '--model', 'no-such-model'])
    assert_one_sentence((code, *capsys.readouterr()), "'no-such-model'")


def test_an_unknown_device_is_one_sentence(quiet, random_weight_model, capsys):
    code = main([str(quiet), '--model', str(random_weight_model), '--device', 'gpu'])
    assert_one_sentence((code, *capsys.readouterr()), "--device 'gpu'", 'auto, cpu, cuda or cuda:N')


def test_ctrl_c_ends_with_130_and_no_traceback(quiet, monkeypatch, capsys):
    def interrupt(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(predict, 'read_recording', interrupt)
    assert main([str(quiet)]) == 130
    assert capsys.readouterr() == ('', '')


def test_no_file_at_all_is_refused_with_the_usage(capsys):
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    assert 'FILE' in capsys.readouterr().err


def test_help_holds_an_example(capsys):
    with pytest.raises(SystemExit) as ended:
        main(['--help'])
    assert ended.value.code == 0
    assert 'ros2 run ser_ros predict interview.wav' in capsys.readouterr().out
