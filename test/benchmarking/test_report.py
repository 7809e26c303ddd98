# SPDX-License-Identifier: Apache-2.0
"""The table and the JSON from made figures."""

import json

import numpy as np
import pytest

from ser_ros.benchmarking.latency import LiveFigures
from ser_ros.benchmarking.recognition import PEER, PEER_IN_FLOAT32, Agreement, LinearFit, Timing, Way
from ser_ros.benchmarking.report import Report


@pytest.fixture
def report():
    return Report({'CPU': 'made, 2 cores'}, {'model': 'tiny', 'weights': 'random'}, 'benchmark --quick')


def live(decision, **changes) -> LiveFigures:
    values = {
        'nodes': 1,
        'utterances': 3,
        'answered': len(decision),
        'end_to_message': np.array(decision) + 500.0,
        'decision_to_message': np.array(decision),
        'interim': 0,
        'idle_percent': (2.0,),
        'idle_seconds': 5.0,
        'megabytes': 150.0,
        'own_megabytes': 80.0,
        'threads': 9,
        'start_seconds': {'imports and ROS': 0.5, 'model': 0.25},
    }
    return LiveFigures(**values | changes)


def rows(report: Report, title: str) -> list[list[str]]:
    """Return the cells below the headers of a section."""
    section = report.markdown().partition(f'## {title}')[2].partition('\n## ')[0]
    lines = [line for line in section.splitlines() if line.startswith('|')]
    return [[cell.strip() for cell in line.strip('|').split('|')] for line in lines[2:]]


def test_hardware_and_command_stand_at_the_top(report):
    assert '| CPU | made, 2 cores |' in report.markdown()
    assert '`benchmark --quick`' in report.markdown()
    assert report.values['model'] == {'model': 'tiny', 'weights': 'random'}


def test_every_way_is_set_against_the_peer(report):
    report.add_recognition({'onnx': [Timing(3.0, 10.0, 12.0, 20)], PEER: [Timing(3.0, 25.0, 30.0, 20)]}, (3.0,))
    ours, peer = rows(report, 'Recognition of 3 s')
    assert ours == ['onnx', '10.0 ms', '12.0 ms', '20', '2.5', f'`{"█" * 8}`']
    assert peer[4:] == ['1.0', f'`{"█" * 20}`']
    assert report.values['recognition']['onnx'] == [{'seconds': 3.0, 'median_ms': 10.0, 'p95_ms': 12.0, 'runs': 20}]


def test_the_faster_of_two_peers_counts(report):
    found = {'onnx': 10.0, PEER: 80.0, PEER_IN_FLOAT32: 20.0}
    report.add_recognition({name: [Timing(1.0, median, median, 5)] for name, median in found.items()}, (1.0,))
    assert [row[4] for row in rows(report, 'Recognition of 1 s')] == ['2.0', '0.2', '1.0']


def test_without_the_peer_there_is_no_ratio_but_a_reason(report):
    report.add_ways({'torch': Way(lambda samples: None, 'on cpu', 1.0)}, 'expects 3000 frames')
    report.add_recognition({'torch': [Timing(1.0, 10.0, 12.0, 5)]}, (1.0,))
    assert rows(report, 'Ways') == [['torch', 'on cpu'], [PEER, 'cannot run this model: expects 3000 frames']]
    assert rows(report, 'Recognition of 1 s')[0][4] == ''


def test_lines_and_agreement(report):
    report.add_lines({'onnx': LinearFit(1.5, 0.7, 0.04)}, 10.0)
    report.add_agreement({('onnx', 'torch'): Agreement(1440, 0.995, 0.0123), ('onnx', PEER): Agreement(9, 1.0, None)})
    assert rows(report, 'Cost against length') == [['onnx', '1.5 ms', '0.70 ms', '4%']]
    ours, peer = rows(report, 'Agreement')
    assert ours == ['onnx / torch', '1440', '99.50%', '0.0123']
    assert 'temperature' in peer[3]


def test_live_figures_and_the_ratio_to_the_first(report):
    report.add_live({'off': live([2.0, 4.0, 6.0]), 'on': live([4.0, 8.0, 12.0], interim=7)})
    off, on = rows(report, 'Over real DDS')
    assert off == ['off', '1', '3 of 3', '4.0 / 5.8 / 6.0', '504.0 / 505.8 / 506.0', '0', '1.00']
    assert on[5:] == ['7', '2.00']
    idle = rows(report, 'Idle')[0]
    assert idle[1:5] == ['2.0 %, at most 2.0 %', '150 MB, 80 MB', '9', '0.75 s']


def test_a_node_that_never_answered_is_shown_as_that(report):
    report.add_live({'off': live([])})
    assert rows(report, 'Over real DDS')[0][2:] == ['0 of 3', 'none', 'none', '0', '']


def test_the_floor_says_how_many_times_it_takes(report):
    figures = {
        'gigaflop': 80.0,
        'gigaflop_per_second': 400_000.0,
        'gigabytes': 0.6,
        'gigabytes_per_second': 2000.0,
        'floor_ms': 0.3,
        'median_ms': 0.45,
    }
    report.add_floor({'a GPU': figures})
    assert rows(report, '3 s against')[0][-3:] == ['0.30 ms', '0.45 ms', '1.5']


def test_everything_can_be_written_as_json(report):
    report.add_vad(0.07, 0.08, 500)
    report.add_idle(2.0, 30.0)
    report.add_live({'off': live([2.0])})
    values = json.loads(json.dumps(report.values))
    assert values['vad'] == {'median_ms': 0.07, 'p95_ms': 0.08, 'runs': 500}
    assert values['idle']['percent_of_a_core'] == 2.0
    assert values['live']['off']['decision_to_message'] == [2.0]
