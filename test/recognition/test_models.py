# SPDX-License-Identifier: Apache-2.0
"""Model folders are found by path or by name."""

import pwd
from pathlib import Path

import pytest
from permissions import permissions_count

from ser_ros.recognition.models import find_model, models_folder
from ser_ros.resources import share_folder


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """Return the folder of trained models, with 'alpha' and 'beta' in it."""
    monkeypatch.setenv('SER_ROS_MODELS', str(tmp_path / 'models'))
    for name in ('beta', 'alpha'):
        (tmp_path / 'models' / name).mkdir(parents=True)
        (tmp_path / 'models' / name / 'config.json').write_text('{}')
    (tmp_path / 'models' / 'unfinished').mkdir()
    return tmp_path / 'models'


@pytest.mark.parametrize('name', ['', 'default'])
def test_the_embedded_default_needs_no_name(name):
    assert find_model(name) == share_folder() / 'models' / 'default'
    assert find_model() == find_model(name)


def test_a_trained_model_is_found_by_name(trained):
    assert find_model('alpha') == trained / 'alpha'


def test_a_folder_is_found_by_its_path(trained, monkeypatch):
    assert find_model(str(trained / 'beta')) == trained / 'beta'
    monkeypatch.chdir(trained)
    assert find_model('./beta') == Path('beta')
    monkeypatch.setenv('HOME', str(trained))
    assert find_model('~/beta') == trained / 'beta'


def test_an_unknown_name_lists_the_known_ones(trained, refuses):
    with refuses("no model 'gamma'", str(trained), '(there: alpha, beta)', 'embedded default'):
        find_model('gamma')


def test_an_unknown_name_where_nothing_is_trained(tmp_path, monkeypatch, refuses):
    monkeypatch.setenv('SER_ROS_MODELS', str(tmp_path / 'none yet'))
    with refuses("no model 'gamma'", '(there: none)'):
        find_model('gamma')


def test_a_folder_without_a_config_is_refused(trained, refuses):
    with refuses(str(trained / 'unfinished'), 'no config.json'):
        find_model(str(trained / 'unfinished'))


def test_models_live_in_the_home_folder_unless_the_environment_says_otherwise(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.setenv('SER_ROS_MODELS', '')
    assert models_folder() == tmp_path / '.local' / 'share' / 'ser_ros' / 'models'
    monkeypatch.setenv('SER_ROS_MODELS', str(tmp_path / 'elsewhere'))
    assert models_folder() == tmp_path / 'elsewhere'


def test_without_a_home_paths_are_found_and_names_are_refused_in_a_sentence(trained, monkeypatch, refuses):
    def unknown(user):
        raise KeyError(user)

    for variable in ('HOME', 'SER_ROS_MODELS'):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(pwd, 'getpwuid', unknown)
    assert find_model('').name == 'default'
    assert find_model(str(trained / 'beta')) == trained / 'beta'
    with refuses('HOME is not set', 'SER_ROS_MODELS'):
        find_model('beta')


def test_a_folder_that_one_may_not_enter_is_told(tmp_path, refuses):
    (tmp_path / 'closed' / 'model').mkdir(parents=True)
    (tmp_path / 'closed').chmod(0)
    with permissions_count(), refuses('closed/model/config.json', 'Permission denied'):
        find_model(str(tmp_path / 'closed' / 'model'))
    (tmp_path / 'closed').chmod(0o700)


@pytest.mark.parametrize('name', ['x' * 5000, 'x' * 300, '~nobody-of-this-name/model', 'a/' * 3000])
def test_a_name_that_no_file_can_have_is_one_sentence(trained, refuses, name):
    with refuses():
        find_model(name)
