# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus

from ser_ros.node.diagnostics import NodeStatus, to_diagnostics
from ser_ros.pipeline import PipelineCounts

COUNTS = PipelineCounts(
    blocks=100,
    overflows=0,
    utterances=3,
    answered=3,
    dropped_interim=0,
    dropped_final=0,
    discarded_by_gate=0,
    seconds_since_block=0.03,
)
HEALTHY = NodeStatus(
    state='active',
    source='microphone',
    model='default',
    device='cpu',
    robot_speaks=False,
    counts=COUNTS,
    last_emotion='happy',
    last_latency=0.61,
    error='',
)


def entry(status: NodeStatus) -> DiagnosticStatus:
    return to_diagnostics(status, name='robot/ser', stamp=Time(sec=7)).status[0]


def test_healthy_is_ok_and_tells_everything():
    told = entry(HEALTHY)
    assert told.level == DiagnosticStatus.OK
    assert told.name.startswith('robot/ser')
    assert {pair.key: pair.value for pair in told.values} == {
        'lifecycle state': 'active',
        'source': 'microphone',
        'model': 'default',
        'device': 'cpu',
        'deaf while the robot speaks': 'no',
        'blocks': '100',
        'overflows': '0',
        'utterances': '3',
        'answered': '3',
        'dropped interim': '0',
        'dropped final': '0',
        'discarded while the robot spoke': '0',
        'last emotion': 'happy',
        'last latency': '0.610 s',
    }


@pytest.mark.parametrize(
    'status, level, words',
    [
        (replace(HEALTHY, error='no microphone; plug one in'), DiagnosticStatus.ERROR, 'plug one in'),
        (
            replace(HEALTHY, counts=replace(COUNTS, seconds_since_block=1.5)),
            DiagnosticStatus.ERROR,
            'no sound for 1.5 s',
        ),
        (replace(HEALTHY, counts=replace(COUNTS, dropped_final=1)), DiagnosticStatus.WARN, 'too slow'),
        (replace(HEALTHY, counts=replace(COUNTS, overflows=2)), DiagnosticStatus.WARN, 'lost 2 time(s)'),
        (replace(HEALTHY, state='inactive', counts=None), DiagnosticStatus.OK, 'inactive'),
    ],
)
def test_what_is_wrong_sets_the_level_and_the_words(status, level, words):
    told = entry(status)
    assert told.level == level
    assert words in told.message
