# SPDX-License-Identifier: Apache-2.0
"""Whose voice it is, by the topic `voice` and by REP-155, on a stand-in node and a stand-in hri_msgs."""

import sys
import time
import types
from dataclasses import dataclass, field

import pytest
from rclpy.qos import DurabilityPolicy
from stand_in_node import StandInNode
from std_msgs.msg import Bool, String

from ser_ros.node.voice_inputs import TrackedVoices, VoiceTopic
from ser_ros.pipeline.voices import Voices

TRACKED = '/humans/voices/tracked'
LATER = 1e6


@dataclass
class IdsList:
    ids: list = field(default_factory=list)


@pytest.fixture
def node(monkeypatch):
    """Return a node where hri_msgs can be imported."""
    messages = types.ModuleType('hri_msgs.msg')
    messages.IdsList = IdsList
    monkeypatch.setitem(sys.modules, 'hri_msgs', types.ModuleType('hri_msgs'))
    monkeypatch.setitem(sys.modules, 'hri_msgs.msg', messages)
    return StandInNode()


class Room:
    """Voices of REP-155 around a node, whose own voice is `me`."""

    def __init__(self, node, own_voice='me'):
        self.node = node
        self.voices = Voices()
        self.followed = TrackedVoices(node, self.voices, own_voice)

    def track(self, *ids):
        self.node.come(TRACKED, IdsList(list(ids)))

    def speak(self, voice, speaking=True, **options):
        self.node.come(f'/humans/voices/{voice}/is_speaking', Bool(data=speaking), **options)

    @property
    def now(self):
        """Who speaks, when what has just ended is over."""
        return self.voices.at(LATER)


@pytest.fixture
def room(node):
    return Room(node)


def test_the_topic_says_who_speaks_from_when_it_was_sent():
    node, voices = StandInNode(), Voices()
    topic = VoiceTopic(node, voices)
    node.come('voice', String(data='anna'), ago=1.0)
    sent = time.monotonic() - 1.0
    assert (voices.at(sent - 0.2), voices.at(sent + 0.2)) == ('', 'anna')
    node.come('voice', String(data=''))
    assert voices.at(LATER) == ''
    topic.destroy()
    assert node.subscriptions == []


@pytest.mark.parametrize('ago', [-10.0, 3600.0])
def test_where_clocks_disagree_a_message_counts_from_when_it_came(ago):
    node, voices = StandInNode(), Voices()
    VoiceTopic(node, voices)
    node.come('voice', String(data='anna'), ago=ago)
    assert (voices.at(time.monotonic() - 0.5), voices.at(time.monotonic())) == ('', 'anna')


def test_the_voice_that_speaks_is_the_one(room):
    room.track('anna', 'ben')
    assert room.now == ''
    room.speak('anna')
    assert room.now == 'anna'
    room.speak('anna', False)
    assert room.now == ''
    room.speak('ben')
    assert room.now == 'ben'


def test_of_several_at_once_it_is_none_until_one_is_left(room):
    room.track('anna', 'ben')
    room.speak('anna')
    room.speak('ben')
    assert room.now == ''
    room.speak('anna', False)
    assert room.now == 'ben'


def test_who_falls_silent_a_little_before_the_last_sound_still_said_it(room):
    room.track('anna')
    room.speak('anna')
    room.speak('anna', False)
    assert room.voices.at(time.monotonic() + 0.1) == 'anna'
    assert room.voices.at(time.monotonic() + 1.0) == ''


def test_the_own_voice_is_not_followed_and_its_list_takes_nobody_away(room):
    room.track('anna')
    room.speak('anna')
    room.track('me')
    assert '/humans/voices/me/is_speaking' not in room.node.topics
    assert room.now == 'anna'
    room.track('me', 'anna')
    room.speak('me')
    assert room.now == 'anna'


@pytest.mark.parametrize('others', [(), ('ben',)])
def test_a_voice_that_is_tracked_no_more_does_not_speak(room, others):
    room.track('anna')
    room.speak('anna')
    room.track(*others)
    assert room.now == ''
    assert room.node.topics == {TRACKED, *(f'/humans/voices/{voice}/is_speaking' for voice in others)}


def test_a_voice_whose_publisher_dies_while_it_speaks_falls_silent(room):
    room.track('anna')
    (timer,) = room.node.timers
    assert not timer.runs
    room.speak('anna')
    timer.fire()
    assert room.now == 'anna'
    room.node.publishers['/humans/voices/anna/is_speaking'] = 0
    timer.fire()
    assert room.now == ''
    assert not timer.runs


def test_latched_and_other_topics_are_both_heard_and_each_message_once(room):
    room.track('anna')
    durabilities = {DurabilityPolicy.VOLATILE, DurabilityPolicy.TRANSIENT_LOCAL}
    for topic in room.node.topics:
        assert {one.qos.durability for one in room.node.subscriptions if one.topic == topic} == durabilities
    info = [{'source_timestamp': time.time_ns() + number} for number in (0, 1)]
    plain, latched = [one for one in room.node.subscriptions if one.topic.endswith('/is_speaking')]
    plain.callback(Bool(data=True), info[0])
    plain.callback(Bool(data=False), info[1])
    latched.callback(Bool(data=True), info[0])
    assert room.now == ''


def test_where_the_middleware_gives_no_times_every_message_counts(room):
    room.track('anna')
    plain, _ = [one for one in room.node.subscriptions if one.topic.endswith('/is_speaking')]
    for speaking in (True, False, True):
        plain.callback(Bool(data=speaking), {'source_timestamp': 0})
    assert room.now == 'anna'


def test_what_cannot_be_an_id_is_said_once_and_the_others_are_followed(room):
    for _ in range(3):
        room.track('', '1a', 'a b', 'a' * 300, 'anna')
    room.speak('anna')
    assert room.now == 'anna'
    assert len(room.node.warnings) == 4


def test_a_list_of_any_length_costs_little(room):
    room.track(*(f'voice{number}' for number in range(1000)), 'anna')
    assert len(room.node.topics) == 1 + 64
    for number in range(1000):
        room.track(f'{number}')
    assert len(room.node.warnings) <= 64


def test_an_endless_quarrel_leaves_nothing_behind(room):
    for number in range(200):
        room.track(f'voice{number}')
        room.speak(f'voice{number}')
    assert len(room.node.subscriptions) == 4
    assert room.now == 'voice199'
    room.followed.destroy()
    assert room.node.subscriptions == [] and room.node.timers == []


def test_without_hri_msgs_the_cure_is_named(monkeypatch, refuses):
    monkeypatch.setitem(sys.modules, 'hri_msgs', None)
    monkeypatch.setitem(sys.modules, 'hri_msgs.msg', None)
    node = StandInNode()
    with refuses('voice.source is ros4hri', 'hri_msgs is not installed', 'set voice.source to topic'):
        TrackedVoices(node, Voices(), '')
    assert node.subscriptions == []
