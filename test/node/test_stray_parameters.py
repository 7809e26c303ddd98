# SPDX-License-Identifier: Apache-2.0
"""What is set in vain, as ROS itself sees it: each case is held against what rclpy gives a node."""

import json

import pytest
import rclpy

from ser_ros.node.parameter_spec import declare_parameters
from ser_ros.node.parameters import SPECS
from ser_ros.node.stray_parameters import stray_file, unknown_parameters


@pytest.fixture
def make_node(tmp_path):
    contexts = []

    def make(arguments, name='ser', namespace=''):
        context = rclpy.Context()
        rclpy.init(context=context, args=['--ros-args', *arguments])
        contexts.append(context)
        return rclpy.create_node(name, namespace=namespace, context=context)

    yield make
    for context in contexts:
        rclpy.shutdown(context=context)


@pytest.mark.parametrize('namespace', ['', 'robot', 'robot/head'])
@pytest.mark.parametrize(
    'section',
    [
        '/**',
        '/*',
        '/*/*',
        'ser',
        '/ser',
        '/**/ser',
        '/*/ser',
        '/robot/ser',
        'robot/ser',
        '/robot/*',
        '/robot/**',
        'sir',
        '/robot/head/ser',
        '/robot/sir',
        'laser',
    ],
)
def test_a_section_is_for_the_node_where_ros_says_so(make_node, tmp_path, section, namespace):
    file = tmp_path / 'given.yaml'
    file.write_text(json.dumps({section: {'ros__parameters': {'autostart': False}}}))
    node = make_node(['--params-file', str(file)], namespace=namespace)
    heard = 'autostart' in node._parameter_overrides
    told = stray_file(file, node.get_fully_qualified_name())
    assert (told == '') == heard
    if told:
        assert section in told and node.get_fully_qualified_name() in told and '/**' in told


def test_namespaces_may_be_keys_of_their_own(make_node, tmp_path):
    file = tmp_path / 'given.yaml'
    file.write_text('robot:\n  ser:\n    ros__parameters:\n      autostart: false\n')
    node = make_node(['--params-file', str(file)], namespace='robot')
    assert 'autostart' in node._parameter_overrides
    assert stray_file(file, '/robot/ser') == ''
    assert '/robot/ser' in stray_file(file, '/ser')


@pytest.mark.parametrize('content', ['', 'only words\n', '- a\n- b\n'])
def test_a_file_without_parameters_is_told(tmp_path, content):
    file = tmp_path / 'given.yaml'
    file.write_text(content)
    assert 'holds no parameters' in stray_file(file, '/ser')


def test_what_ros_refuses_itself_is_not_told_twice(tmp_path):
    file = tmp_path / 'given.yaml'
    file.write_text('a: [1\n')
    assert stray_file(file, '/ser') == stray_file(tmp_path / 'none.yaml', '/ser') == ''


def test_a_misspelt_parameter_is_told_with_the_nearest(make_node):
    given = {'vad.thresold': 0.4, 'autostrat': True, 'wheels.radius': 0.1, 'base_frame': '"map"', 'vad.pre_roll': 0.2}
    given |= {'use_sim_time': False, 'qos_overrides./emotion.publisher.depth': 5}
    node = make_node([word for name, value in given.items() for word in ('-p', f'{name}:={value}')])
    declare_parameters(node, SPECS)
    assert unknown_parameters(node) == [
        "the parameter 'autostrat' is not known and has no effect; did you mean 'autostart'?",
        "the parameter 'vad.thresold' is not known and has no effect; did you mean 'vad.threshold'?",
        'these parameters are not known here and have no effect: base_frame, wheels.radius',
    ]


def test_a_neighbours_parameters_in_a_shared_section_are_no_mistake(make_node):
    node = make_node(['-p', 'vad.threshold:=0.4', '-p', 'vad.thresold:=0.4'])
    node.declare_parameter('audio.device', '')
    (told,) = unknown_parameters(node, known_elsewhere=[spec.name for spec in SPECS])
    assert 'vad.thresold' in told
