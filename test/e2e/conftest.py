# SPDX-License-Identifier: Apache-2.0
"""Real nodes in processes of their own, and an observer that talks to them over DDS from this one."""

import json
from pathlib import Path

import numpy as np
import pytest
import rclpy
import soundfile
from lifecycle_msgs.msg import State
from rcl_interfaces.srv import DescribeParameters, ListParameters, SetParameters

from ser_msgs.msg import Emotion
from ser_ros.testing.node_process import SER_NODE, NodeProcess
from ser_ros.testing.observer import Observer, ros_context
from ser_ros.testing.talker import RATE, Talker
from ser_ros.testing.virtual_microphone import (
    NEEDED_PACKAGES,
    VirtualMicrophone,
    missing_programs,
    virtual_microphone,
)

DEMO = Path(__file__).resolve().parents[2] / 'demo'
PATIENCE = 120.0
"""Seconds that a condition may take on a slow machine before the test fails; nothing waits that long for luck."""

SPEECH = 1.3
"""Seconds of the sentence that is said in most tests."""

BEGINNING = 7.6
"""Seconds of the demo's recording, which end between its second and third utterance."""

RUN_NODE = """
import sys
from ser_ros.cli.ser_node import main
sys.exit(main())
"""


class Interviewer(Observer):
    """An observer that knows what a node should answer."""

    def set_parameter(self, name: str, value):
        parameter = rclpy.Parameter(name, value=value).to_parameter_msg()
        return self.call(SetParameters, 'set_parameters', SetParameters.Request(parameters=[parameter])).results[0]

    def parameter_names(self) -> set[str]:
        return set(self.call(ListParameters, 'list_parameters', ListParameters.Request()).result.names)

    def describe(self, name: str):
        request = DescribeParameters.Request(names=[name])
        return self.call(DescribeParameters, 'describe_parameters', request).descriptors[0]

    def wait_for_answer(self, number: int, *, duration: float = SPEECH) -> Emotion:
        """Wait for the final message that is the `number`th to come, and until nobody speaks any more; return it when
        all that it says can be."""
        self.wait_until(lambda: len(self.finals) >= number, f'there are {number} answers', 30.0)
        self.wait_until_nobody_speaks()
        assert len(self.finals) == number
        answer = self.finals[-1]
        assert np.isfinite(answer.probabilities).all()
        assert abs(answer.duration.sec + answer.duration.nanosec / 1e9 - duration) < 0.4
        assert answer.latency.sec < 6
        return answer

    def wait_until_nobody_speaks(self):
        """An emotion may overtake `~/speaking`, which was published a little before it, for topics keep no order."""
        self.wait_until(lambda: not self.speaking[-1], 'nobody speaks any more', 10.0)

    def wait_for_level(self, subject: str, level: str, words: str = '') -> None:
        def told() -> bool:
            now, message = self.status(subject)
            return now == level and words in message

        self.wait_until(told, f'{subject} is {level} {words}')

    def wait_until_hearing(self, node: NodeProcess, type_name: str) -> None:
        """Wait until a node has found its topic, of messages of that type."""
        self.wait_until(lambda: f'hearing {type_name}' in node.output, 'the node has found the topic')

    def wait_until_listening(self) -> None:
        """Wait until messages of an active node arrive here and sound has come."""
        self.wait_for_publisher()
        self.wait_until(lambda: self.speaking and self.count('blocks') > 0, 'sound comes')


@pytest.fixture
def make_talker():
    """Make talkers that fall silent with the test."""
    talkers = []

    def make(observer: Observer, topic: str = '/audio', **options) -> Talker:
        talkers.append(Talker(observer.node, topic, **options))
        return talkers[-1]

    yield make
    for talker in talkers:
        talker.close()


@pytest.fixture
def microphone(monkeypatch):
    """Make a virtual microphone that the nodes of this test hear; skip where this machine has nothing to make one."""
    if missing := missing_programs():
        pytest.skip(f'{", ".join(missing)} missing: sudo apt install {NEEDED_PACKAGES}')
    with virtual_microphone() as virtual:

        def make(rate: int = 16000, channels: int = 1, *, switched_on: bool = True) -> VirtualMicrophone:
            for name, value in virtual.environment.items():
                monkeypatch.setenv(name, value)
            if switched_on:
                virtual.switch_on()
                virtual.plug_in(rate, channels)
            return virtual

        yield make


@pytest.fixture
def observe(ros_domain):
    """Make observers that end with the test."""
    observers = []

    def make(**names) -> Interviewer:
        observers.append(Interviewer(context, patience=PATIENCE, **names))
        return observers[-1]

    with ros_context() as context:
        yield make
        for observer in observers:
            observer.close()


@pytest.fixture
def start_node(tmp_path, ros_domain):
    """Start nodes, on the embedded default where nothing else is said; what still runs at the end is killed.

    `before` is Python code that is run in the process first, to break something; parameters have `__` for dots.
    """
    nodes = []

    def start(*, name='ser', namespace='', before='', arguments=(), **parameters) -> NodeProcess:
        log = tmp_path / f'node{len(nodes)}.log'
        program = SER_NODE
        if before:
            program = [log.with_suffix('.py')]
            program[0].write_text(before + RUN_NODE)
        nodes.append(
            NodeProcess(
                {parameter.replace('__', '.'): value for parameter, value in parameters.items()},
                program=program,
                name=name,
                namespace=namespace,
                arguments=arguments,
                log=log,
                patience=PATIENCE,
            )
        )
        return nodes[-1]

    yield start
    for node in nodes:
        node.kill()


@pytest.fixture
def listen_to_topic(start_node, observe, interfaces, monkeypatch):
    """Bring up a node that hears the topic `audio`, in the world of a stand-in package; return it and an observer."""

    def start(package='', **parameters):
        with monkeypatch.context() as world:
            for name, value in (interfaces(package) if package else {}).items():
                world.setenv(name, value)
            node = start_node(autostart=False, audio__source='topic', **parameters)
        observer = observe()
        assert observer.configure(), node.output
        assert observer.activate(), node.output
        return node, observer

    return start


@pytest.fixture(scope='session')
def recording() -> Path:
    """The demo's recording."""
    return DEMO / 'recording.flac'


@pytest.fixture(scope='session')
def said() -> list[dict]:
    """What was really said in it: start and duration in seconds."""
    return json.loads((DEMO / 'recording.json').read_text())['utterances']


@pytest.fixture(scope='session')
def beginning(tmp_path_factory, recording) -> Path:
    """The recording's first two utterances, for tests in real time."""
    sound, rate = soundfile.read(recording, dtype='int16')
    path = tmp_path_factory.mktemp('sounds') / 'beginning.wav'
    soundfile.write(path, sound[: round(BEGINNING * rate)], rate)
    return path


@pytest.fixture(scope='session')
def said_first(said) -> list[dict]:
    """What was really said in them."""
    return said[:2]


@pytest.fixture(scope='session')
def sentence(tmp_path_factory, recording, said) -> Path:
    """SPEECH seconds of speech from the demo's recording, with half a second of the room before it."""
    first = said[0]
    sound, rate = soundfile.read(recording, dtype='float32')
    begin, end = first['start'] - 0.5, first['start'] + SPEECH
    path = tmp_path_factory.mktemp('sounds') / 'sentence.wav'
    soundfile.write(path, sound[round(begin * rate) : round(end * rate)], rate)
    return path


@pytest.fixture(scope='session')
def speech(sentence) -> np.ndarray:
    """The same without the room: 16 kHz, float32."""
    sound, rate = soundfile.read(sentence, dtype='float32')
    assert rate == RATE
    return sound[round(0.5 * rate) :]


@pytest.fixture(scope='session')
def states():
    """lifecycle_msgs/State, for its constants."""
    return State
