# SPDX-License-Identifier: Apache-2.0
"""Starts the node `ser`, its parameters from a file and the most used ones from arguments: see ser_ros/bring_up.py."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from ser_ros.bring_up import ARGUMENTS, PREFIX, node_setup

RESPAWN_DELAY = 2.0
"""Seconds."""


def generate_launch_description() -> LaunchDescription:
    """Return the arguments, each under both of its names, and the node."""
    plain = [
        DeclareLaunchArgument(argument.name, default_value=argument.default, description=argument.description)
        for argument in ARGUMENTS
    ]
    prefixed = [
        DeclareLaunchArgument(
            PREFIX + argument.name,
            default_value=LaunchConfiguration(argument.name),
            description=f'The same as {argument.name}, for launch files that include this one.',
        )
        for argument in ARGUMENTS
    ]
    return LaunchDescription([*plain, *prefixed, OpaqueFunction(function=_start_node)])


def _start_node(context) -> list[Node]:
    setup = node_setup(
        {argument.name: LaunchConfiguration(PREFIX + argument.name).perform(context) for argument in ARGUMENTS}
    )
    # A plain string would be read as YAML, and a folder called 1 or off would become a number or a truth.
    parameters = {
        name: ParameterValue(value, value_type=str) if isinstance(value, str) else value
        for name, value in setup.parameters.items()
    }
    return [
        Node(
            package='ser_ros',
            executable='ser_node',
            name='ser',
            namespace=setup.namespace,
            parameters=[*([setup.params_file] if setup.params_file else []), parameters],
            arguments=['--ros-args', '--log-level', setup.log_level],
            output='screen',
            emulate_tty=True,
            respawn=setup.respawn,
            respawn_delay=RESPAWN_DELAY,
        )
    ]
