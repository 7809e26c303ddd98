# SPDX-License-Identifier: Apache-2.0
"""How a node gets used to voices, forgets them, and keeps them over restarts; in this process."""

import shutil

import numpy as np
import pytest
import soundfile
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from ser_ros.emotions import LABELS
from ser_ros.node.node import SerNode
from ser_ros.recognition.adaptation import ORDINARY

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE
SOUND = 0.1 * np.random.default_rng(1).standard_normal(16_000).astype(np.float32)


@pytest.fixture
def configure(context, tmp_path, adapting_model):
    """Return configure(**parameters): a node on a silent file, configured, and whether that succeeded."""
    soundfile.write(tmp_path / 'silence.wav', np.zeros(16_000), 16_000)
    nodes = []

    def make(**parameters):
        values = {
            'model.path': str(adapting_model),
            'audio.source': 'file',
            'audio.file': str(tmp_path / 'silence.wav'),
            'autostart': False,
        }
        values |= {name.replace('__', '.'): value for name, value in parameters.items()}
        overrides = [Parameter(name, value=value) for name, value in values.items()]
        nodes.append(SerNode(context=context, parameter_overrides=overrides))
        return nodes[-1], nodes[-1].trigger_configure()

    yield make
    for node in nodes:
        node.destroy_node()


def say(node, times=1, *, voice=''):
    """Let the node's recogniser answer an utterance that many times, as the pipeline does; return the last answer."""
    adaptation = node._state.adaptation
    for _ in range(times):
        estimate = adaptation.recogniser.classify(SOUND, voice=voice)
        adaptation.hear(estimate)
    return estimate


def forget(node):
    return node._state.adaptation._on_forget(Trigger.Request(), Trigger.Response())


def told(node):
    return node._snapshot().adaptation


def test_it_counts_what_it_has_heard_and_forgets_when_it_is_asked_to(configure):
    node, _ = configure()
    first = say(node)
    assert (first.heard, say(node, 3).heard) == (0, 3)
    assert np.abs(say(node).probabilities - first.probabilities).max() > 1e-3
    assert told(node) == '5 utterance(s) heard, 0 voice(s) known by name, ordinary speech expected in 50%'
    assert forget(node).success
    assert told(node) == '0 utterance(s) heard, 0 voice(s) known by name, ordinary speech expected in 50%'
    assert (say(node).probabilities == first.probabilities).all()


def test_it_keeps_apart_whom_the_robot_names(configure):
    node, _ = configure()
    say(node, 2)
    assert [say(node, voice='anna').heard for _ in range(3)] == [0, 1, 2]
    assert say(node, voice='anna').voice == 'anna'
    assert told(node).startswith('6 utterance(s) heard, 1 voice(s) known by name, ')


def test_it_can_be_switched_off_and_on_while_it_runs(configure):
    node, _ = configure()
    first = say(node)
    say(node, 3)
    node.set_parameters([Parameter('adaptation.enabled', value=False)])
    assert (say(node).probabilities == first.probabilities).all()
    assert told(node) == 'off'
    node.set_parameters([Parameter('adaptation.enabled', value=True)])
    assert say(node).heard == 4


def test_it_expects_the_share_of_ordinary_speech_that_it_is_told(configure):
    node, _ = configure()
    answers = []
    for share in (0.5, 0.9):
        forget(node)
        node.set_parameters([Parameter('adaptation.ordinary_share', value=share)])
        say(node)
        answers.append(say(node).probabilities)
    assert told(node).endswith('ordinary speech expected in 90%')
    expected = answers[0] * np.where(np.isin(LABELS, ORDINARY), 0.9 / 0.1, 1.0)
    assert answers[1] == pytest.approx(expected / expected.sum(), abs=1e-5)
    assert not node.set_parameters([Parameter('adaptation.ordinary_share', value=1.0)])[0].successful


def test_a_file_keeps_it_over_a_restart(configure, tmp_path):
    file = tmp_path / 'kept' / 'heard.npz'
    node, _ = configure(adaptation__file=str(file))
    assert file.exists()
    say(node, 3)
    before = say(node).probabilities
    node.trigger_cleanup()
    again, _ = configure(adaptation__file=str(file))
    answer = say(again)
    assert answer.heard == 4
    assert np.abs(answer.probabilities - before).max() < 0.2
    forget(again)
    afresh, _ = configure(adaptation__file=str(file))
    assert say(afresh).heard == 0


def test_a_damaged_file_is_replaced(configure, tmp_path):
    file = tmp_path / 'heard.npz'
    file.write_bytes(b'not numpy')
    node, result = configure(adaptation__file=str(file))
    assert result == SUCCESS
    assert say(node).heard == 0
    assert file.read_bytes() != b'not numpy'


def test_a_file_that_cannot_be_written_is_said_before_anyone_speaks(configure, tmp_path):
    (tmp_path / 'taken').write_text('a file')
    node, result = configure(adaptation__file=str(tmp_path / 'taken' / 'heard.npz'))
    assert result == FAILURE
    assert 'adaptation.file' in node._snapshot().error


def test_what_cannot_be_forgotten_in_the_file_is_said(configure, tmp_path):
    node, _ = configure(adaptation__file=str(tmp_path / 'kept' / 'heard.npz'))
    say(node, 2)
    shutil.rmtree(tmp_path / 'kept')
    (tmp_path / 'kept').write_text('a file')
    response = forget(node)
    assert not response.success
    assert 'adaptation.file' in response.message
    assert say(node).heard == 0


def test_a_model_without_a_prior_answers_as_it_is_and_says_so(configure, random_weight_model):
    node, _ = configure(model__path=str(random_weight_model))
    assert (say(node).probabilities == say(node, 3).probabilities).all()
    assert say(node).heard == 0
    assert 'no adaptation.npz' in told(node)
    response = forget(node)
    assert not response.success
    assert 'no adaptation.npz' in response.message


def test_a_damaged_prior_is_refused(configure, adapting_model, tmp_path):
    folder = tmp_path / 'damaged'
    shutil.copytree(adapting_model, folder)
    (folder / 'adaptation.npz').write_bytes(b'')
    node, result = configure(model__path=str(folder))
    assert result == FAILURE
    assert 'adaptation.npz cannot be used' in node._snapshot().error
