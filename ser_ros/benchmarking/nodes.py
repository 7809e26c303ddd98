# SPDX-License-Identifier: Apache-2.0
"""Real `ser` nodes in processes of their own, which hear a topic and say in their logs how far they are."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ser_ros.benchmarking.machine import cpu_seconds, memory_megabytes, threads
from ser_ros.errors import SerError

_START_TIMEOUT = 300.0
_END_TIMEOUT = 10.0
_LOOK_PERIOD = 0.05
_STAGES = {'imports and ROS': 'loading the model', 'model': 'ready in', 'listening': 'listening to'}
"""Stage -> the beginning of the log line that ends it."""
_LOG_LINE = re.compile(r'\[INFO\] \[(?P<time>[\d.]+)\] \[\S+\]: (?P<text>.*)')


class NodeProcess:
    """One node, from `with` to its end."""

    def __init__(self, name: str, parameters: dict):
        """`parameters`: of the node, by name."""
        self.name = name
        self._parameters = {'audio.source': 'topic'} | parameters
        self._log = tempfile.NamedTemporaryFile(mode='w+', prefix='ser-benchmark-', suffix='.log')  # noqa: SIM115

    def __enter__(self) -> 'NodeProcess':
        command = [sys.executable, '-m', 'ser_ros.cli.ser_node', '--ros-args', '-r', f'__node:={self.name}']
        command += ['-r', f'emotion:={self.topic}']
        for name, value in self._parameters.items():
            command += ['-p', f'{name}:={json.dumps(value)}']
        self._began = time.time()
        self._process = subprocess.Popen(command, stdout=self._log, stderr=subprocess.STDOUT)
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(_END_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    @property
    def topic(self) -> str:
        """Where its emotions are published."""
        return f'{self.name}_emotion'

    def wait_until_listening(self) -> dict[str, float]:
        """Return the seconds of each stage of the start. Raises SerError where the node does not come up."""
        deadline = time.monotonic() + _START_TIMEOUT
        while 'listening' not in (found := self._stages()):
            if self._process.poll() is not None or time.monotonic() > deadline:
                last = (self._text().strip().splitlines() or ['it said nothing'])[-1]
                raise SerError(f'the node did not come up: {last}')
            time.sleep(_LOOK_PERIOD)
        times = [self._began, *(found[stage] for stage in _STAGES)]
        return {stage: times[index + 1] - times[index] for index, stage in enumerate(_STAGES)}

    def cpu_seconds(self) -> float:
        """Return what it has used so far."""
        return cpu_seconds(self._process.pid)

    def memory_megabytes(self) -> tuple[float, float]:
        """Return what it holds, and what of it is shared with nobody."""
        return memory_megabytes(self._process.pid)

    def threads(self) -> int:
        """Return how many it runs on."""
        return threads(self._process.pid)

    def _text(self) -> str:
        return Path(self._log.name).read_text(errors='replace')

    def _stages(self) -> dict[str, float]:
        lines = [match for match in map(_LOG_LINE.match, self._text().splitlines()) if match]
        found = {}
        for stage, beginning in _STAGES.items():
            times = [float(line['time']) for line in lines if line['text'].startswith(beginning)]
            if times:
                found[stage] = times[0]
        return found


def choose_domain() -> None:
    """Stay on this machine and out of the way of other ROS nodes on it. To be called before rclpy is imported."""
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    os.environ['ROS_DOMAIN_ID'] = str(1 + os.getpid() % 100)
