# SPDX-License-Identifier: Apache-2.0
"""A clock that ROS simulates, moved by hand, and the monotonic one beside it."""

import types

import pytest
from rclpy.clock import ROSClock
from rclpy.time import Time

from ser_ros.node import node_time
from ser_ros.node.node_time import NodeTime


class World:
    def __init__(self, monkeypatch):
        self.now, self.lines = 100.0, []
        monkeypatch.setattr(node_time, 'time', types.SimpleNamespace(monotonic=lambda: self.now))
        self.clock = ROSClock()
        logger = types.SimpleNamespace(error=self.lines.append, warning=self.lines.append, info=self.lines.append)
        self.time = NodeTime(types.SimpleNamespace(get_clock=lambda: self.clock, get_logger=lambda: logger))

    def simulate(self):
        self.clock._set_ros_time_is_active(True)

    def pass_time(self, seconds, *, rate):
        """Look five times a second, as diagnostics do; return what is told in the end."""
        for _ in range(round(5 * seconds)):
            self.now += 0.2
            if rate is not None:
                later = self.clock.now().nanoseconds + round(0.2e9 * rate)
                self.clock.set_ros_time_override(Time(nanoseconds=later, clock_type=self.clock.clock_type))
            problem = self.time.look()
        return problem


@pytest.fixture
def world(monkeypatch):
    return World(monkeypatch)


def test_the_wall_clock_is_no_problem(world):
    assert world.pass_time(10.0, rate=None) == '' and world.time.passes and world.lines == []


def test_before_there_is_a_clock_that_is_told_after_a_while_once_and_withdrawn_when_it_comes(world):
    world.simulate()
    assert world.pass_time(2.0, rate=None) == '' and not world.time.passes
    problem = world.pass_time(8.0, rate=None)
    for text in ('use_sim_time', '/clock', 'stamped 0', 'ros2 bag play --clock', 'set use_sim_time to false'):
        assert text in problem
    assert world.time.seconds() == 0.0 and len(world.lines) == 1
    assert world.pass_time(1.0, rate=1.0) == '' and world.time.passes
    assert 'in order again' in world.lines[1]


def test_a_pause_is_told_and_so_is_its_end(world):
    world.simulate()
    assert world.pass_time(20.0, rate=1.0) == ''
    assert world.pass_time(2.0, rate=0.0) == '' and not world.time.passes
    problem = world.pass_time(8.0, rate=0.0)
    assert 'stood still at 20.0 s' in problem and 'let the simulation' in problem
    assert world.pass_time(1.0, rate=0.1) == '' and world.time.passes


@pytest.mark.parametrize('rate', [-50.0, 0.01, 100.0])
def test_time_that_jumps_or_crawls_passes(world, rate):
    world.simulate()
    world.clock.set_ros_time_override(Time(seconds=10_000, clock_type=world.clock.clock_type))
    assert world.pass_time(10.0, rate=rate) == '' and world.time.passes and world.lines == []
