# SPDX-License-Identifier: Apache-2.0
"""The robot's own voice, `~/listen` and `~/speaking`, over real DDS; the sound comes over a topic."""

import signal
import subprocess
import sys

import pytest
from lifecycle_msgs.msg import Transition
from std_msgs.msg import Bool
from std_srvs.srv import SetBool

PATIENCE = 120.0
"""Seconds that a process may take to end on a busy machine."""

ROBOT = """
import rclpy
from std_msgs.msg import Bool
rclpy.init()
node = rclpy.create_node('robot')
publisher = node.create_publisher(Bool, '/robot_speaking', 10)
while rclpy.ok():
    publisher.publish(Bool(data=True))
    if publisher.get_subscription_count():
        break
    rclpy.spin_once(node, timeout_sec=0.1)
try:
    rclpy.spin(node)
except (KeyboardInterrupt, rclpy.executors.ExternalShutdownException):
    rclpy.try_shutdown()
"""
"""Says once that it speaks, and never that it is silent again."""

LISTENER = """
import rclpy
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import Bool
rclpy.init()
node = rclpy.create_node('listener')
latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
node.create_subscription(Bool, '/ser/speaking', lambda message: print(message.data, flush=True), latched)
rclpy.spin(node)
"""
"""Prints what it hears of ~/speaking."""

PATIENT_NODE = """
from rclpy.duration import Duration
from ser_ros.node import emotion_publisher
emotion_publisher._LAST_WORDS_TIMEOUT = Duration(seconds=120)
"""
"""Waits so long for whoever has not heard its last words that no busy machine takes longer."""


class Conversation:
    """A node that hears a talker, and what the test can do and see."""

    def __init__(self, node, observer, talker, speech):
        self.node, self.observer, self.talker, self.speech = node, observer, talker, speech
        self.robot = observer.node.create_publisher(Bool, '/robot_speaking', 10)
        observer.wait_until_listening()
        observer.wait_until(lambda: observer.count('publishers of robot_speaking') == 1, 'the node hears the robot')

    def wait_until_speaking(self, speaking: bool) -> None:
        self.observer.wait_until(lambda: self.observer.speaking[-1] is speaking, f'speaking is {speaking}', 20.0)

    def begin(self) -> None:
        self.talker.say(self.speech)
        self.wait_until_speaking(True)

    def finish(self) -> None:
        """Wait until all is said and the node has dealt with it."""
        self.observer.wait_until(lambda: self.talker.is_done, 'all is said')
        self.wait_until_speaking(False)

    def ask(self) -> None:
        """Say the sentence; it must be answered."""
        answered = len(self.observer.finals)
        self.begin()
        self.finish()
        self.observer.wait_for_answer(answered + 1)

    def wait_for_count(self, key: str, count: int) -> None:
        self.observer.wait_until(lambda: self.observer.count(key) >= count, f'{key} is {count}', 20.0)
        assert self.observer.count(key) == count

    def wait_for_gate(self, message: str) -> None:
        self.observer.wait_until(lambda: self.observer.status('gate')[1] == message, f'the gate is {message}', 20.0)

    def end(self) -> None:
        self.observer.wait_until_nobody_speaks()
        assert self.node.end() == 0, self.node.output
        assert 'Traceback' not in self.node.output


@pytest.fixture
def converse(start_node, observe, make_talker, speech):
    def make(**parameters) -> Conversation:
        node = start_node(audio__source='topic', **parameters)
        observer = observe()
        return Conversation(node, observer, make_talker(observer), speech)

    return make


def test_what_overlaps_the_robots_speech_is_dropped_and_counted_also_when_it_says_so_late(converse):
    talk = converse(robot_speaking__lead=0.6, robot_speaking__hold_off=0.2)
    talk.ask()

    talk.begin()
    talk.robot.publish(Bool(data=True))
    talk.wait_for_gate('closed: robot speech')
    talk.wait_until_speaking(False)
    talk.finish()
    talk.robot.publish(Bool(data=False))
    talk.wait_for_gate('open')
    talk.wait_for_count('rejected: robot speech', 1)

    talk.begin()
    talk.observer.wait_until(lambda: talk.talker.is_done, 'the last word is said')
    talk.robot.publish(Bool(data=True))
    talk.robot.publish(Bool(data=False))
    talk.wait_for_count('rejected: robot speech', 2)
    assert len(talk.observer.finals) == 1

    talk.wait_for_gate('open')
    talk.ask()
    talk.robot.publish(Bool(data=True))
    talk.wait_for_gate('closed: robot speech')
    talk.robot.publish(Bool(data=False))
    talk.wait_for_gate('open')
    talk.ask()
    assert talk.observer.count('rejected: robot speech') == 2
    assert [message.utterance for message in talk.observer.finals] == [1, 4, 5]
    talk.end()


def test_a_node_that_is_muted_by_hand_hears_nothing_until_it_is_told_to_listen(converse):
    talk = converse()
    talk.begin()
    assert talk.observer.call(SetBool, 'listen', SetBool.Request(data=False)).success
    talk.wait_until_speaking(False)
    talk.finish()
    talk.wait_for_count('rejected: muted by hand', 1)
    talk.talker.say(talk.speech)
    talk.observer.wait_until(lambda: talk.talker.is_done, 'all is said')
    assert talk.observer.status('gate') == ('OK', 'closed: muted by hand')
    assert talk.observer.call(SetBool, 'listen', SetBool.Request(data=True)).success
    talk.wait_for_gate('open')
    talk.ask()
    assert len(talk.observer.finals) == 1
    assert talk.observer.count('rejected: muted by hand') == 1
    talk.observer.wait_until_nobody_speaks()
    assert talk.observer.speaking == [False, True, False, True, False]
    talk.end()


def test_speaking_is_latched_and_false_after_deactivate_and_after_ctrl_c(converse, observe):
    talk = converse()
    talk.ask()
    assert talk.observer.speaking == [False, True, False]
    talk.begin()
    late = observe()
    late.wait_until(lambda: late.speaking == [True], 'who comes late is told that somebody speaks', 10.0)
    assert talk.observer.transition(Transition.TRANSITION_DEACTIVATE)
    talk.wait_until_speaking(False)
    later = observe()
    later.wait_until(lambda: later.speaking == [False], 'who comes later is told that nobody speaks', 10.0)
    talk.observer.wait_until(lambda: talk.talker.is_done, 'all is said')
    assert talk.observer.activate()
    talk.ask()
    assert len(talk.observer.finals) == 2
    talk.begin()
    assert talk.node.end() == 0, talk.node.output
    talk.wait_until_speaking(False)


def test_ctrl_c_waits_for_a_listener_that_has_no_time_just_then(start_node, observe):
    node = start_node(audio__source='topic', before=PATIENT_NODE)
    observer = observe()
    observer.wait_until(lambda: observer.speaking == [False], 'the node is active')
    listener = subprocess.Popen([sys.executable, '-c', LISTENER], stdout=subprocess.PIPE, text=True)
    try:
        assert listener.stdout.readline() == 'False\n'
        listener.send_signal(signal.SIGSTOP)
        node.send(signal.SIGINT)
        assert not observer.spin(3.0, until=lambda: node.exit_code is not None)
        listener.send_signal(signal.SIGCONT)
        assert listener.stdout.readline() == 'False\n'
        assert node.wait() == 0, node.output
    finally:
        listener.kill()
        listener.wait()


def test_a_robot_that_goes_while_it_speaks_does_not_close_the_gate_for_ever(converse):
    """What ends in order is seen at once; of what was killed DDS knows only after 20 s, and the timeout is shorter."""
    talk = converse(robot_speaking__timeout=4.0)
    talk.observer.node.destroy_publisher(talk.robot)
    for ending in (signal.SIGINT, signal.SIGKILL):
        robot = subprocess.Popen([sys.executable, '-c', ROBOT])
        try:
            talk.wait_for_gate('closed: robot speech')
            robot.send_signal(ending)
            robot.wait(PATIENCE)
            talk.wait_for_gate('open')
        finally:
            robot.kill()
            robot.wait()
        assert talk.node.output.count('has gone while the robot was speaking') == 1
        talk.ask()
    talk.end()
