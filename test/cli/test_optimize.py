# SPDX-License-Identifier: Apache-2.0
"""`optimize` on a tiny random-weight model."""

import re
import shutil

import pytest

from ser_ros.cli.optimize import main
from ser_ros.export import build
from ser_ros.recognition.classifier import Classifier
from ser_ros.training.reporting.card_file import OPTIMISED


def test_a_model_is_optimised_and_the_node_would_take_it(
    random_weight_model, tmp_path, capfd, monkeypatch, export_once
):
    monkeypatch.setattr(build, 'export', export_once)
    monkeypatch.setenv('SER_ROS_MODELS', str(tmp_path))
    folder = tmp_path / 'mine'
    shutil.copytree(random_weight_model, folder)
    assert main(['mine', '--precision', 'float32']) == 0
    out, err = capfd.readouterr()
    assert 'exporting it ... ' in out and 'comparing float32 with it ... ' in out
    assert re.search(r'^torch .* \d+\.\d MB$', out, re.MULTILINE)
    assert re.search(r'^float32 .* \+\d+\.\d MB  +100.0% of', out, re.MULTILINE)
    assert str(folder / 'optimized') in out
    assert err == ''
    assert Classifier.load(folder, 'cpu').backend == 'onnx'
    assert not (folder / 'README.md').exists()


def test_the_card_tells_what_was_measured_last(random_weight_model, tmp_path, monkeypatch, export_once):
    monkeypatch.setattr(build, 'export', export_once)
    folder = tmp_path / 'mine'
    shutil.copytree(random_weight_model, folder)
    card = folder / 'README.md'
    card.write_bytes(b'# mine\n\nIts f\xefgures.\n')  # of another encoding
    below = ''
    for precision in ('int8', 'float32'):
        main([str(folder), '--precision', precision])
        told = card.read_text(encoding='latin-1')
        assert told.startswith(f'# mine\n\nIts f\xefgures.\n\n{OPTIMISED.begins}\n\n## How fast it answers\n\n| form ')
        assert f'ros2 run ser_ros optimize mine --precision {precision}' in told and str(tmp_path) not in told
        assert f'The form {precision} is in `optimized/`' in told
        assert told.count('## How fast') == 1 and ' ms ' in told and '| 100.0 % of ' in told
        added = (folder / 'optimized' / 'model.onnx').stat().st_size / 1e6
        assert re.search(rf'^\| {precision} .* \| \+{added:.1f} MB +\|', told, re.MULTILINE)
        assert re.search(r'^\| torch .* \| \d+\.\d MB +\|', told, re.MULTILINE)
        assert told.endswith(below)  # what a user wrote stays
        below = '\n\nOn our robot it is slower.\n\n## Thanks\n\nTo Ann.\n'
        card.write_text(told.rstrip('\n') + below, encoding='latin-1')


@pytest.mark.parametrize(
    ('arguments', 'texts'),
    [
        (['nobody'], ["no model 'nobody'"]),
        (['default', '--data', '/nowhere'], ['--data /nowhere is not a folder']),
        (['default', '--clips', '0'], ['--clips 0 is too few']),
    ],
)
def test_bad_input_is_told_in_one_sentence(arguments, texts, capsys):
    assert main(arguments) == 1
    sentence = capsys.readouterr().err
    assert sentence.startswith('optimize: ') and sentence.count('\n') == 1
    assert all(text in sentence for text in texts)


def test_an_unknown_precision_is_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        main(['default', '--precision', 'int4'])
    assert ended.value.code == 2
    assert 'int8' in capsys.readouterr().err


def test_help_has_examples(capsys):
    with pytest.raises(SystemExit):
        main(['--help'])
    assert 'ros2 run ser_ros optimize hubert-large-paper' in capsys.readouterr().out
