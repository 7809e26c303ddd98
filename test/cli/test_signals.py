# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C and SIGTERM end a command with 130 and 143, without a traceback, during its imports and afterwards."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ser_ros.cli import signals
from ser_ros.cli.sentences import ends_in_a_sentence
from ser_ros.cli.signals import Interrupted, interruptible

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

IMPORTING = """
import importlib.abc, runpy, signal, sys

class Hook(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            signal.raise_signal({number})
            raise SystemExit('the import went on')

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Hook())
sys.argv = ['command', *{arguments!r}]
runpy.run_module('ser_ros.cli.{command}', run_name='__main__')
"""

FIRST_HEAVY = {
    'annotate': 'numpy',
    'benchmark': 'numpy',
    'demo': 'numpy',
    'devices': 'numpy',
    'mic_node': 'rclpy',
    'predict': 'numpy',
    'pretrain': 'yaml',
    'ser_node': 'rclpy',
    'train': 'yaml',
    'view': 'rclpy',
}
"""Command -> the first module of others that it imports before its main function runs."""

LATE = {
    'evaluate': ['default', '--data', 'corpus.csv'],
    'optimize': ['default'],
    'pretrain': ['--speech', '.', '--recipe', 'masked-prediction'],
    'train': ['--recipe', 'from-scratch', '--data', 'corpus.csv'],
}
"""Command -> arguments with which it imports torch."""


@pytest.fixture(autouse=True)
def heeded():
    """Let no signal be ignored, whatever started the tests: nohup, or a script in the background."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGTERM, signal.SIGHUP)}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def end_in_import(command, module, number, arguments=()):
    code = IMPORTING.format(command=command, module=module, number=int(number), arguments=list(arguments))
    return subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, timeout=60)


def test_each_command_is_here():
    scripts = {
        path.stem for path in Path(signals.__file__).parent.glob('*.py') if 'sys.exit(main())' in path.read_text()
    }
    assert scripts == FIRST_HEAVY.keys() | LATE.keys()


@pytest.mark.parametrize('command', FIRST_HEAVY)
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_during_imports_a_command_ends_at_once(command, number):
    done = end_in_import(command, FIRST_HEAVY[command], number)
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, '', '')


@pytest.mark.parametrize('command', LATE)
def test_during_late_imports_a_command_ends_at_once(command):
    done = end_in_import(command, 'torch', signal.SIGINT, LATE[command])
    assert (done.returncode, done.stderr) == (130, '')


@pytest.fixture(autouse=True)
def handlers():
    """Begin as a command does, and put back what pytest had."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize('number', SIGNALS)
def test_a_signal_clears_away_and_becomes_the_exit_code(number, tmp_path, capsys):
    @ends_in_a_sentence
    def main():
        (tmp_path / 'partial').touch()
        try:
            signal.raise_signal(number)
        finally:
            (tmp_path / 'partial').unlink()
        return 0

    assert main() == 128 + number
    assert list(tmp_path.iterdir()) == [] and capsys.readouterr() == ('', '')


def test_the_same_request_twice_does_not_interrupt_clearing_away(tmp_path):
    cleared = []
    with pytest.raises(Interrupted) as caught, interruptible():
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGTERM)
            cleared.append(True)
    assert caught.value.number == signal.SIGINT and cleared


def test_another_request_later_interrupts_again(monkeypatch):
    monkeypatch.setattr(signals, '_SAME_REQUEST', 0.0)
    with pytest.raises(Interrupted) as caught, interruptible():
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGTERM)
    assert caught.value.number == signal.SIGTERM


def test_afterwards_a_signal_does_what_it_did_before():
    with interruptible():
        pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_process_that_was_started_to_ignore_a_signal_does():
    """As by nohup, or by a shell for what it starts in the background."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with interruptible():
        signal.raise_signal(signal.SIGHUP)
