# SPDX-License-Identifier: Apache-2.0
"""The node's clock, and whether time passes on it: with `use_sim_time` it may not have begun, or stand still."""

import time

from rclpy.clock import ROSClock
from rclpy.node import Node

from ser_ros.node.fault_log import FaultLog
from ser_ros.node.subjects import Level, Subject

_NANOSECONDS = 1_000_000_000
_LONGEST_STEP = 0.5
"""Seconds between two messages on /clock of the slowest simulation."""
_PATIENCE = 3.0
"""Seconds for which time may not pass before that is told: /clock takes a while to be discovered."""


class NodeTime:
    """Reads the node's clock; any thread may ask."""

    def __init__(self, node: Node):
        """Begin to watch the clock of `node`."""
        self._clock = node.get_clock()
        self._faults = FaultLog(node.get_logger())
        self._value = -1
        self._changed = time.monotonic()

    def seconds(self) -> float:
        """Return the time; 0 before the first message on /clock."""
        return self._clock.now().nanoseconds / _NANOSECONDS

    @property
    def passes(self) -> bool:
        """Whether stamps may be taken from it: neither before the first message on /clock, nor while that is paused."""
        return self._still() <= _LONGEST_STEP and (self._value > 0 or not self._is_simulated)

    def look(self) -> str:
        """Return, and log once, why the stamps of messages are of little use; '' if they are good."""
        problem = self._problem()
        level = Level.WARN if problem else Level.OK
        self._faults.look(Subject('time', level, problem or 'it passes', {}))
        return problem

    @property
    def _is_simulated(self) -> bool:
        return isinstance(self._clock, ROSClock) and self._clock.ros_time_is_active

    def _still(self) -> float:
        """Return for how many seconds the clock has not moved."""
        value, now = self._clock.now().nanoseconds, time.monotonic()
        if value != self._value:
            self._value, self._changed = value, now
        return now - self._changed

    def _problem(self) -> str:
        if not self._is_simulated or self._still() <= _PATIENCE:
            return ''
        if self._value <= 0:
            return (
                'use_sim_time is set, but no time comes on /clock, so what is stamped here is stamped 0; start the '
                'simulation (or `ros2 bag play --clock`), or set use_sim_time to false'
            )
        return (
            f'use_sim_time is set, and the time on /clock has stood still at {self._value / _NANOSECONDS:.1f} s, so '
            'what is stamped here has stamps that stand still too; let the simulation (or the bag) go on'
        )
