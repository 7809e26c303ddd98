# SPDX-License-Identifier: Apache-2.0
"""A place that the node cannot use is one sentence in its log and its diagnostics, and the node goes on."""

import numpy as np
import pytest
import soundfile
from permissions import permissions_count
from rclpy.parameter import Parameter

from ser_ros.node.node import SerNode

PLACES = ('audio.file', 'model.path', 'adaptation.file', 'record.directory')


@pytest.fixture
def bring_up(context, tmp_path, adapting_model):
    """Return bring_up(name, place): a node with that parameter, and whether it could be configured and activated."""
    soundfile.write(tmp_path / 'silence.wav', np.zeros(16_000), 16_000)
    nodes = []

    def make(name, place):
        values = {'model.path': str(adapting_model), 'audio.file': str(tmp_path / 'silence.wav')}
        values |= {'audio.source': 'file', 'audio.exit_at_end': False, 'autostart': False, name: str(place)}
        overrides = [Parameter(key, value=value) for key, value in values.items()]
        nodes.append(SerNode(context=context, parameter_overrides=overrides))
        return nodes[-1], nodes[-1].bring_up()

    yield make
    for node in nodes:
        node.destroy_node()


@pytest.mark.parametrize('name', PLACES)
def test_a_folder_that_one_may_not_enter_is_said(bring_up, tmp_path, name):
    closed = tmp_path / 'closed'
    (closed / 'inside').mkdir(parents=True)
    closed.chmod(0)
    with permissions_count():
        node, is_up = bring_up(name, closed / 'inside')
        error = node._snapshot().error
    closed.chmod(0o700)
    assert not is_up
    assert str(closed) in error and 'Permission denied' in error and '\n' not in error


@pytest.mark.parametrize('name', PLACES)
@pytest.mark.parametrize('place', ['x' * 300, 'x/' * 2500, 'silence.wav/deeper'])
def test_a_place_that_cannot_be_is_said(bring_up, tmp_path, monkeypatch, name, place):
    monkeypatch.chdir(tmp_path)
    node, is_up = bring_up(name, place)
    assert not is_up and node._snapshot().error
