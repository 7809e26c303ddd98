# SPDX-License-Identifier: Apache-2.0
"""The last minute's counts, and the message."""

from dataclasses import replace

import pytest
from diagnostic_msgs.msg import DiagnosticStatus

from ser_ros.audio.monitor import SoundHealth
from ser_ros.node.diagnostics import Recently, to_status
from ser_ros.node.subjects import Level, Recent, Subject
from ser_ros.pipeline import PipelineStatus

STATUS = PipelineStatus(
    blocks=0,
    seconds_since_block=0.0,
    is_silent=False,
    losses={'overflows': 0},
    problem='',
    health=SoundHealth(),
    room_floor=-70.0,
    is_speaking=False,
    utterances=0,
    answered=0,
    rejected={},
    dropped_interim=0,
    dropped_final=0,
    failed=0,
    waiting=0,
    lag=0.0,
    working_for=0.0,
    last_failure='',
)


def counted(**counts) -> PipelineStatus:
    return replace(STATUS, **counts)


def test_rates_and_losses_of_the_last_minute():
    recently = Recently()
    recently.update(STATUS, now=100.0)
    recent = recently.update(counted(blocks=310, utterances=2, losses={'overflows': 3}, dropped_final=1), now=110.0)
    assert recent == Recent(blocks=31.0, utterances=12.0, losses=3, dropped=1)


def test_what_is_older_than_a_minute_is_forgotten():
    recently = Recently()
    recently.update(STATUS, now=100.0)
    lossy = counted(losses={'overflows': 3, 'gaps': 1})
    assert recently.update(lossy, now=101.0).losses == 4
    for second in range(102, 161):
        recently.update(lossy, now=float(second))
    assert recently.update(lossy, now=162.0).losses == 0
    assert len(recently._seen) <= 62


def test_a_new_start_begins_anew():
    recently = Recently()
    recently.update(counted(blocks=1000, dropped_final=5), now=100.0)
    assert recently.update(counted(blocks=10), now=101.0) == Recent()
    assert recently.update(None, now=102.0) == Recent()
    assert recently.update(counted(dropped_final=7), now=103.0).dropped == 0


@pytest.mark.parametrize(
    ('level', 'byte'),
    [(Level.OK, DiagnosticStatus.OK), (Level.WARN, DiagnosticStatus.WARN), (Level.ERROR, DiagnosticStatus.ERROR)],
)
def test_the_message_holds_everything(level, byte):
    status = to_status(Subject('gate', level, 'open', {'source': 'mic', 'count': 3}), 'robot/ser')
    assert (status.level, status.name, status.message, status.hardware_id) == (byte, 'robot/ser: gate', 'open', 'mic')
    assert [(pair.key, pair.value) for pair in status.values] == [('source', 'mic'), ('count', '3')]
