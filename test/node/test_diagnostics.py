# SPDX-License-Identifier: Apache-2.0
"""The last minute's counts, and the message."""

from dataclasses import replace
from pathlib import Path

import pytest
import rclpy
import yaml
from diagnostic_msgs.msg import DiagnosticStatus

from ser_ros.audio.monitor import SignalStatistics
from ser_ros.node.diagnostics import DiagnosticsPublisher, Recently, to_status
from ser_ros.node.subjects import Level, NodeStatus, Recent, Subject
from ser_ros.pipeline.status import PipelineStatus
from ser_ros.speech.rejection import Rejection

STATUS = PipelineStatus(
    blocks=0,
    seconds_since_block=0.0,
    is_silent=False,
    losses={'overflows': 0},
    signal=SignalStatistics(),
    noise_floor=-70.0,
    voice_level=-31.0,
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
    rejected = {Rejection.TOO_QUIET: 2, Rejection.NOISE: 4, Rejection.TOO_SHORT: 9}
    now = counted(blocks=310, utterances=2, losses={'overflows': 3}, dropped_final=1, rejected=rejected)
    recent = recently.update(now, now=110.0)
    assert recent == Recent(blocks=31.0, utterances=12.0, losses=3, dropped=1, too_quiet=2, noise=4)


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
    status = to_status(Subject('gate', level, 'open', {'source': 'mic', 'count': 3}), 'robot/ser: ser_ros')
    assert (status.level, status.name) == (byte, 'robot/ser: ser_ros: gate')
    assert (status.message, status.hardware_id) == ('open', 'mic')
    assert [(pair.key, pair.value) for pair in status.values] == [('source', 'mic'), ('count', '3')]


ANALYZERS = Path(__file__).resolve().parents[2] / 'config' / 'diagnostics.yaml'


def sorted_by_the_analyzers(name: str) -> list[str]:
    """Return the paths of the analyzers that take a status of this name, by GenericAnalyzer's `contains`."""
    group = yaml.safe_load(ANALYZERS.read_text())['/**']['ros__parameters']['speech_emotion_recognition']
    analyzers = group['analyzers'].values()
    assert all(analyzer['type'] == 'diagnostic_aggregator/GenericAnalyzer' for analyzer in analyzers)
    return [analyzer['path'] for analyzer in analyzers if any(part in name for part in analyzer['contains'])]


@pytest.mark.parametrize(('name', 'namespace'), [('ser', ''), ('ears', ''), ('ser', 'robot'), ('laser', '/a/b')])
def test_the_analyzers_find_each_status_of_the_node_under_any_name(snapshot, name, namespace):
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node(name, namespace=namespace, context=context)
    published = []
    publisher = DiagnosticsPublisher(node, lambda: snapshot)
    publisher._publisher.publish = published.append
    publisher.publish()
    rclpy.shutdown(context=context)
    names = [status.name for status in published[0].status]
    found = [sorted_by_the_analyzers(status) for status in names]
    assert found == [['Node'], ['Microphone'], ['Speech'], ['Recognition'], ['Gate']]


@pytest.mark.parametrize(
    'name', ['laser: node', 'ser: node', 'camera: microphone', 'microphone: microphone', 'ser_ros']
)
def test_the_analyzers_take_nothing_of_other_nodes(name):
    assert sorted_by_the_analyzers(name) == []


@pytest.fixture
def snapshot() -> NodeStatus:
    return NodeStatus(
        lifecycle_state='inactive',
        error='',
        source='microphone',
        problem='',
        live=True,
        model='default',
        device='cpu',
        backend='onnx',
        degraded='',
        pipeline=None,
        gate=None,
        robot_publishers=0,
        last_emotion='',
        latencies=(),
        inference_times=(),
        recording='',
        recording_problem='',
    )
