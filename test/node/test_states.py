# SPDX-License-Identifier: Apache-2.0
"""What the node holds from one transition to the next, in this process."""

import numpy as np
import pytest
import soundfile
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from ser_ros.errors import SerError
from ser_ros.node.node import SerNode
from ser_ros.node.states import Active, Configured, Unconfigured

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


@pytest.fixture
def make(context, tmp_path, random_weight_model):
    """Return make(**parameters): a node that hears a minute of faint noise, not configured yet."""
    sound = 0.001 * np.random.default_rng(0).standard_normal(16_000 * 60)
    soundfile.write(tmp_path / 'noise.wav', sound, 16_000)
    nodes = []

    def make(**parameters) -> SerNode:
        values = {
            'model.path': str(random_weight_model),
            'audio.source': 'file',
            'audio.file': str(tmp_path / 'noise.wav'),
            'audio.exit_at_end': False,
            'autostart': False,
        }
        values |= {name.replace('__', '.'): value for name, value in parameters.items()}
        overrides = [Parameter(name, value=value) for name, value in values.items()]
        nodes.append(SerNode(context=context, parameter_overrides=overrides))
        return nodes[-1]

    yield make
    for node in nodes:
        node.destroy_node()


def test_each_transition_leaves_the_object_of_its_state(make):
    node = make()
    assert isinstance(node._state, Unconfigured)
    assert node.trigger_configure() == SUCCESS
    configured = node._state
    assert isinstance(configured, Configured)
    assert node.trigger_activate() == SUCCESS
    assert isinstance(node._state, Active)
    assert node._state.configured is configured
    assert node.trigger_deactivate() == SUCCESS
    assert node._state is configured
    assert node.trigger_cleanup() == SUCCESS
    assert isinstance(node._state, Unconfigured)


def test_a_snapshot_has_what_is_there(make):
    node = make()
    assert (node._snapshot().source, node._snapshot().model) == ('file', '')
    node.trigger_configure()
    assert node._snapshot().source.endswith('noise.wav')
    assert node._snapshot().model
    assert node._snapshot().pipeline is None
    node.trigger_activate()
    assert node._snapshot().pipeline is not None


def test_a_failed_configure_keeps_nothing_but_the_sentence(make):
    node = make(model__path='/not/there')
    assert node.trigger_configure() == FAILURE
    assert isinstance(node._state, Unconfigured)
    assert '/not/there' in node._snapshot().error


def test_a_failed_activate_stays_configured_and_can_be_tried_again(make, monkeypatch):
    node = make()
    node.trigger_configure()

    def fail(pipeline):
        raise SerError('no')

    with monkeypatch.context() as patched:
        patched.setattr('ser_ros.node.states.Pipeline.start', fail)
        assert node.trigger_activate() == FAILURE
    assert isinstance(node._state, Configured)
    assert node._snapshot().error == 'no'
    assert node.trigger_activate() == SUCCESS
    assert node._snapshot().error == ''


def test_an_end_that_is_noticed_too_late_ends_no_later_pipeline(make):
    node = make()
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    node.trigger_configure()
    node.trigger_activate()
    node._state.end.set_result(None)
    node._pipeline_ended.trigger()
    node.trigger_deactivate()
    node.trigger_activate()
    again = node._state
    for _ in range(5):
        executor.spin_once(timeout_sec=0.05)
    assert node._state is again
    again.end.set_result(None)
    node._pipeline_ended.trigger()
    while node._state is again:
        executor.spin_once(timeout_sec=0.05)
    assert node._state is again.configured


def test_a_source_that_does_not_let_go_is_replaced(make, monkeypatch):
    node = make()
    node.trigger_configure()
    node.trigger_activate()
    stuck = node._state.configured.audio
    with monkeypatch.context() as patched:
        patched.setattr('ser_ros.node.states.Pipeline.stop', lambda pipeline: False)
        pipeline = node._state.pipeline
        assert node.trigger_deactivate() == SUCCESS
    pipeline.stop()
    assert node._state.audio is not stuck
    assert node._state.audio.source is not stuck.source
    assert node.trigger_activate() == SUCCESS
