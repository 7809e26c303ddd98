# SPDX-License-Identifier: Apache-2.0
"""Starts the node `ser`: parameters from a file, the most used ones from arguments."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

# A launch argument left empty leaves the parameter to the file.
PARAMETER_OF_ARGUMENT = {
    'model': 'model.path',
    'device': 'model.device',
    'source': 'audio.source',
    'file': 'audio.file',
}


def generate_launch_description() -> LaunchDescription:
    """Return the arguments and the node."""
    default_file = PathJoinSubstitution([FindPackageShare('ser_ros'), 'config', 'ser.yaml'])
    return LaunchDescription(
        [
            _argument('params_file', default_file, 'YAML file with the parameters of the node.'),
            _argument('namespace', '', 'Namespace of the node; it moves every topic and service.'),
            _argument('model', '', 'Model folder, or name of a model made by train; empty: as in params_file.'),
            _argument('device', '', 'Where the model runs: auto, cpu, cuda or cuda:N; empty: as in params_file.'),
            _argument('source', '', 'Where sound comes from: microphone or file; empty: as in params_file.'),
            _argument('file', '', 'WAV or FLAC file to listen to; with it, source is file unless given.'),
            _argument('autostart', 'true', 'Configure and activate at start; false: leave it to a lifecycle manager.'),
            _argument('log_level', 'info', 'debug, info, warn, error or fatal.'),
            _argument('use_sim_time', 'false', 'Take the time from /clock instead of the system.'),
            OpaqueFunction(function=_start_node),
        ]
    )


def _argument(name: str, default, description: str) -> DeclareLaunchArgument:
    return DeclareLaunchArgument(name, default_value=default, description=description)


def _start_node(context) -> list[Node]:
    value = {
        name: LaunchConfiguration(name).perform(context)
        for name in (*PARAMETER_OF_ARGUMENT, 'params_file', 'namespace', 'autostart', 'log_level', 'use_sim_time')
    }
    if value['file'] and not value['source']:
        value['source'] = 'file'
    overrides = {parameter: value[name] for name, parameter in PARAMETER_OF_ARGUMENT.items() if value[name]}
    overrides |= {name: value[name].lower() == 'true' for name in ('autostart', 'use_sim_time')}
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
