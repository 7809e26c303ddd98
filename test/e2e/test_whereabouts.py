# SPDX-License-Identifier: Apache-2.0
"""Who speaks and where from, and the text for RViz, over real DDS; the sound comes over a topic."""

import importlib.util
import json
import math
import os
import queue
import subprocess
import sys
import threading
import time

import pytest
from std_msgs.msg import Float32, Int32, String

OTHERS = """
import json
import sys
import threading
import rclpy
from hri_msgs.msg import IdsList
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import Bool
from visualization_msgs.msg import Marker

rclpy.init()
node = rclpy.create_node('voice_manager')
latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
tracked = node.create_publisher(IdsList, '/humans/voices/tracked', latched)
speaking = {voice: node.create_publisher(Bool, f'/humans/voices/{voice}/is_speaking', 10) for voice in ('anna', 'ben')}
tracked.publish(IdsList(ids=list(speaking)))

def tell(message):
    place = message.pose.position
    print(json.dumps([message.header.frame_id, place.x, place.y, message.text]), flush=True)

node.create_subscription(Marker, '/ser/marker', tell, 10)

def listen():
    for line in sys.stdin:
        voice, speaks = json.loads(line)
        speaking[voice].publish(Bool(data=speaks))

threading.Thread(target=listen, daemon=True).start()
print(json.dumps('ready'), flush=True)
rclpy.spin(node)
"""
"""Publishes two voices of REP-155 and prints the markers, in another process: its libraries are not this one's."""


class Others:
    """What publishes voices and looks at markers."""

    def __init__(self, environment):
        self.process = subprocess.Popen(
            [sys.executable, '-c', OTHERS],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.lines = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()
        assert self.next() == 'ready'

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)

    def next(self):
        return json.loads(self.lines.get(timeout=60.0))

    def speak(self, voice, speaks):
        self.process.stdin.write(json.dumps([voice, speaks]) + '\n')
        self.process.stdin.flush()


@pytest.fixture
def world(interfaces):
    """The variables of a process that can import hri_msgs and visualization_msgs: the real ones or stand-ins."""
    world = dict(os.environ)
    for package in ('hri_msgs', 'visualization_msgs'):
        if not importlib.util.find_spec(package):
            for name, value in interfaces(package).items():
                paths = [*value.split(os.pathsep), *world.get(name, '').split(os.pathsep)]
                world[name] = os.pathsep.join(dict.fromkeys(paths))
    # Else the wheels of ROS 2 take it that the libraries' path is set as they want it.
    world.pop('_ROS_WHEELS_BOOTSTRAP_COMPLETE', None)
    return world


@pytest.fixture
def others(world, ros_domain):
    made = Others(world | {'ROS_DOMAIN_ID': os.environ['ROS_DOMAIN_ID']})
    yield made
    made.process.kill()
    made.process.wait()


def test_an_utterance_has_the_voice_and_the_direction_of_when_it_was_said(listen_to_topic, make_talker, speech):
    _, observer = listen_to_topic(direction__topic='/doa', adaptation__enabled=False)
    talker = make_talker(observer)
    voice = observer.node.create_publisher(String, '/voice', 10)
    doa = observer.node.create_publisher(Int32, '/doa', 10)
    observer.wait_until_listening()
    for publisher in (voice, doa):
        observer.wait_until(publisher.get_subscription_count, 'the node hears the robot')
    for number, (name, degrees) in enumerate((('anna', 90), ('ben', 350)), start=1):
        voice.publish(String(data=name))
        talker.say(speech)
        observer.wait_until(lambda: observer.speaking[-1], 'somebody speaks')
        for around in (-10, 0, 10):
            doa.publish(Int32(data=degrees + around))
        observer.wait_until(lambda: talker.is_done, 'it is said')
        # The array loses the voice, and somebody else comes up: not before the last sound has passed.
        time.sleep(0.3)
        voice.publish(String(data='nobody'))
        doa.publish(Int32(data=200))
        answer = observer.wait_for_answer(number)
        assert answer.voice == name
        assert math.cos(answer.direction - math.radians(degrees)) == pytest.approx(1.0, abs=1e-4)
        assert -math.pi <= answer.direction < math.pi
        assert -1.0 <= answer.valence <= 1.0 and -1.0 <= answer.arousal <= 1.0


def test_a_topic_of_another_type_is_a_warning_and_the_direction_is_not_known(listen_to_topic, make_talker, speech):
    _, observer = listen_to_topic(direction__topic='/doa')
    talker = make_talker(observer)
    observer.node.create_publisher(Float32, '/doa', 10)
    observer.wait_for_level('node', 'WARN', 'std_msgs/msg/Float32')
    talker.say(speech)
    assert math.isnan(observer.wait_for_answer(1).direction)


def test_the_voices_of_ros4hri_are_followed_and_the_word_stands_above_them_in_rviz(
    world, others, monkeypatch, start_node, observe, make_talker, speech
):
    with monkeypatch.context() as here:
        for name, value in world.items():
            here.setenv(name, value)
        here.delenv('_ROS_WHEELS_BOOTSTRAP_COMPLETE', raising=False)
        node = start_node(
            autostart=False,
            audio__source='topic',
            voice__source='ros4hri',
            ros4hri__enabled=True,
            marker__enabled=True,
            emotion__min_confidence=0.0,
        )
    observer = observe()
    assert observer.configure(), node.output
    assert observer.activate(), node.output
    talker = make_talker(observer)
    observer.wait_until_listening()
    observer.wait_until(
        lambda: observer.node.count_subscribers('/humans/voices/ben/is_speaking'), 'the node follows the voices'
    )
    for number, voice in enumerate(('anna', 'ben', ''), start=1):
        if voice:
            others.speak(voice, True)
        talker.say(speech)
        answer = observer.wait_for_answer(number)
        assert answer.voice == voice
        frame, x, y, text = others.next()
        assert frame == (f'voice_{voice}' if voice else 'microphone')
        assert (x, y) == (0.0, 0.0)
        assert text == f'{answer.emotion} {answer.confidence:.0%}'
        if voice:
            others.speak(voice, False)


@pytest.mark.parametrize(
    ('parameter', 'package'), [('marker__enabled', 'visualization_msgs'), ('voice__source', 'hri_msgs')]
)
def test_without_the_package_the_node_says_what_to_install(start_node, observe, recording, parameter, package):
    if importlib.util.find_spec(package):
        pytest.skip(f'{package} is installed here')
    value = 'ros4hri' if parameter == 'voice__source' else True
    node = start_node(audio__source='file', audio__file=str(recording), autostart=False, **{parameter: value})
    assert not observe().configure()
    assert f'{package} is not installed' in node.output
    assert package.replace('_', '-') in node.output
