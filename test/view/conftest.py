# SPDX-License-Identifier: Apache-2.0
"""A node that stands in for `ser` and says what the test wants, the real view in a process of its own, browsers."""

import subprocess
import sys
import threading
import time

import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import Bool

from ser_msgs.msg import Emotion, Hearing, Mood
from ser_ros.node.parameter_spec import declare_parameters
from ser_ros.node.parameters import SPECS
from ser_ros.testing.observer import ros_context

PATIENCE = 60.0
LABELS = ['neutral', 'happy', 'angry']
_LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class StandIn:
    """A node with the topics and the parameters of `ser`; it says its diagnostics and what it hears by itself."""

    def __init__(self, context, *, namespace='robot', name='ser'):
        self.node = rclpy.create_node(name, namespace=namespace, context=context)
        declare_parameters(self.node, SPECS)
        publisher = self.node.create_publisher
        self.hearing = publisher(Hearing, '~/hearing', 10)
        self.emotion = publisher(Emotion, 'emotion', 10)
        self.mood = publisher(Mood, 'mood', _LATCHED)
        self.speaking = publisher(Bool, '~/speaking', _LATCHED)
        self.diagnostics = publisher(DiagnosticArray, 'diagnostics', 10)
        self.microphone = (DiagnosticStatus.OK, 'listening')
        self.heard = Hearing(level=-31.0, floor=-62.0, speech_probability=0.25, state='quiet')
        self._began = time.monotonic()
        self.node.create_timer(0.1, self._tell_hearing)
        self.node.create_timer(0.5, self._tell_diagnostics)
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self.node)
        self._dead = threading.Event()
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def _spin(self):
        while not self._dead.is_set():
            self._executor.spin_once(0.05)

    def die(self):
        self._dead.set()
        self._thread.join()
        self._executor.shutdown()
        self.node.destroy_node()

    @property
    def lookers(self) -> int:
        return self.hearing.get_subscription_count()

    def parameter(self, name):
        return self.node.get_parameter(name).value

    def answer(self, emotion, probabilities, *, utterance, is_final=True, latency=0.125):
        message = Emotion(
            utterance=utterance, is_final=is_final, emotion=emotion, labels=LABELS, probabilities=probabilities
        )
        message.confidence = max(probabilities)
        message.latency.nanosec = round(latency * 1e9)
        message.duration.sec = 2
        self.emotion.publish(message)

    def feel(self, mood, probabilities, *, utterances):
        message = Mood(mood=mood, labels=LABELS, probabilities=probabilities, utterances=utterances)
        message.confidence = max(probabilities)
        self.mood.publish(message)

    def _tell_hearing(self):
        if self.lookers:
            now = time.monotonic() - self._began
            self.heard.header.stamp.sec, self.heard.header.stamp.nanosec = int(now), int(now % 1 * 1e9)
            self.hearing.publish(self.heard)

    def _tell_diagnostics(self):
        prefix = self.node.get_fully_qualified_name().lstrip('/')
        told = {subject: (DiagnosticStatus.OK, f'{subject} is well') for subject in ('node', 'speech', 'gate')}
        told['microphone'] = self.microphone
        told['recognition'] = (DiagnosticStatus.OK, 'ready')
        statuses = [
            DiagnosticStatus(level=level, name=f'{prefix}: ser_ros: {subject}', message=message)
            for subject, (level, message) in told.items()
        ]
        statuses[0].values = [KeyValue(key='lifecycle state', value='active'), KeyValue(key='model', value='made')]
        self.diagnostics.publish(DiagnosticArray(status=statuses))


@pytest.fixture
def context(ros_domain):
    """Yield a context of ROS in the domain of this process and of those that it starts."""
    with ros_context() as made:
        yield made


@pytest.fixture
def make_stand_in(context):
    """Make stand-ins that die with the test."""
    made = []

    def make(**names) -> StandIn:
        made.append(StandIn(context, **names))
        return made[-1]

    yield make
    for stand_in in made:
        if not stand_in._dead.is_set():
            stand_in.die()


@pytest.fixture
def start_view(tmp_path, ros_domain):
    """Start the command `view` and return (process, its first line); it is killed at the end if it still runs."""
    processes = []

    def start(*arguments):
        command = [sys.executable, '-m', 'ser_ros.cli.view', '--no-browser', *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        processes.append(process)
        return process, process.stdout.readline()

    yield start
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture
def open_browser(tmp_path):
    """Open windows of a headless Chromium; skip where there is none."""
    headless_browser = pytest.importorskip('headless_browser', exc_type=ImportError)
    if problem := headless_browser.browser_problem():
        pytest.skip(problem)
    windows = []

    def open_page(address):
        windows.append(headless_browser.Browser(tmp_path))
        windows[-1].open(address)
        return windows[-1]

    yield open_page
    for window in windows:
        window.close()
