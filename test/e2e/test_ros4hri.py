# SPDX-License-Identifier: Apache-2.0
"""The voice as REP-155 says, over real DDS, to a listener that knows nothing but REP-155."""

import importlib.util
import json
import queue
import re
import subprocess
import sys
import threading
import time

import pytest
from lifecycle_msgs.msg import Transition

from ser_ros.emotions import ROS4HRI_EXPRESSIONS

LISTENER = """
import json
import rclpy
from hri_msgs.msg import Expression, IdsList
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import Bool

rclpy.init()
node = rclpy.create_node('person_manager')
latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
known = set()

def tell(topic, what):
    print(json.dumps([topic, what]), flush=True)

def on_tracked(message):
    tell('tracked', message.ids)
    for voice in set(message.ids) - known:
        known.add(voice)
        name = f'/humans/voices/{voice}'
        node.create_subscription(Bool, f'{name}/is_speaking', lambda m: tell('is_speaking', m.data), latched)
        node.create_subscription(
            Expression, f'{name}/expression', lambda m: tell('expression', [m.header.frame_id, m.expression]), 10
        )

node.create_subscription(IdsList, '/humans/voices/tracked', on_tracked, latched)
tell('ready', True)
rclpy.spin(node)
"""


class Listener:
    """Another process, for it needs libraries that this one was not started with."""

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, '-c', LISTENER], stdout=subprocess.PIPE, text=True)
        self.last = {}
        self.lines = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)

    def wait_for(self, topic, matches, patience=60.0):
        """Return the last thing said on `topic`, as soon as it `matches`; topics may overtake each other."""
        deadline = time.monotonic() + patience
        while topic not in self.last or not matches(self.last[topic]):
            topic_, what = json.loads(self.lines.get(timeout=max(deadline - time.monotonic(), 0.01)))
            self.last[topic_] = what
        return self.last[topic]


@pytest.fixture
def hri_msgs(interfaces, monkeypatch):
    """Let processes that are started now import hri_msgs: the real one where it is installed, else a stand-in."""
    if importlib.util.find_spec('hri_msgs'):
        return
    for name, value in interfaces('hri_msgs').items():
        monkeypatch.setenv(name, value)
    # Else the wheels of ROS 2 take it that the libraries' path is set as they want it.
    monkeypatch.delenv('_ROS_WHEELS_BOOTSTRAP_COMPLETE', raising=False)


@pytest.fixture
def listener(hri_msgs, ros_domain):
    listener = Listener()
    listener.wait_for('ready', bool)
    yield listener
    listener.process.kill()
    listener.process.wait()


def test_a_listener_that_knows_only_rep_155_hears_the_voice(start_node, observe, recording, listener):
    options = {'audio__source': 'file', 'audio__file': str(recording), 'audio__frame_id': 'ear'}
    node = start_node(**options, autostart=False, ros4hri__enabled=True)
    observer = observe()
    assert observer.configure(), node.output
    assert observer.activate(), node.output
    (voice,) = listener.wait_for('tracked', bool)
    assert re.fullmatch('[a-z]{5}', voice)
    listener.wait_for('is_speaking', bool)
    frame_id, expression = listener.wait_for('expression', bool)
    assert frame_id == 'ear' and expression in ROS4HRI_EXPRESSIONS.values()
    # The recording goes on: the node is told to stop while somebody speaks.
    listener.wait_for('is_speaking', bool)
    assert observer.transition(Transition.TRANSITION_DEACTIVATE)
    listener.wait_for('tracked', lambda ids: ids == [])
    listener.wait_for('is_speaking', lambda speaking: not speaking)
    assert observer.activate()
    assert listener.wait_for('tracked', bool) == [voice]


def test_without_hri_msgs_the_node_says_what_to_install(start_node, observe, recording):
    if importlib.util.find_spec('hri_msgs'):
        pytest.skip('hri_msgs is installed here')
    options = {'audio__source': 'file', 'audio__file': str(recording)}
    node = start_node(**options, autostart=False, ros4hri__enabled=True)
    assert not observe().configure()
    assert 'hri-msgs' in node.output
