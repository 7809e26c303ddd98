# SPDX-License-Identifier: Apache-2.0
"""Every launch argument at every kind of value, down to the parameter that rclpy gives the node."""

import importlib.util
import sys
import types
from pathlib import Path

import pytest
import rclpy
import yaml

from ser_ros.bring_up import _PARAMETERS, ARGUMENTS, PREFIX, node_setup
from ser_ros.node.parameter_spec import declare_parameters
from ser_ros.node.parameters import SPECS
from ser_ros.node.settings import read_parameters

ROOT = Path(__file__).resolve().parents[1]
DEFAULTS = {argument.name: argument.default for argument in ARGUMENTS}

ODD_TEXTS = [
    'off',
    '1',
    '2.0',
    'null',
    '~',
    'a: b',
    '# no',
    "it's",
    '"quoted"',
    '[1, 2]',
    '{a: 1}',
    'käse',
    'a\\b',
    '%x',
]
"""What YAML would take for something else than the text that it is."""


def setup(**given):
    return node_setup(DEFAULTS | given)


def parameters_of_a_node(tmp_path, parameters: dict) -> dict:
    """Return what rclpy gives a node for `parameters`, written into a file as launch_ros does."""
    file = tmp_path / 'launch_params'
    file.write_text(yaml.dump({'/**': {'ros__parameters': parameters}}, default_flow_style=False))
    context = rclpy.Context()
    rclpy.init(context=context, args=['--ros-args', '--params-file', str(file)])
    try:
        node = rclpy.create_node('ser', context=context)
        declare_parameters(node, SPECS)
        read_parameters(node)
        return {name: node.get_parameter(name).value for name in (*_PARAMETERS.values(), 'use_sim_time')}
    finally:
        rclpy.shutdown(context=context)


def test_without_arguments_nothing_is_given():
    made = setup()
    assert (made.namespace, made.params_file, made.parameters, made.log_level, made.respawn) == (
        '',
        '',
        {},
        'info',
        False,
    )


def test_every_argument_is_described_and_belongs_to_a_parameter_or_to_launch():
    assert all(argument.description.endswith('.') for argument in ARGUMENTS)
    known = {spec.name for spec in SPECS} | {'use_sim_time'}
    assert set(_PARAMETERS.values()) <= known
    assert set(DEFAULTS) - set(_PARAMETERS) == {'params_file', 'namespace', 'log_level', 'respawn'}


@pytest.mark.parametrize('name', ['autostart', 'use_sim_time'])
@pytest.mark.parametrize(
    ('text', 'value'),
    [
        ('true', True),
        ('True', True),
        ('TRUE', True),
        ('1', True),
        ('yes', True),
        ('on', True),
        (' true ', True),
        ('false', False),
        ('False', False),
        ('0', False),
        ('no', False),
        ('off', False),
    ],
)
def test_a_truth_is_one_in_every_spelling_and_for_the_node(tmp_path, name, text, value):
    made = setup(**{name: text})
    assert made.parameters == {name: value}
    assert parameters_of_a_node(tmp_path, made.parameters)[name] is value


@pytest.mark.parametrize('name', ['autostart', 'use_sim_time', 'respawn'])
@pytest.mark.parametrize('text', ['maybe', '2', 'tru', '[]', 'none'])
def test_what_is_no_truth_is_refused_by_its_name(refuses, name, text):
    with refuses(f"{name} is '{text}'", 'neither true nor false', f'{PREFIX}{name}'):
        setup(**{name: text})


@pytest.mark.parametrize('text', ODD_TEXTS)
def test_a_file_of_any_name_reaches_the_node_as_it_is(tmp_path, text):
    made = setup(file=text)
    found = parameters_of_a_node(tmp_path, made.parameters)
    assert (found['audio.file'], found['audio.source']) == (text, 'file')


@pytest.mark.parametrize('text', [text for text in ODD_TEXTS if text != '~'])
def test_a_model_of_any_name_reaches_the_node_as_it_is(tmp_path, monkeypatch, text):
    (tmp_path / text).mkdir()
    (tmp_path / text / 'config.json').touch()
    monkeypatch.chdir(tmp_path)
    assert parameters_of_a_node(tmp_path, setup(model=text).parameters)['model.path'] == text


@pytest.mark.parametrize(
    ('name', 'texts'),
    [
        ('model', ['default']),
        ('device', ['auto', 'cpu', 'cuda', 'cuda:1']),
        ('backend', ['auto', 'torch', 'onnx']),
        ('source', ['microphone', 'topic', 'file']),
    ],
)
def test_every_value_that_may_be_reaches_the_node(tmp_path, name, texts):
    for text in texts:
        made = setup(**{name: text})
        assert parameters_of_a_node(tmp_path, made.parameters)[_PARAMETERS[name]] == text


@pytest.mark.parametrize(
    ('name', 'text', 'words'),
    [
        ('device', '/dev/ttyUSB0', 'auto, cpu, cuda or cuda:N'),
        ('backend', 'tensorrt', 'auto, torch, onnx'),
        ('source', 'rosbag', 'microphone, topic, file'),
        ('model', '/robot/robot.urdf', "there is no model '/robot/robot.urdf'"),
        ('params_file', '/robot/nav2.yaml', 'there is no such file'),
    ],
)
def test_what_an_including_file_hands_down_is_refused_with_the_safe_name(refuses, name, text, words):
    with refuses(f'launch argument {name}', text, words, f'{PREFIX}{name}'):
        setup(**{name: text})


def test_a_file_is_the_source_unless_another_is_given():
    assert setup(file='a.wav').parameters == {'audio.source': 'file', 'audio.file': 'a.wav'}
    assert setup(file='a.wav', source='topic').parameters['audio.source'] == 'topic'


def test_what_is_for_launch_stays_there(tmp_path):
    file = tmp_path / 'my.yaml'
    file.touch()
    made = setup(namespace='robot', params_file=str(file), log_level='debug', respawn='true')
    assert (made.namespace, made.params_file, made.parameters) == ('robot', str(file), {})
    assert (made.log_level, made.respawn) == ('debug', True)


class StandIn:
    """Keeps what it is made with."""

    def __init__(self, *positional, **named):
        self.positional, self.named = positional, named


@pytest.fixture
def launch_file(monkeypatch):
    """Return launch/ser.launch.py as a module, with stand-ins for what it needs of launch and launch_ros."""
    names = {
        'launch': ['LaunchDescription'],
        'launch.actions': ['DeclareLaunchArgument', 'OpaqueFunction'],
        'launch.substitutions': ['LaunchConfiguration'],
        'launch_ros': [],
        'launch_ros.actions': ['Node'],
        'launch_ros.parameter_descriptions': ['ParameterValue'],
    }
    for module, classes in names.items():
        made = types.ModuleType(module)
        for name in classes:
            setattr(made, name, type(name, (StandIn,), {}))
        monkeypatch.setitem(sys.modules, module, made)

    def perform(self, context):
        value = context[self.positional[0]]
        return value.perform(context) if isinstance(value, StandIn) else value

    sys.modules['launch.substitutions'].LaunchConfiguration.perform = perform
    spec = importlib.util.spec_from_file_location('ser_launch', ROOT / 'launch' / 'ser.launch.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def started(launch_file, **given):
    """Return what the node is started with, where `given` are the values that launch has."""
    *declared, function = launch_file.generate_launch_description().positional[0]
    context = {action.positional[0]: action.named['default_value'] for action in declared} | given
    assert all(action.named['description'].endswith('.') for action in declared)
    (node,) = function.named['function'](context)
    *files, parameters = node.named['parameters']
    return node.named | {
        'files': files,
        'parameters': {
            name: value.positional[0] if isinstance(value, StandIn) else value for name, value in parameters.items()
        },
    }


def test_the_launch_file_declares_each_argument_under_both_names(launch_file):
    *declared, _ = launch_file.generate_launch_description().positional[0]
    names = [action.positional[0] for action in declared]
    assert sorted(names) == sorted([*DEFAULTS, *(PREFIX + name for name in DEFAULTS)])


def test_the_launch_file_passes_everything_on(launch_file, tmp_path):
    (tmp_path / 'my.yaml').touch()
    given = {'autostart': 'false', 'device': 'cpu', 'namespace': 'robot', 'respawn': 'true', 'log_level': 'warn'}
    made = started(launch_file, params_file=str(tmp_path / 'my.yaml'), **given)
    assert made['files'] == [str(tmp_path / 'my.yaml')]
    assert made['parameters'] == {'autostart': False, 'model.device': 'cpu'}
    assert (made['package'], made['executable'], made['name'], made['namespace']) == (
        'ser_ros',
        'ser_node',
        'ser',
        'robot',
    )
    assert made['respawn'] is True and made['arguments'] == ['--ros-args', '--log-level', 'warn']


def test_the_prefixed_name_wins_and_shields_from_what_is_handed_down(launch_file):
    parents = {'model': '/robot/robot.urdf', 'device': '/dev/ttyUSB0', 'namespace': 'wheels', 'source': 'lidar'}
    shields = {'ser_model': '', 'ser_device': 'cpu', 'ser_namespace': '', 'ser_source': 'topic'}
    made = started(launch_file, **parents, **shields)
    assert made['namespace'] == ''
    assert made['parameters'] == {'model.device': 'cpu', 'audio.source': 'topic'}
