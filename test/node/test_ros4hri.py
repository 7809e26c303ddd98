# SPDX-License-Identifier: Apache-2.0
"""What is published as REP-155 says, on a stand-in node and a stand-in hri_msgs; test/e2e has the real thing."""

import math
import re
import sys
import types
from dataclasses import dataclass, field

import pytest
from builtin_interfaces.msg import Time
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from stand_in_node import StandInNode
from std_msgs.msg import Bool, Header

from ser_msgs.msg import Emotion
from ser_ros.emotions import LABELS, UNKNOWN
from ser_ros.node.ros4hri import VoicePublisher


@dataclass
class StandInIdsList:
    header: Header = field(default_factory=Header)
    ids: list = field(default_factory=list)


@dataclass
class StandInExpression:
    header: Header = field(default_factory=Header)
    expression: str = ''
    valence: float = 0.0
    arousal: float = 0.0
    confidence: float = 0.0


@pytest.fixture
def node(monkeypatch):
    """Return a node where hri_msgs can be imported."""
    messages = types.ModuleType('hri_msgs.msg')
    messages.IdsList, messages.Expression = StandInIdsList, StandInExpression
    monkeypatch.setitem(sys.modules, 'hri_msgs', types.ModuleType('hri_msgs'))
    monkeypatch.setitem(sys.modules, 'hri_msgs.msg', messages)
    return StandInNode()


@pytest.fixture
def voice(node):
    return VoicePublisher(node)


def topic(voice, name):
    return f'/humans/voices/{voice.voice_id}/{name}'


def tracked(node):
    return [message.ids for message in node.published['/humans/voices/tracked']]


def spoken(node, voice):
    return [message.data for message in node.published[topic(voice, 'is_speaking')]]


def test_topics_and_their_qos(node, voice):
    assert re.fullmatch('[a-z]{5}', voice.voice_id)
    assert set(node.qos) == {'/humans/voices/tracked', topic(voice, 'is_speaking'), topic(voice, 'expression')}
    assert {qos.reliability for qos in node.qos.values()} == {ReliabilityPolicy.RELIABLE}
    latched = {name for name, qos in node.qos.items() if qos.durability == DurabilityPolicy.TRANSIENT_LOCAL}
    assert latched == {'/humans/voices/tracked', topic(voice, 'is_speaking')}


def test_the_voice_is_tracked_while_active_and_keeps_its_id(node, voice):
    assert tracked(node) == []
    for _ in range(2):
        voice.activate()
        voice.deactivate()
    assert tracked(node) == [[voice.voice_id], [], [voice.voice_id], []]
    assert node.published['/humans/voices/tracked'][-1].header.stamp != Time()


def test_the_tracked_voice_is_repeated_every_second_while_active(node, voice):
    """libhri's subscription is volatile, so whoever comes later hears nothing of a latched list."""
    (timer,) = node.timers
    assert timer.period == 1.0
    timer.fire()
    assert tracked(node) == []
    voice.activate()
    timer.fire()
    timer.fire()
    assert tracked(node) == [[voice.voice_id]] * 3
    voice.deactivate()
    timer.fire()
    assert tracked(node) == [[voice.voice_id]] * 3 + [[]]


def test_another_publisher_of_tracked_is_told_once_with_the_cure(node, voice):
    voice.activate()
    node.timers[0].fire()
    assert node.warnings == []
    node.publishers['/humans/voices/tracked'] = 2
    node.timers[0].fire()
    node.timers[0].fire()
    (warning,) = node.warnings
    assert 'ros4hri.voice_id' in warning
    node.publishers['/humans/voices/tracked'] = 1
    node.timers[0].fire()
    node.publishers['/humans/voices/tracked'] = 2
    node.timers[0].fire()
    assert len(node.warnings) == 2


def test_another_nodes_voice_gets_the_expression_and_nothing_else(node):
    voice = VoicePublisher(node, 'anonymous_speaker')
    assert set(node.qos) == {'/humans/voices/anonymous_speaker/expression'}
    voice.activate()
    voice.speaking(True)
    voice.estimate(Emotion(is_final=True, emotion='sad', confidence=0.5))
    voice.deactivate()
    assert [message.expression for message in node.published['/humans/voices/anonymous_speaker/expression']] == ['sad']
    assert node.timers == []
    voice.destroy()
    assert node.qos == {}


def test_two_voices_have_two_ids(node):
    assert len({VoicePublisher(node).voice_id for _ in range(20)}) == 20


def test_speaking_follows_and_never_stays_on(node, voice):
    voice.activate()
    voice.speaking(True)
    voice.speaking(False)
    voice.speaking(True)
    voice.deactivate()
    assert spoken(node, voice) == [False, True, False, True, False]
    assert all(isinstance(message, Bool) for message in node.published[topic(voice, 'is_speaking')])


@pytest.mark.parametrize('emotion', LABELS)
def test_a_final_estimate_becomes_an_expression(node, voice, emotion):
    message = Emotion(is_final=True, emotion=emotion, confidence=0.5, valence=-0.25, arousal=0.75)
    message.header.stamp.sec = 12
    message.header.frame_id = 'ear'
    voice.estimate(message)
    (expression,) = node.published[topic(voice, 'expression')]
    assert expression.header == message.header
    renamed = {'calm': 'neutral', 'fearful': 'scared', 'disgust': 'disgusted'}
    assert expression.expression == renamed.get(emotion, emotion)
    assert expression.confidence == 0.5
    assert (expression.valence, expression.arousal) == (-0.25, 0.75)


def test_an_expression_has_no_way_to_say_that_valence_and_arousal_are_not_known(node, voice):
    voice.estimate(Emotion(is_final=True, emotion='happy', confidence=0.5, valence=math.nan, arousal=math.nan))
    (expression,) = node.published[topic(voice, 'expression')]
    assert (expression.valence, expression.arousal) == (0.0, 0.0)


@pytest.mark.parametrize(('emotion', 'is_final'), [('happy', False), (UNKNOWN, True), ('sarcastic', True)])
def test_what_is_not_final_or_cannot_be_said_brings_none(node, voice, emotion, is_final):
    voice.estimate(Emotion(is_final=is_final, emotion=emotion, confidence=0.5))
    assert node.published[topic(voice, 'expression')] == []


def test_destroy_takes_all_topics_away(node, voice):
    voice.destroy()
    assert node.qos == {} and node.timers == []


@pytest.mark.parametrize(
    ('distribution', 'package'), [('jazzy', 'ros-jazzy-hri-msgs'), ('', 'ros-$ROS_DISTRO-hri-msgs')]
)
def test_without_hri_msgs_the_cure_is_named(monkeypatch, refuses, distribution, package):
    monkeypatch.setitem(sys.modules, 'hri_msgs', None)
    monkeypatch.setitem(sys.modules, 'hri_msgs.msg', None)
    monkeypatch.setenv('ROS_DISTRO', distribution)
    node = StandInNode()
    with refuses('ros4hri.enabled', 'hri_msgs is not installed', f'sudo apt install {package}'):
        VoicePublisher(node)
    assert node.published == {}
