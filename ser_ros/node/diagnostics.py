# SPDX-License-Identifier: Apache-2.0
"""Publishes the node's condition on `diagnostics`: once a second, and at once when a level changes."""

import time
from collections import deque
from collections.abc import Callable

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import QoSProfile

from ser_ros.node.fault_log import FaultLog
from ser_ros.node.subjects import MICROPHONE, NodeStatus, Recent, Subject, subjects
from ser_ros.pipeline.status import PipelineStatus
from ser_ros.speech.rejection import Rejection

_PERIOD = 1.0
"""Seconds between messages: diagnostic_aggregator treats anything older than five as stale."""
_LOOK_PERIOD = 0.2
"""Seconds between looks at the levels."""
_MEMORY = 60.0
"""Seconds that count as recent."""
_OURS = 'ser_ros'
"""Part of every status name, so that an analyzer finds this node under any node name, and no other node."""
_LAST_WORDS_TIMEOUT = Duration(seconds=2)


class DiagnosticsPublisher:
    """Takes a snapshot five times a second and publishes what has changed."""

    def __init__(self, node: Node, snapshot: Callable[[], NodeStatus]):
        """Create the publisher and the timer on `node`."""
        self._node = node
        self._snapshot = snapshot
        self._recently = Recently()
        self._faults = FaultLog(node.get_logger())
        self._levels: list = []
        self._last = -_PERIOD
        self._publisher = node.create_publisher(DiagnosticArray, 'diagnostics', QoSProfile(depth=10))
        # Not the node's own clock, which may be set back, or stand still in a simulation.
        node.create_timer(_LOOK_PERIOD, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def publish(self, *, and_wait: bool = False) -> None:
        """Publish now; with `and_wait`, return once all subscribers have it, or after two seconds."""
        self._publish(self._faults_told())
        if and_wait:
            self._publisher.wait_for_all_acked(_LAST_WORDS_TIMEOUT)

    def _look(self) -> None:
        found = self._faults_told()
        if time.monotonic() >= self._last + _PERIOD or [subject.level for subject in found] != self._levels:
            self._publish(found)

    def _faults_told(self) -> list[Subject]:
        """Return the subjects now, and log what is new in them."""
        status = self._snapshot()
        found = subjects(status, self._recently.update(status.pipeline))
        self._faults.look(next(subject for subject in found if subject.name == MICROPHONE))
        return found

    def _publish(self, found: list[Subject]) -> None:
        self._last = time.monotonic()
        self._levels = [subject.level for subject in found]
        prefix = f'{self._node.get_fully_qualified_name().lstrip("/")}: {_OURS}'
        array = DiagnosticArray(status=[to_status(subject, prefix) for subject in found])
        array.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(array)


class Recently:
    """Remembers the counts of the last minute."""

    def __init__(self) -> None:
        """Start with nothing remembered."""
        self._seen: deque[tuple[float, tuple[int, ...]]] = deque()

    def update(self, status: PipelineStatus | None, now: float | None = None) -> Recent:
        """Add the counts at `now` (seconds of `time.monotonic()`) and return those of the last minute."""
        now = time.monotonic() if now is None else now
        if status is None:
            self._seen.clear()
            return Recent()
        counts = (
            *(status.blocks, status.utterances, sum(status.losses.values()), status.dropped_final),
            *(status.rejected.get(reason, 0) for reason in (Rejection.TOO_QUIET, Rejection.NOISE)),
        )
        if self._seen and any(new < old for new, old in zip(counts, self._seen[-1][1], strict=True)):
            self._seen.clear()
        self._seen.append((now, counts))
        while now - self._seen[0][0] > _MEMORY:
            self._seen.popleft()
        since, before = self._seen[0]
        blocks, utterances, *others = (new - old for new, old in zip(counts, before, strict=True))
        elapsed = max(now - since, _LOOK_PERIOD)
        return Recent(blocks / elapsed, 60 * utterances / elapsed, *others)


def to_status(subject: Subject, prefix: str) -> DiagnosticStatus:
    """Return the message for `subject`; `prefix`: start of its name, the node's full name without the first slash."""
    return DiagnosticStatus(
        level=bytes([subject.level]),
        name=f'{prefix}: {subject.name}',
        message=subject.message,
        hardware_id=str(subject.values.get('source', subject.values.get('device', ''))),
        values=[KeyValue(key=key, value=str(value)) for key, value in subject.values.items()],
    )
