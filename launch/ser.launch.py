# SPDX-License-Identifier: Apache-2.0
"""Starts the node `ser`: parameters from a file, the most used ones from arguments."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

PARAMETER_OF_ARGUMENT = {
    'model': ('model.path', str),
    'device': ('model.device', str),
    'backend': ('model.backend', str),
    'source': ('audio.source', str),
    'file': ('audio.file', str),
    'autostart': ('autostart', bool),
    'use_sim_time': ('use_sim_time', bool),
}
"""Name and type of the parameter behind a launch argument; an argument left empty leaves it to the file."""


def generate_launch_description() -> LaunchDescription:
    """Return the arguments and the node."""
    default_file = PathJoinSubstitution([FindPackageShare('ser_ros'), 'config', 'ser.yaml'])
    return LaunchDescription(
        [
            _argument('params_file', default_file, 'YAML file with the parameters of the node.'),
            _argument('namespace', '', 'Namespace of the node; it moves every topic and service.'),
            _argument('model', '', 'Model folder, or name of a model made by train; empty: as in params_file.'),
            _argument('device', '', 'Where the model runs: auto, cpu, cuda or cuda:N; empty: as in params_file.'),
            _argument('backend', '', 'What runs the model: auto, torch or onnx; empty: as in params_file.'),
            _argument('source', '', 'Where sound comes from: microphone, topic or file; empty: as in params_file.'),
            _argument('file', '', 'WAV or FLAC file to listen to; with it, source is file unless given.'),
            _argument('autostart', '', 'true or false (wait for a lifecycle manager); empty: as in params_file.'),
            _argument('log_level', 'info', 'debug, info, warn, error or fatal.'),
            _argument('use_sim_time', '', 'true: take the time from /clock; empty: as in params_file.'),
            OpaqueFunction(function=_start_node),
        ]
    )


def _argument(name: str, default, description: str) -> DeclareLaunchArgument:
    return DeclareLaunchArgument(name, default_value=default, description=description)


def _start_node(context) -> list[Node]:
    value = {
        name: LaunchConfiguration(name).perform(context)
        for name in (*PARAMETER_OF_ARGUMENT, 'params_file', 'namespace', 'log_level')
    }
    if value['file'] and not value['source']:
        value['source'] = 'file'
    overrides = {
        parameter: ParameterValue(value[name], value_type=kind)
        for name, (parameter, kind) in PARAMETER_OF_ARGUMENT.items()
        if value[name]
    }
    return [
        Node(
            package='ser_ros',
            executable='ser_node',
            name='ser',
            namespace=value['namespace'],
            parameters=[value['params_file'], overrides],
            arguments=['--ros-args', '--log-level', value['log_level']],
            output='screen',
            emulate_tty=True,
        )
    ]
