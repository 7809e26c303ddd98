# SPDX-License-Identifier: Apache-2.0
"""The part of a command line that ROS reads: `--ros-args` and what follows."""

import itertools
import os
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import rclpy
from rclpy.impl.implementation_singleton import rclpy_implementation

from ser_ros.errors import SerError
from ser_ros.places import expanded
from ser_ros.system_errors import quoted, why

_PLACES_IN_ROS = re.compile(r', at /\S+:\d+')
"""rcl appends the place in its own sources where it failed."""

_CURES = {
    'params file': 'give a YAML file with the node (or /**), below it ros__parameters, below that the parameters, '
    'indented with blanks',
    'log level': 'use debug, info, warn, error or fatal',
    'parameter override': 'write -p name:=value, the value as in YAML',
    'remap rule': 'write -r from:=to; __node takes a name of letters, digits and _, __ns one that begins with /',
}
"""What rcl could not read, in its own words, and what it expects."""


def init_ros(args: list[str] | None) -> None:
    """Initialise rclpy with `args`, sys.argv if None. Raises SerError, with rcl's reason, if it refuses them.

    Without rclpy's own signal handlers: they shut ROS down at once, and a node could not publish its last messages.
    """
    args = list(sys.argv if args is None else args)
    if problem := log_folder_problem(os.environ):
        print(f'ser_ros: ROS writes no log files: {problem}; set ROS_LOG_DIR to a folder of your own', file=sys.stderr)
        args += ['--ros-args', '--disable-external-lib-logs']
    try:
        rclpy.init(args=args, signal_handler_options=rclpy.SignalHandlerOptions.NO)
    except rclpy_implementation.UnknownROSArgsError as error:
        raise SerError(
            f'ROS does not know the arguments {error}; `ros2 run --help` and docs.ros.org list them'
        ) from None
    except rclpy_implementation.RCLError as error:
        raise SerError(_sentence(str(error))) from None


def log_folder_problem(environment: Mapping[str, str]) -> str:
    """Return why ROS could not write log files, at which it would end; '' if it can. The folder is made, as by ROS."""
    chosen, home = environment.get('ROS_LOG_DIR'), environment.get('HOME')
    if not (chosen or environment.get('ROS_HOME') or home):
        return 'HOME is not set'
    try:
        folder = expanded(chosen or Path(environment.get('ROS_HOME') or f'{home}/.ros', 'log'))
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return ''
    except OSError as error:
        return f'{quoted(error.filename)}: {why(error)}'
    except SerError as error:
        return str(error)


def own_arguments(args: Sequence[str] | None) -> list[str]:
    """Return those of `args`, sys.argv's if None, that are not for ROS: outside of `--ros-args ... [--]`.

    rclpy's own `remove_ros_args` raises if those inside are invalid.
    """
    own, is_for_ros = [], False
    for word in sys.argv[1:] if args is None else args:
        if word == '--ros-args' or (is_for_ros and word == '--'):
            is_for_ros = word == '--ros-args'
        elif not is_for_ros:
            own.append(word)
    return own


def parameter_files(args: Sequence[str] | None) -> list[str]:
    """Return the files that `args`, sys.argv's if None, give with --params-file."""
    args = sys.argv[1:] if args is None else list(args)
    return [value for flag, value in itertools.pairwise(args) if flag == '--params-file']


def _sentence(reason: str) -> str:
    reason = _PLACES_IN_ROS.sub('', reason).removeprefix('failed to initialize rcl: ').strip()
    cure = next((cure for words, cure in _CURES.items() if words in reason.lower()), 'correct the ROS arguments')
    return f'ROS could not start: {reason.replace(". Error:", ":").rstrip(".")}; {cure}'
