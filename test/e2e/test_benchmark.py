# SPDX-License-Identifier: Apache-2.0
"""The benchmark's own measurements of real nodes over real DDS."""

import pytest

from ser_ros.benchmarking.latency import measure_idle, measure_live
from ser_ros.errors import SerError

PARAMETERS = {'model.device': 'cpu'}
INTERIM = {'emotion.interim_period': 0.5}


def test_two_settings_with_two_nodes_each_are_measured_on_the_same_speech(ros_domain, speech):
    stages = []
    found = measure_live(
        [speech],
        {'off': PARAMETERS, 'on': PARAMETERS | INTERIM},
        nodes=2,
        rounds=2,
        idle_seconds=1.0,
        on_progress=stages.append,
    )
    for live in found.values():
        assert (live.nodes, live.utterances, live.answered) == (2, 4, 4)
        # Never before the packet that decides; on a busy machine some time after.
        assert live.decision_to_message.min() > 0 and live.decision_to_message.max() < 2000
        assert (live.end_to_message - live.decision_to_message).min() > 400
        assert len(live.idle_percent) == 2 and 0 <= max(live.idle_percent) < 100
        assert 50 < live.own_megabytes < live.megabytes and live.threads > 1
        assert list(live.start_seconds) == ['imports and ROS', 'model', 'listening']
        assert min(live.start_seconds.values()) >= 0
    assert found['off'].interim == 0 < found['on'].interim
    assert 'on: 1 s of silence' in stages and sum('round 2 of 2' in stage for stage in stages) == 2


def test_silence_from_a_file_costs_a_part_of_a_core(ros_domain):
    assert 0 < measure_idle(PARAMETERS, 2.0) < 100


def test_a_node_that_does_not_come_up_is_told_with_its_last_words(ros_domain, tmp_path):
    with pytest.raises(SerError, match=r'did not come up: .*nowhere'):
        measure_idle({'model.path': str(tmp_path / 'nowhere')}, 1.0)
