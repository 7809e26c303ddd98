# SPDX-License-Identifier: Apache-2.0
"""What rcl refuses, refused here in this process; test/e2e/test_bring_up.py has the nodes."""

import os
import subprocess
import sys

import pytest

from ser_ros.cli.ros_arguments import init_ros, log_folder_problem, own_arguments, parameter_files

BAD_FILES = {
    'syntax': ('ser:\n  ros__parameters:\n    vad: [1\n', 'line 3'),
    'tabs': ('ser:\n\tros__parameters:\n\t\tautostart: true\n', 'line 1'),
    'without ros__parameters': ('ser:\n  vad:\n    threshold: 0.5\n', 'before ros__parameters at line 3'),
    'mixed list': ('ser:\n  ros__parameters:\n    x: [1, a]\n', 'line_num 3'),
    'missing': (None, 'Error opening YAML file'),
}


@pytest.mark.parametrize('kind', BAD_FILES)
def test_a_bad_parameter_file_is_told_with_rcls_reason(refuses, tmp_path, kind):
    content, reason = BAD_FILES[kind]
    file = tmp_path / 'given.yaml'
    if content is not None:
        file.write_text(content)
    with refuses(reason, str(file), 'give a YAML file'):
        init_ros(['--ros-args', '--params-file', str(file)])


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (('--log-level', 'loud'), ('loud', 'use debug, info, warn, error or fatal')),
        (('-p', 'vad.threshold'), ('vad.threshold', 'name:=value')),
        (('-p', 'vad.threshold:=[1'), ('vad.threshold', 'name:=value')),
        (('-r', '__ns:=robot'), ('__ns:=robot', 'begins with /')),
        (('--paramsfile', 'x'), ('--paramsfile', 'does not know')),
    ],
)
def test_bad_ros_arguments_are_told_with_the_cure(refuses, arguments, words):
    with refuses(*words):
        init_ros(['--ros-args', *arguments])


def test_rcls_own_sources_are_not_named(refuses, tmp_path):
    with pytest.raises(Exception) as caught:
        init_ros(['--ros-args', '--params-file', str(tmp_path / 'missing.yaml')])
    assert '/rcl/' not in str(caught.value) and '.c:' not in str(caught.value)


@pytest.mark.parametrize(
    ('args', 'own'),
    [
        ([], []),
        (['--help'], ['--help']),
        (['--ros-args', '-p', 'a:=b'], []),
        (['a', '--ros-args', '-p', 'a:=b', '--', 'b', '--ros-args', '-r', 'c:=d'], ['a', 'b']),
        (['--', 'a'], ['--', 'a']),
    ],
)
def test_what_is_not_for_ros_is_left(args, own):
    assert own_arguments(args) == own


def test_all_parameter_files_are_found():
    args = ['--ros-args', '--params-file', 'a.yaml', '-p', 'b:=c', '--params-file', 'd.yaml']
    assert parameter_files(args) == ['a.yaml', 'd.yaml']


@pytest.mark.parametrize(
    ('variables', 'made'),
    [
        ({'HOME': '{}'}, '.ros/log'),
        ({'HOME': '/dev/null', 'ROS_HOME': '{}'}, 'log'),
        ({'ROS_LOG_DIR': '{}/mine'}, 'mine'),
        ({'HOME': '/dev/null', 'ROS_HOME': '/dev/null', 'ROS_LOG_DIR': '{}/mine'}, 'mine'),
    ],
)
def test_where_ros_can_write_log_files_nothing_is_said(tmp_path, variables, made):
    assert log_folder_problem({name: text.format(tmp_path) for name, text in variables.items()}) == ''
    assert list((tmp_path / made).iterdir()) == []


@pytest.mark.parametrize(
    ('variables', 'words'),
    [
        ({}, 'HOME is not set'),
        ({'HOME': ''}, 'HOME is not set'),
        ({'HOME': '/dev/null'}, '/dev/null/.ros/log: Not a directory'),
        ({'HOME': '/home', 'ROS_LOG_DIR': '/dev/null/log'}, '/dev/null/log: Not a directory'),
        ({'ROS_LOG_DIR': '~nobody-of-this-name/log'}, 'that home is not known'),
    ],
)
def test_where_ros_cannot_write_log_files_it_is_said_why(variables, words):
    assert words in log_folder_problem(variables)


def test_a_home_that_may_not_be_written_is_no_obstacle(tmp_path):
    """The node's own start, as a user whom the system does not know and without a home would start it."""
    code = 'from ser_ros.cli.ros_arguments import init_ros; init_ros([]); print("on")'
    variables = {name: value for name, value in os.environ.items() if name not in ('HOME', 'ROS_HOME', 'ROS_LOG_DIR')}
    done = subprocess.run([sys.executable, '-c', code], env=variables, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, 'on\n')
    assert done.stderr == (
        'ser_ros: ROS writes no log files: HOME is not set; set ROS_LOG_DIR to a folder of your own\n'
    )
