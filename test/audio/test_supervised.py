# SPDX-License-Identifier: Apache-2.0
"""A device that fails and comes back, on a stand-in and on clocks that the test turns."""

import itertools
import types

import numpy as np
import pytest

from ser_ros.audio import supervised
from ser_ros.audio.block import AudioBlock
from ser_ros.audio.source import LONGEST_PAUSE, SourceUnavailable
from ser_ros.audio.supervised import SupervisedSource
from ser_ros.errors import SerError


class Clock:
    """Time that passes only where somebody sleeps or the test says so."""

    def __init__(self):
        self.now = 100.0
        self.slept = []

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


class Device:
    """Gives a block for each read while `works`; `opens` and `starts` say whether it lets itself be opened."""

    live = True
    problem = ''
    longest_pause = LONGEST_PAUSE

    def __init__(self, clock):
        self.clock = clock
        self.works = self.opens = self.starts = True
        self.refusal = SerError('the device is not there; plug it in')
        self.error = None
        self.opened = self.closed = 0
        self.opened_at = []
        self.losses = {'overflows': 2}

    @property
    def description(self):
        return f'device opened {self.opened} time(s)'

    def open(self):
        self.opened_at.append(self.clock.now)
        if not self.opens:
            raise self.refusal
        self.opened += 1

    def start(self):
        if not self.starts:
            raise SerError('the device opened but did not start; look at it')

    def read(self, timeout):
        if self.error is not None:
            raise self.error
        if not self.works:
            self.clock.sleep(timeout)
            return None
        self.clock.now += 0.032
        return AudioBlock(np.zeros(512, dtype=np.float32), self.clock.now, self.clock.now)

    def close(self):
        self.closed += 1


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(supervised, 'time', types.SimpleNamespace(monotonic=made.monotonic, sleep=made.sleep))
    return made


@pytest.fixture
def device(clock):
    return Device(clock)


@pytest.fixture
def source(device):
    made = SupervisedSource(device)
    made.open()
    made.start()
    return made


def read_until(source, condition, *, reads=200):
    for _ in range(reads):
        block = source.read(0.1)
        if condition(block):
            return block
    raise AssertionError(f'did not come true in {reads} reads; problem: {source.problem!r}')


def test_while_all_is_well_it_is_the_device(source, device):
    block = source.read(0.1)
    assert not block.after_gap
    assert (source.problem, source.live, source.losses) == ('', True, {'overflows': 2, 'reopened': 0})
    assert source.description == 'device opened 1 time(s)'


def test_a_device_that_falls_silent_is_told_within_a_second_and_opened_anew(source, device, clock):
    source.read(0.1)
    device.works = False
    since = clock.now
    read_until(source, lambda block: source.problem)
    assert LONGEST_PAUSE < clock.now - since < 1.0
    assert 'no sound' in source.problem and device.closed == 1
    device.works = True
    block = read_until(source, lambda block: block is not None)
    assert block.after_gap and source.problem == ''
    assert source.losses['reopened'] == 1
    assert not source.read(0.1).after_gap


def test_an_error_while_reading_is_told_and_healed(source, device):
    device.error = SerError('the driver broke; mend it')
    assert source.read(0.1) is None
    assert source.problem == 'the driver broke; mend it'
    device.error = None
    assert read_until(source, lambda block: block is not None).after_gap


def test_it_is_tried_again_with_growing_pauses_and_says_why(source, device, clock):
    device.works = device.opens = False
    read_until(source, lambda block: len(device.opened_at) == 8, reads=1000)
    pauses = np.diff(device.opened_at[1:])
    assert pauses[0] == pytest.approx(0.5, abs=0.15)
    assert all(later > sooner - 0.2 for sooner, later in itertools.pairwise(pauses))
    assert max(pauses) == pytest.approx(4.0, abs=0.2)
    assert source.problem == 'the device is not there; plug it in'
    device.works = device.opens = True
    assert read_until(source, lambda block: block is not None).after_gap
    assert device.opened == 2


def test_no_read_lasts_longer_than_it_may(source, device, clock):
    device.works = device.opens = False
    for _ in range(50):
        before = clock.now
        source.read(0.1)
        assert clock.now - before <= 0.1 + 1e-9


def test_a_device_that_opens_but_gives_nothing_is_not_well(source, device):
    device.works = False
    read_until(source, lambda block: source.losses['reopened'] == 3, reads=1000)
    assert source.problem


def test_a_device_that_does_not_start_is_tried_again(clock, device):
    device.starts = False
    source = SupervisedSource(device)
    source.open()
    source.start()
    assert 'did not start' in source.problem
    device.starts = True
    assert read_until(source, lambda block: block is not None).after_gap


def test_at_the_start_a_wrong_name_is_the_users_to_cure(clock, device, refuses):
    device.opens = False
    with refuses('not there', 'plug it in'):
        SupervisedSource(device).open()


def test_a_device_that_is_not_there_yet_is_waited_for(clock, device):
    device.opens = False
    device.refusal = SourceUnavailable('the device is not there; plug it in')
    source = SupervisedSource(device)
    source.open()
    assert source.problem == 'the device is not there; plug it in; it is waited for'
    source.start()
    read_until(source, lambda block: len(device.opened_at) == 8, reads=1000)
    pauses = np.diff(device.opened_at)
    assert pauses[0] == pytest.approx(0.25, abs=0.15) and max(pauses) == pytest.approx(4.0, abs=0.2)
    assert source.problem == 'the device is not there; plug it in; it is waited for'
    device.opens = True
    assert read_until(source, lambda block: block is not None)
    assert source.problem == ''
    assert source.losses['reopened'] == 0
    source.close()
    source.open()
    source.start()
    assert source.read(0.1) is not None


def test_a_device_that_is_not_there_is_an_error_where_that_is_wanted(clock, device, refuses):
    device.opens = False
    device.refusal = SourceUnavailable('the device is not there; plug it in')
    with refuses('not there', 'plug it in'):
        SupervisedSource(device, waits=False).open()


def test_it_can_be_closed_and_opened_again(source, device):
    device.error = SerError('the driver broke; mend it')
    source.read(0.1)
    source.close()
    device.error = None
    source.open()
    source.start()
    assert not source.read(0.1).after_gap
    assert source.problem == ''
