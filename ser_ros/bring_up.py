# SPDX-License-Identifier: Apache-2.0
"""What the arguments of launch/ser.launch.py become; needs no ROS, so that it can be tested without launch."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ser_ros.errors import SerError
from ser_ros.recognition.backend import BACKENDS
from ser_ros.recognition.device import DEVICE_PATTERN
from ser_ros.recognition.models import find_model
from ser_ros.system_errors import refusal

PREFIX = 'ser_'
"""Prefix of a second name of each argument, for launch files that include this one: an included file inherits all
values of the including one, where `model` is usually a URDF, `device` a serial port, `params_file` that of the
navigation."""

AUDIO_SOURCES = ('microphone', 'topic', 'file')
"""What `audio.source` may be."""

_TRUE, _FALSE = ('true', 'yes', 'on', '1'), ('false', 'no', 'off', '0')
"""Truth as YAML writes it, and as Python's and XML's launch files do; in any case."""


@dataclass(frozen=True)
class LaunchArgument:
    """One argument: its name on the command line, its default, and what it means."""

    name: str
    default: str
    description: str


ARGUMENTS = (
    LaunchArgument('params_file', '', 'YAML file with the parameters of the node; empty: all at their defaults.'),
    LaunchArgument('namespace', '', 'Namespace of the node; it moves every topic and service.'),
    LaunchArgument('model', '', 'Model folder, or name of a model made by train; empty: as in params_file.'),
    LaunchArgument('device', '', 'Where the model runs: auto, cpu, cuda or cuda:N; empty: as in params_file.'),
    LaunchArgument('backend', '', 'What runs the model: auto, torch or onnx; empty: as in params_file.'),
    LaunchArgument('source', '', 'Where sound comes from: microphone, topic or file; empty: as in params_file.'),
    LaunchArgument('file', '', 'WAV or FLAC file to listen to; with it, source is file unless given.'),
    LaunchArgument('autostart', '', 'true or false (wait for a lifecycle manager); empty: as in params_file.'),
    LaunchArgument('use_sim_time', '', 'true: take the time from /clock; empty: as in params_file.'),
    LaunchArgument('log_level', 'info', 'debug, info, warn, error or fatal.'),
    LaunchArgument('respawn', 'false', 'true: restart the node two seconds after it has ended.'),
)

_PARAMETERS = {
    'model': 'model.path',
    'device': 'model.device',
    'backend': 'model.backend',
    'source': 'audio.source',
    'file': 'audio.file',
    'autostart': 'autostart',
    'use_sim_time': 'use_sim_time',
}
"""The parameter behind an argument; an argument left empty leaves it to the file."""

_TRUTHS = ('autostart', 'use_sim_time', 'respawn')

_PATTERNS = {
    'device': (DEVICE_PATTERN, 'auto, cpu, cuda or cuda:N'),
    'backend': ('|'.join(BACKENDS), ', '.join(BACKENDS)),
    'source': ('|'.join(AUDIO_SOURCES), ', '.join(AUDIO_SOURCES)),
}


@dataclass(frozen=True)
class NodeSetup:
    """How the node is to be started.

    Attributes:
        params_file: A file that exists, or '' for none.
        parameters: Values by name, which come after the file.
    """

    namespace: str
    params_file: str
    parameters: dict[str, str | bool]
    log_level: str
    respawn: bool


def node_setup(given: Mapping[str, str]) -> NodeSetup:
    """Return what the values of all ARGUMENTS, by name, ask for. Raises SerError, also for a missing file."""
    value = {argument.name: given[argument.name].strip() for argument in ARGUMENTS}
    if value['file'] and not value['source']:
        value['source'] = 'file'
    try:
        checked = {name: _check(name, text) for name, text in value.items() if text}
    except OSError as error:
        raise refusal(error) from None
    return NodeSetup(
        namespace=value['namespace'],
        params_file=value['params_file'],
        parameters={parameter: checked[name] for name, parameter in _PARAMETERS.items() if name in checked},
        log_level=value['log_level'] or 'info',
        respawn=bool(checked.get('respawn', False)),
    )


def _check(name: str, text: str) -> str | bool:
    if name in _TRUTHS:
        return _truth(name, text)
    if name in _PATTERNS:
        pattern, wanted = _PATTERNS[name]
        if not re.fullmatch(pattern, text):
            raise SerError(f"the launch argument {name} is '{text}', which is not one of {wanted}; {_advice(name)}")
    if name == 'params_file' and not Path(text).is_file():
        raise SerError(f"the launch argument params_file is '{text}', and there is no such file; {_advice(name)}")
    if name == 'model':
        try:
            find_model(text)
        except SerError as error:
            raise SerError(f'the launch argument model: {error}; {_advice(name)}') from None
    return text


def _truth(name: str, text: str) -> bool:
    if text.lower() in _TRUE + _FALSE:
        return text.lower() in _TRUE
    raise SerError(f"the launch argument {name} is '{text}', which is neither true nor false; {_advice(name)}")


def _advice(name: str) -> str:
    return f'correct it, or pass {PREFIX}{name} where the value is that of a launch file which includes this one'
