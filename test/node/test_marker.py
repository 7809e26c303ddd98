# SPDX-License-Identifier: Apache-2.0
"""The text for RViz, on a stand-in node and a stand-in visualization_msgs."""

import math
import sys
import types
from dataclasses import dataclass, field

import pytest
from builtin_interfaces.msg import Duration, Time
from geometry_msgs.msg import Pose, Vector3
from stand_in_node import StandInNode
from std_msgs.msg import ColorRGBA, Header

from ser_msgs.msg import Emotion
from ser_ros.emotions import LABELS
from ser_ros.node.marker import COLOURS, EmotionMarker
from ser_ros.node.settings import Ros4hriParameters


@dataclass
class Marker:
    TEXT_VIEW_FACING = 9
    ADD = 0
    header: Header = field(default_factory=Header)
    ns: str = ''
    type: int = 0
    action: int = 0
    pose: Pose = field(default_factory=Pose)
    scale: Vector3 = field(default_factory=Vector3)
    color: ColorRGBA = field(default_factory=ColorRGBA)
    lifetime: Duration = field(default_factory=Duration)
    text: str = ''


@pytest.fixture
def node(monkeypatch):
    """Return a node where visualization_msgs can be imported."""
    messages = types.ModuleType('visualization_msgs.msg')
    messages.Marker = Marker
    monkeypatch.setitem(sys.modules, 'visualization_msgs', types.ModuleType('visualization_msgs'))
    monkeypatch.setitem(sys.modules, 'visualization_msgs.msg', messages)
    return StandInNode()


def settings(*, source='topic', ros4hri=False, voice_id=''):
    return types.SimpleNamespace(voice_source=source, ros4hri=Ros4hriParameters(ros4hri, voice_id))


def shown(node, made_with, **fields):
    message = Emotion(**{'emotion': 'happy', 'confidence': 0.83, 'direction': math.nan, **fields})
    message.header.frame_id = 'ear'
    message.header.stamp.sec = 12
    marker = EmotionMarker(node, made_with)
    marker.publish(message)
    marker.destroy()
    assert node.qos == {}
    return node.published['~/marker'][-1]


def place(marker):
    position = marker.pose.position
    return marker.header.frame_id, round(position.x, 3), round(position.y, 3)


def test_it_is_a_text_that_rviz_can_show(node):
    marker = shown(node, settings())
    assert marker.text == 'happy 83%'
    assert (marker.type, marker.action, marker.ns) == (Marker.TEXT_VIEW_FACING, Marker.ADD, 'ser')
    assert marker.scale.z > 0 and marker.color.a == 1.0 and marker.pose.orientation.w == 1.0
    assert 1 <= marker.lifetime.sec <= 10
    # The latest transform: the utterance began longer ago than tf may remember.
    assert marker.header.stamp == Time()


def test_what_is_unknown_has_no_confidence(node):
    assert shown(node, settings(), emotion=Emotion.UNKNOWN, confidence=0.31).text == 'unknown'


def test_it_stands_where_the_voice_comes_from(node):
    assert place(shown(node, settings())) == ('ear', 0.0, 0.0)
    assert place(shown(node, settings(), direction=math.pi / 2)) == ('ear', 0.0, 1.0)
    assert place(shown(node, settings(), direction=-math.pi)) == ('ear', -1.0, 0.0)


@pytest.mark.parametrize(
    ('options', 'voice', 'frame'),
    [
        ({'source': 'ros4hri'}, 'anna', 'voice_anna'),
        ({'source': 'ros4hri'}, '', 'ear'),
        ({'ros4hri': True, 'voice_id': 'speaker'}, '', 'voice_speaker'),
        ({'ros4hri': True, 'voice_id': 'speaker', 'source': 'ros4hri'}, 'anna', 'voice_anna'),
        ({'ros4hri': False, 'voice_id': 'speaker'}, '', 'ear'),
        # The node's own voice is the microphone, and a name on `voice` is no frame.
        ({'ros4hri': True}, 'anna', 'ear'),
        ({}, 'anna', 'ear'),
    ],
)
def test_a_voice_that_another_node_places_has_a_frame_of_its_own(node, options, voice, frame):
    marker = shown(node, settings(**options), voice=voice, direction=math.pi / 2)
    assert place(marker) == (frame, 0.0, 1.0 if frame == 'ear' else 0.0)


def test_every_emotion_has_a_colour_of_its_own_and_others_are_grey(node):
    assert set(COLOURS) == set(LABELS)
    assert len(set(COLOURS.values())) == len(LABELS)
    colour = shown(node, settings(), emotion='sarcastic').color
    assert colour.r == colour.g == colour.b


def test_without_visualization_msgs_the_cure_is_named(monkeypatch, refuses):
    monkeypatch.setitem(sys.modules, 'visualization_msgs', None)
    monkeypatch.setitem(sys.modules, 'visualization_msgs.msg', None)
    monkeypatch.setenv('ROS_DISTRO', 'jazzy')
    node = StandInNode()
    with refuses('marker.enabled', 'visualization_msgs is not installed', 'ros-jazzy-visualization-msgs'):
        EmotionMarker(node, settings())
    assert node.qos == {}
