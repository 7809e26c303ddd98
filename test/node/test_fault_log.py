# SPDX-License-Identifier: Apache-2.0
"""What comes into the log of faults that begin, go on, change and end."""

import pytest

from ser_ros.node.fault_log import FaultLog
from ser_ros.node.subjects import Level, Subject


class StandInLogger:
    def __init__(self):
        self.lines = []

    def error(self, text):
        self.lines.append(('error', text))

    def warning(self, text):
        self.lines.append(('warning', text))

    def info(self, text):
        self.lines.append(('info', text))


@pytest.fixture
def logger():
    return StandInLogger()


@pytest.fixture
def faults(logger):
    return FaultLog(logger)


def microphone(level, message):
    return Subject('microphone', level, message, {})


FINE = microphone(Level.OK, 'listening')


def silent(seconds):
    return microphone(Level.ERROR, f'no sound for {seconds:.1f} s; check the microphone')


def test_nothing_is_told_while_all_is_well(faults, logger):
    for now in range(100):
        faults.look(FINE, float(now))
    assert logger.lines == []


def test_a_fault_is_told_once_with_its_cure_and_so_is_its_end(faults, logger):
    for now in range(100):
        faults.look(silent(now), float(now))
    faults.look(FINE, 100.0)
    faults.look(FINE, 101.0)
    assert logger.lines == [
        ('error', 'microphone: no sound for 0.0 s; check the microphone'),
        ('info', 'microphone: in order again, listening'),
    ]


def test_a_warning_is_a_warning_and_does_not_become_news_as_an_error(faults, logger):
    faults.look(microphone(Level.WARN, 'only zeros for 0.8 s; switch it on'), 0.0)
    faults.look(microphone(Level.ERROR, 'only zeros for 10.2 s; switch it on'), 10.0)
    assert logger.lines == [('warning', 'microphone: only zeros for 0.8 s; switch it on')]


def test_another_fault_is_told_as_well(faults, logger):
    faults.look(silent(1), 0.0)
    faults.look(microphone(Level.ERROR, 'unplugged; plug it in'), 1.0)
    faults.look(FINE, 2.0)
    assert [kind for kind, _ in logger.lines] == ['error', 'error', 'info']


def test_a_fault_that_flutters_is_no_flood(faults, logger):
    for now in range(0, 300, 2):
        faults.look(silent(1), float(now))
        faults.look(FINE, now + 1.0)
    assert [kind for kind, _ in logger.lines] == ['error', 'info'] * 5
