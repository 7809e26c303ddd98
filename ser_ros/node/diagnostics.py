# SPDX-License-Identifier: Apache-2.0
"""What `/diagnostics` tells about the node."""

from dataclasses import dataclass

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from ser_ros.pipeline import PipelineCounts

_LONGEST_PAUSE = 1.0
"""Seconds without a block after which an active source counts as silent; blocks come every 32 ms."""


@dataclass(frozen=True)
class NodeStatus:
    """A snapshot of the node."""

    state: str
    source: str
    model: str
    device: str
    robot_speaks: bool
    counts: PipelineCounts | None
    last_emotion: str
    last_latency: float | None
    error: str


def to_diagnostics(status: NodeStatus, *, name: str, stamp) -> DiagnosticArray:
    """Return the message for `status`; `name` is the node's full name without the leading slash."""
    level, text = _judge(status)
    entry = DiagnosticStatus(level=level, name=f'{name}: emotion recognition', message=text, hardware_id=status.source)
    entry.values = [KeyValue(key=key, value=str(value)) for key, value in _values(status)]
    array = DiagnosticArray(status=[entry])
    array.header.stamp = stamp
    return array


def _judge(status: NodeStatus) -> tuple[bytes, str]:
    counts = status.counts
    if status.error:
        return DiagnosticStatus.ERROR, status.error
    if counts and status.state == 'active':
        if counts.seconds_since_block > _LONGEST_PAUSE:
            return DiagnosticStatus.ERROR, f'no sound for {counts.seconds_since_block:.1f} s; check the microphone'
        if counts.dropped_final:
            return DiagnosticStatus.WARN, f'{counts.dropped_final} utterance(s) lost: the model is too slow here'
        if counts.overflows:
            return DiagnosticStatus.WARN, f'sound was lost {counts.overflows} time(s): the machine is too busy'
    return DiagnosticStatus.OK, 'listening' if status.state == 'active' else status.state


def _values(status: NodeStatus) -> list[tuple[str, object]]:
    counts = status.counts
    return [
        ('lifecycle state', status.state),
        ('source', status.source),
        ('model', status.model),
        ('device', status.device),
        ('deaf while the robot speaks', 'yes' if status.robot_speaks else 'no'),
        ('blocks', counts.blocks if counts else 0),
        ('overflows', counts.overflows if counts else 0),
        ('utterances', counts.utterances if counts else 0),
        ('answered', counts.answered if counts else 0),
        ('dropped interim', counts.dropped_interim if counts else 0),
        ('dropped final', counts.dropped_final if counts else 0),
        ('discarded while the robot spoke', counts.discarded_by_gate if counts else 0),
        ('last emotion', status.last_emotion),
        ('last latency', '' if status.last_latency is None else f'{status.last_latency:.3f} s'),
    ]
