# SPDX-License-Identifier: Apache-2.0
"""The topic `~/hearing` of a node in this process: there while somebody subscribes, and in no other case."""

import numpy as np
import pytest
import rclpy
import soundfile
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, qos_profile_sensor_data

from ser_msgs.msg import Hearing
from ser_ros.node.messages import seconds
from ser_ros.node.node import SerNode

PATIENCE = 30.0


@pytest.fixture
def node(context, tmp_path, random_weight_model):
    """Yield an active node that hears faint noise, for longer than the test takes."""
    sound = 0.01 * np.random.default_rng(0).standard_normal(16_000 * 120)
    soundfile.write(tmp_path / 'noise.wav', sound, 16_000)
    values = {
        'model.path': str(random_weight_model),
        'audio.source': 'file',
        'audio.file': str(tmp_path / 'noise.wav'),
        'audio.frame_id': 'ear',
        'autostart': False,
    }
    overrides = [Parameter(name, value=value) for name, value in values.items()]
    made = SerNode(context=context, parameter_overrides=overrides, namespace='robot')
    assert made.bring_up()
    yield made
    made.destroy_node()


@pytest.fixture
def spin(context, node):
    """Return spin(until): let the node and the lookers work until something is so."""
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)

    def spin(looker, until):
        executor.add_node(looker)
        for _ in range(round(PATIENCE / 0.05)):
            if until():
                return
            executor.spin_once(timeout_sec=0.05)
        raise AssertionError('it did not come')

    yield spin
    executor.shutdown()


@pytest.mark.parametrize('qos', [QoSProfile(depth=10), qos_profile_sensor_data], ids=['reliable', 'best effort'])
def test_whoever_subscribes_sees_level_floor_and_states(context, node, spin, qos):
    looker = rclpy.create_node('looker', context=context)
    seen = []
    looker.create_subscription(Hearing, '/robot/ser/hearing', seen.append, qos)
    spin(looker, lambda: len(seen) >= 20)
    looker.destroy_node()
    last = seen[-1]
    assert (last.header.frame_id, last.state, last.gate) == ('ear', Hearing.QUIET, '')
    assert last.level == pytest.approx(-40.0, abs=1.0)
    assert last.floor == pytest.approx(-40.0, abs=2.0)
    assert 0.0 <= last.speech_probability < 0.5
    steps = np.diff([seconds(message.header.stamp) for message in seen])
    assert steps.mean() == pytest.approx(0.1, abs=0.02)


def test_while_nobody_subscribes_no_message_is_made_and_a_muted_node_says_so(context, node, spin, monkeypatch):
    made = []
    publish = node._state.configured.hearing._publisher.publish
    monkeypatch.setattr(
        node._state.configured.hearing._publisher,
        'publish',
        lambda message: (made.append(message.gate), publish(message)),
    )
    idle = rclpy.create_node('idle', context=context)
    spin(idle, lambda: node._state.pipeline.status().blocks > 40)
    assert made == []
    seen = []
    subscription = idle.create_subscription(Hearing, '/robot/ser/hearing', seen.append, qos_profile_sensor_data)
    spin(idle, lambda: seen)
    node._gate.listen(False, 0.0)
    spin(idle, lambda: seen[-1].gate == 'muted by hand')
    assert seen[-1].level == pytest.approx(-40.0, abs=1.0)
    idle.destroy_subscription(subscription)
    spin(idle, lambda: not node._state.configured.hearing.is_wanted())
    count, blocks = len(made), node._state.pipeline.status().blocks
    spin(idle, lambda: node._state.pipeline.status().blocks > blocks + 40)
    assert len(made) <= count + 1
    idle.destroy_node()
