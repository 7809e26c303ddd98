# SPDX-License-Identifier: Apache-2.0
"""The examples as processes of their own, acting on messages over DDS that a made node publishes."""

import ast
import importlib.util
import runpy
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from companion import COMFORT
from greeter import GREETINGS, NEUTRAL_GREETING
from made_moods import NOBODY, made_mood
from std_msgs.msg import Bool

from ser_msgs.msg import Emotion, Mood
from ser_ros.testing.node_process import NodeProcess
from ser_ros.testing.observer import LATCHED, Observer, ros_context

EXAMPLES = Path(__file__).resolve().parents[2] / 'examples'
TREES = ['comfort_tree']
if importlib.util.find_spec('py_trees_ros'):
    TREES.append('comfort_tree_ros')


class MadeNode:
    """Publishes what the node `ser` does, and hears the robot.

    Attributes:
        robot_speaking: Everything on that topic.
    """

    def __init__(self, observer: Observer):
        self.wait_until = observer.wait_until
        self._node = observer.node
        self.robot_speaking = []
        self._node.create_subscription(Bool, 'robot_speaking', lambda it: self.robot_speaking.append(it.data), 10)
        self.begin()

    def begin(self):
        self._moods = self._node.create_publisher(Mood, 'mood', LATCHED)
        self._speaking = self._node.create_publisher(Bool, 'ser/speaking', LATCHED)

    def end(self):
        self._node.destroy_publisher(self._moods)
        self._node.destroy_publisher(self._speaking)

    def say(self, speaking: bool):
        self._speaking.publish(Bool(data=speaking))

    def publish(self, mood: Mood):
        self._moods.publish(mood)

    def wait_until_heard(self):
        self.wait_until(lambda: self._moods.get_subscription_count() > 0, 'the example subscribes')


@pytest.fixture
def ser(ros_domain):
    with ros_context() as context:
        observer = Observer(context)
        yield MadeNode(observer)
        observer.close()


@pytest.fixture
def start(ros_domain, tmp_path):
    """Start examples, which are killed at the end of the test."""
    started = []

    def start_one(name: str, **options) -> NodeProcess:
        log = tmp_path / f'{name}{len(started)}.log'
        started.append(NodeProcess({}, program=[EXAMPLES / f'{name}.py'], log=log, **options))
        return started[-1]

    yield start_one
    for process in started:
        process.kill()


@pytest.fixture
def wait_for_lines(ser):
    """Wait until a process has printed these lines and no others."""

    def wait(process: NodeProcess, *lines: str):
        ser.wait_until(lambda: len(process.output.splitlines()) >= len(lines), f'{lines[-1]!r} is printed')
        assert process.output.splitlines() == list(lines)

    return wait


@pytest.mark.parametrize('name', [*TREES, 'greeter', 'prompt_line'])
def test_help_says_what_it_does(name, monkeypatch, capsys):
    program = EXAMPLES / f'{name}.py'
    monkeypatch.setattr(sys, 'argv', [str(program), '--help'])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(program), run_name='__main__')
    assert ended.value.code == 0
    assert ast.get_docstring(ast.parse(program.read_text())) in capsys.readouterr().out


@pytest.mark.parametrize('name', [*TREES, 'greeter'])
@pytest.mark.parametrize('with_signal', [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly(ser, start, name, with_signal):
    process = start(name)
    ser.wait_until_heard()
    assert process.end(with_signal) == 0
    assert process.output == ''


@pytest.mark.parametrize('name', TREES)
def test_the_tree_listens_then_comforts(ser, start, wait_for_lines, name):
    ser.publish(NOBODY)
    ser.say(True)
    tree = start(name)
    wait_for_lines(tree, 'looks up')
    ser.publish(made_mood(Emotion.SAD))
    ser.say(False)
    wait_for_lines(tree, 'looks up', 'looks away', f'says: {COMFORT[Emotion.SAD]}')
    ser.wait_until(lambda: ser.robot_speaking == [True, False], 'the robot has fallen silent')


@pytest.mark.parametrize('name', TREES)
def test_the_tree_knows_the_mood_from_before_its_start_and_goes_on_with_the_next_node(ser, start, wait_for_lines, name):
    ser.publish(made_mood(Emotion.FEARFUL))
    ser.say(False)
    tree = start(name)
    wait_for_lines(tree, f'says: {COMFORT[Emotion.FEARFUL]}')
    ser.end()
    ser.begin()
    ser.publish(made_mood(Emotion.FEARFUL))
    ser.say(True)
    wait_for_lines(tree, f'says: {COMFORT[Emotion.FEARFUL]}', 'looks up')


@pytest.mark.parametrize('name', TREES)
def test_the_tree_does_not_wait_for_a_node_that_died_in_the_middle_of_a_word(ser, start, wait_for_lines, name):
    ser.say(True)
    tree = start(name)
    wait_for_lines(tree, 'looks up')
    ser.end()
    wait_for_lines(tree, 'looks up', 'looks away')


@pytest.mark.parametrize(
    ('mood', 'greeting'), [(Emotion.HAPPY, GREETINGS[Emotion.HAPPY]), (Emotion.UNKNOWN, NEUTRAL_GREETING)]
)
def test_the_greeter_knows_the_mood_from_before_its_start(ser, start, wait_for_lines, mood, greeting):
    ser.publish(made_mood(mood))
    ser.say(False)
    greeter = start('greeter')
    wait_for_lines(greeter, f'says: {greeting}')
    ser.wait_until(lambda: ser.robot_speaking == [True, False], 'the robot has fallen silent')


def test_the_greeter_goes_on_with_the_next_node(ser, start, wait_for_lines):
    greeter = start('greeter')
    ser.wait_until_heard()
    ser.publish(made_mood(Emotion.SAD))
    ser.say(False)
    wait_for_lines(greeter, f'says: {GREETINGS[Emotion.SAD]}')
    ser.end()
    ser.begin()
    ser.publish(made_mood(Emotion.HAPPY, voice='anna'))
    wait_for_lines(greeter, f'says: {GREETINGS[Emotion.SAD]}', f'says: {GREETINGS[Emotion.HAPPY]}')


@pytest.mark.parametrize(
    ('mood', 'beginning'),
    [
        (Emotion.SAD, 'The person has sounded sad for '),
        (Emotion.UNKNOWN, 'The person has spoken (3 utterances), but how they sound is not clear.'),
    ],
)
def test_the_line_is_that_of_the_mood_from_before_its_start(ser, start, mood, beginning):
    ser.publish(made_mood(mood))
    process = start('prompt_line')
    ser.wait_until(lambda: process.exit_code is not None, 'the line is printed')
    assert process.exit_code == 0
    assert len(process.output.splitlines()) == 1 and process.output.startswith(beginning)


def test_no_line_without_a_node(ros_domain):
    command = [sys.executable, EXAMPLES / 'prompt_line.py', '--wait', '0.2', '--ros-args', '-r', '__ns:=/head']
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, '')
    assert done.stderr == 'prompt_line: nothing came on /head/mood in 0.2 s; is the node ser active?\n'
