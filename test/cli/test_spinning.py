# SPDX-License-Identifier: Apache-2.0
"""A node that a signal reaches in the middle of its work ends, and ends well."""

import subprocess
import sys

import pytest

TIMEOUT = 60

NODE = """
import signal, sys
from rclpy.node import Node
from rclpy.task import Future
from ser_ros.cli.spinning import run_node

class Busy(Node):
    def __init__(self):
        super().__init__('busy')
        self.finished = Future()
        self.create_timer(0.01, self._work)

    def _work(self):
        {work}

sys.exit(run_node(Busy, []))
"""

SWALLOWED = """try:
            signal.raise_signal(signal.{name})
        except BaseException:
            pass  # as rclpy's own code does with what a conversion raises"""

LONG = """signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        sys.exit('went on')"""


def end(work):
    node = subprocess.run(
        [sys.executable, '-c', NODE.replace('{work}', work)], capture_output=True, text=True, timeout=TIMEOUT
    )
    return node.returncode, node.stderr


@pytest.mark.parametrize('name', ['SIGINT', 'SIGTERM'])
def test_a_signal_is_not_lost_in_the_middle_of_a_callback(name, ros_domain):
    assert end(SWALLOWED.replace('{name}', name)) == (0, '')


def test_sigterm_interrupts_a_callback_that_a_signal_before_could_not_end(ros_domain):
    assert end(LONG) == (0, '')
