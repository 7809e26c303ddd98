# SPDX-License-Identifier: Apache-2.0
"""Processes that stand in for nodes: how they are started and how they end."""

import json
import signal
import subprocess

import pytest

from ser_ros.errors import SerError
from ser_ros.testing.node_process import NodeProcess

ENDS = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
print('ready', flush=True)
time.sleep(600)
"""

STAYS = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def stuck():
    print('ready', flush=True)
    time.sleep(600)
stuck()
"""

TELLS = """
import json, os, sys
print(json.dumps([sys.argv[1:], os.environ['COLOUR']]))
"""


@pytest.fixture
def start(tmp_path):
    """Start a program in place of a node, and wait until it is ready; what still runs at the end is killed."""
    made = []

    def begin(program, *, parameters=None, is_ready='ready', **options) -> NodeProcess:
        made.append(NodeProcess(parameters or {}, program=['-c', program], log=tmp_path / 'log', **options))
        while is_ready not in made[-1].output:
            assert made[-1].exit_code is None
        return made[-1]

    yield begin
    for node in made:
        node.kill()


def test_a_node_is_told_its_names_and_parameters_as_ros_has_them(tmp_path):
    node = NodeProcess(
        {'autostart': False, 'audio.file': 'a "quoted" name', 'vad.threshold': 0.5},
        program=['-c', TELLS],
        name='ear',
        namespace='left',
        arguments=['--log-level', 'warn'],
        log=tmp_path / 'log',
        environment={'COLOUR': 'red'},
    )
    assert node.wait() == 0
    arguments, colour = json.loads(node.output)
    assert arguments[:5] == ['--ros-args', '-r', '__node:=ear', '-r', '__ns:=/left']
    assert arguments[5:11:2] == ['-p'] * 3 and arguments[11:] == ['--log-level', 'warn']
    assert arguments[6:12:2] == ['autostart:=false', r'audio.file:="a \"quoted\" name"', 'vad.threshold:=0.5']
    assert colour == 'red'


def test_a_context_ends_it_in_order(start):
    with start(ENDS) as node:
        assert node.exit_code is None
    assert node.exit_code == 3


def test_a_context_kills_what_does_not_end(start):
    with start(STAYS, patience=0.2) as node:
        pass
    assert node.exit_code == -signal.SIGKILL


def test_a_node_that_does_not_end_tells_where_it_stands(start):
    node = start(STAYS, patience=0.2)
    with pytest.raises(SerError, match=r'did not end within 0\.2 s; where its threads stood is in .*log'):
        node.end(signal.SIGTERM)
    assert node.exit_code == -signal.SIGABRT and 'in stuck' in node.output


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_is_started_leaves_no_process(monkeypatch, number):
    started = []

    class Interrupted(subprocess.Popen):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            started.append(self)
            signal.raise_signal(number)

    monkeypatch.setattr(subprocess, 'Popen', Interrupted)
    before = signal.signal(number, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            NodeProcess({}, program=['-c', 'import time; time.sleep(600)'])
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)
    assert started[0].poll() == -signal.SIGKILL
