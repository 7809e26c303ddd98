# SPDX-License-Identifier: Apache-2.0
"""A node of this package in a separate process."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ser_ros.errors import SerError

SER_NODE = ('-m', 'ser_ros.cli.ser_node')
MIC_NODE = ('-m', 'ser_ros.cli.mic_node')

EXIT_TIMEOUT = 30.0
"""Seconds within which a node must end: it needs five at most on an idle machine."""


class NodeProcess:
    """Starts a node. As a context manager it ends it as a robot's bring-up would: SIGTERM, then SIGKILL if necessary.

    Attributes:
        began: time of the start, of `time.time()`.
        log: where its output goes, None for the output of this process.
    """

    def __init__(
        self,
        parameters: Mapping[str, object],
        *,
        program: Sequence[str | Path] = SER_NODE,
        name: str = '',
        namespace: str = '',
        arguments: Sequence[str] = (),
        log: Path | None = None,
        patience: float = EXIT_TIMEOUT,
        environment: Mapping[str, str] | None = None,
    ):
        """Start the node.

        Args:
            parameters: of the node, by name.
            program: what Python runs.
            name: instead of the node's own.
            namespace: without the slash; '' for none.
            arguments: more of what follows --ros-args.
            log: file for the output; None for the output of this process.
            patience: seconds within which it must end.
            environment: variables in addition to those of this process.

        """
        command = [sys.executable, *program, '--ros-args']
        command += ['-r', f'__node:={name}'] if name else []
        command += ['-r', f'__ns:=/{namespace}'] if namespace else []
        for parameter, value in parameters.items():
            command += ['-p', f'{parameter}:={json.dumps(value)}']
        # With the fault handler a node that does not end prints where its threads are.
        variables = {**os.environ, 'PYTHONFAULTHANDLER': '1', **(environment or {})}
        self.log = log
        self._patience = patience
        self.began = time.time()
        with log.open('w') if log else contextlib.nullcontext() as output:
            self._process = _start(
                [*command, *arguments],
                env=variables,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
            )

    def __enter__(self) -> 'NodeProcess':
        return self

    def __exit__(self, *exception: object) -> None:
        if self.exit_code is None:
            self.send(signal.SIGTERM)
            try:
                self._process.wait(self._patience)
            except subprocess.TimeoutExpired:
                self.kill()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """What it has ended with, None while it runs; negative is the signal that ended it."""
        return self._process.poll()

    @property
    def output(self) -> str:
        """What it has written to its log so far."""
        return self.log.read_text(errors='replace') if self.log else ''

    def send(self, with_signal: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(with_signal)

    def wait(self) -> int:
        """Return the exit code of a node that is ending.

        Raises SerError if it does not end within its patience; it is then aborted, and its output shows where its
        threads were.
        """
        try:
            return self._process.wait(self._patience)
        except subprocess.TimeoutExpired:
            self.send(signal.SIGABRT)
            self._process.wait()
            place = f'in {self.log}' if self.log else 'above'
            raise SerError(
                f'the node did not end within {self._patience:g} s; '
                f'where its threads stood is {place}, please report it'
            ) from None

    def end(self, with_signal: signal.Signals = signal.SIGINT) -> int:
        """End it as Ctrl-C does, or by another signal; return its exit code. Raises SerError as `wait`."""
        self.send(with_signal)
        return self.wait()

    def kill(self) -> None:
        """End it at once if it still runs."""
        self._process.kill()
        self._process.wait()

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Stop the whole process during the context."""
        self.send(signal.SIGSTOP)
        try:
            yield
        finally:
            self.send(signal.SIGCONT)


def _start(command: Sequence[str | Path], **options: Any) -> subprocess.Popen:
    """Start a process; a signal that comes meanwhile takes effect once the process is known, and ends it too."""
    waiting: list[int] = []
    process = None
    try:
        with _noted(waiting):
            process = subprocess.Popen(command, **options)
        for number in waiting:
            signal.raise_signal(number)
    except BaseException:
        if process is not None:
            process.kill()
            process.wait()
        raise
    return process


@contextlib.contextmanager
def _noted(waiting: list[int]) -> Iterator[None]:
    """Put the signals that would interrupt this thread into `waiting`."""
    found = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    if threading.current_thread() is not threading.main_thread():
        found = {}
    taken = {number: handler for number, handler in found.items() if callable(handler)}
    for number in taken:
        signal.signal(number, lambda number, frame: waiting.append(number))
    try:
        yield
    finally:
        for number, handler in taken.items():
            signal.signal(number, handler)
