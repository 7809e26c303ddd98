# SPDX-License-Identifier: Apache-2.0
"""The command that reports show repeats a run and tells nobody where data is kept."""

import argparse

import pytest

from ser_ros.cli.evaluate import main as evaluate
from ser_ros.cli.pretrain import main as pretrain
from ser_ros.cli.repeatable import repeatable
from ser_ros.cli.train import main as train


@pytest.fixture
def parser():
    made = argparse.ArgumentParser(prog='pretrain')
    made.add_argument('--speech', nargs='+')
    made.add_argument('--recipe')
    return made


def test_of_folders_only_the_names_are_shown(parser):
    args = ['--speech', '/home/me/a', '/home/me/b c', '--recipe', 'default']
    shown = repeatable(args, parser, folders=('--speech',))
    assert shown == "ros2 run ser_ros pretrain --speech a 'b c' --recipe default"


def test_a_corpus_keeps_its_key_before_its_folder(parser):
    shown = repeatable(['--speech', 'nemo:/home/me/nEMO', 'emodb:EMO'], parser, folders=('--speech',))
    assert shown.endswith(' --speech nemo:nEMO emodb:EMO')


def test_a_value_behind_an_equals_sign_shows_no_folder_either(parser):
    assert repeatable(['--speech=/home/me/a'], parser, folders=('--speech',)).endswith('--speech=a')


@pytest.mark.parametrize('command', [train, pretrain, evaluate])
def test_options_cannot_be_abbreviated(command, capsys):
    with pytest.raises(SystemExit):
        needed = {train: [], pretrain: ['--speech', 'a'], evaluate: ['model', '--data', 'a']}
        command([*needed[command], '--ou', '/home/me/b'])
    assert 'unrecognized arguments: --ou' in capsys.readouterr().err


def test_a_model_before_all_options_is_named_and_that_of_a_fold_with_its_study(parser, tmp_path):
    folder = tmp_path / 'study' / 'fold-2'
    folder.mkdir(parents=True)
    assert repeatable([str(folder), 'default'], parser, folders=(), models=('',)).endswith(' study/fold-2 default')


def test_a_name_on_the_hub_stays_whole_and_a_folder_does_not(parser, tmp_path):
    shown = repeatable(['--model', 'openai/whisper-base'], parser, folders=(), models=('--model',))
    assert shown.endswith('--model openai/whisper-base')
    (tmp_path / 'mine').mkdir()
    assert repeatable(['--model', str(tmp_path / 'mine')], parser, folders=(), models=('--model',)).endswith(' mine')
