# SPDX-License-Identifier: Apache-2.0
"""Nodes whose logs show the progress of their start."""

import contextlib
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ser_ros.errors import SerError
from ser_ros.testing.node_process import NodeProcess

_START_TIMEOUT = 300.0
_LOOK_PERIOD = 0.05
_STAGES = {'imports and ROS': 'loading the model', 'model': 'ready in', 'listening': 'listening to'}
"""Stage -> the beginning of the log line that ends it."""
_LOG_LINE = re.compile(r'\[INFO\] \[(?P<time>[\d.]+)\] \[\S+\]: (?P<text>.*)')


@contextlib.contextmanager
def logging_node(name: str, parameters: dict) -> Iterator[NodeProcess]:
    """Yield a node called `name`, with `parameters`, that writes a log and publishes on `emotion_topic(name)`."""
    with tempfile.TemporaryDirectory(prefix='ser-benchmark-') as folder:
        arguments = ['-r', f'emotion:={emotion_topic(name)}']
        with NodeProcess(parameters, name=name, arguments=arguments, log=Path(folder) / f'{name}.log') as node:
            yield node


def emotion_topic(name: str) -> str:
    """Return where the node `name` publishes its emotions."""
    return f'{name}_emotion'


def wait_until_listening(node: NodeProcess) -> dict[str, float]:
    """Return the seconds of each stage of its start. Raises SerError if the node does not start."""
    deadline = time.monotonic() + _START_TIMEOUT
    while 'listening' not in (found := _stages(node.output)):
        if node.exit_code is not None or time.monotonic() > deadline:
            last = (node.output.strip().splitlines() or ['it said nothing'])[-1]
            raise SerError(f'the node did not come up: {last}')
        time.sleep(_LOOK_PERIOD)
    times = [node.began, *(found[stage] for stage in _STAGES)]
    return {stage: times[index + 1] - times[index] for index, stage in enumerate(_STAGES)}


def _stages(log: str) -> dict[str, float]:
    lines = [match for match in map(_LOG_LINE.match, log.splitlines()) if match]
    found = {}
    for stage, beginning in _STAGES.items():
        times = [float(line['time']) for line in lines if line['text'].startswith(beginning)]
        if times:
            found[stage] = times[0]
    return found
