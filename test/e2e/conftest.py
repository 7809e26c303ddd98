# SPDX-License-Identifier: Apache-2.0
"""Real nodes in processes of their own, and an observer that talks to them over DDS from this one."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import rclpy
import transformers
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import DescribeParameters, ListParameters, SetParameters
from rclpy.executors import SingleThreadedExecutor

from ser_msgs.msg import Emotion
from ser_ros.emotions import LABELS

DEMO = Path(__file__).resolve().parents[2] / 'demo'
DOMAIN = 1 + os.getpid() % 100
PATIENCE = 120.0
"""Seconds that a condition may take on a slow machine before the test fails; nothing waits that long for luck."""

ASK_AGAIN = 5.0
"""Seconds without an answer after which a service is asked once more."""


class NodeProcess:
    """`ser_node` in a process of its own."""

    def __init__(self, log: Path, *, name='ser', namespace='', **parameters):
        self.log = log
        command = [sys.executable, '-m', 'ser_ros.cli.ser_node', '--ros-args', '-r', f'__node:={name}']
        command += ['-r', f'__ns:=/{namespace}'] if namespace else []
        for parameter, value in parameters.items():
            command += ['-p', f'{parameter.replace("__", ".")}:={json.dumps(value)}']
        with log.open('w') as stream:
            self.process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT)

    @property
    def output(self) -> str:
        return self.log.read_text()

    def wait(self) -> int:
        return self.process.wait(PATIENCE)

    def end(self, with_signal=signal.SIGINT) -> int:
        self.process.send_signal(with_signal)
        return self.wait()


class Observer:
    """Another ROS node, in this process, that hears and manages a `ser` node."""

    def __init__(self, context, *, name='ser', namespace=''):
        self.node = rclpy.create_node('observer', context=context)
        self.executor = SingleThreadedExecutor(context=context)
        self.executor.add_node(self.node)
        self.prefix = f'/{namespace}'.rstrip('/')
        self.full_name = f'{self.prefix}/{name}'
        self.clients: dict = {}
        self.messages: list[Emotion] = []
        self.diagnostics: list[DiagnosticArray] = []
        self.node.create_subscription(Emotion, f'{self.prefix}/emotion', self.messages.append, 10)
        self.node.create_subscription(DiagnosticArray, f'{self.prefix}/diagnostics', self.diagnostics.append, 10)

    @property
    def finals(self) -> list[Emotion]:
        return [message for message in self.messages if message.is_final]

    def wait_until(self, condition, what: str, patience: float = PATIENCE):
        deadline = time.monotonic() + patience
        while not condition():
            assert time.monotonic() < deadline, f'waited {patience:.0f} s in vain until {what}'
            self.executor.spin_once(timeout_sec=0.05)

    def wait_for_exit(self, node: NodeProcess) -> int:
        """Hear `node` out to its end; a subscription keeps only the last ten messages that nobody has taken."""
        self.wait_until(lambda: node.process.poll() is not None, 'the node has ended')
        return node.process.returncode

    def client(self, service, name: str):
        """Return the one client of a service: each new one would have to be discovered anew."""
        if name not in self.clients:
            self.clients[name] = self.node.create_client(service, f'{self.full_name}/{name}')
        return self.clients[name]

    def call(self, service, name: str, request, *, again: bool = True):
        """Call a service. With `again` ask anew where no answer comes: a server that has not discovered all of a client
        yet answers into the void."""
        client = self.client(service, name)
        self.wait_until(client.service_is_ready, f'the service {name} is there')
        answers = [client.call_async(request)]
        asked = [time.monotonic()]

        def answered() -> bool:
            if again and time.monotonic() > asked[-1] + ASK_AGAIN:
                answers.append(client.call_async(request))
                asked.append(time.monotonic())
            return any(answer.done() for answer in answers)

        self.wait_until(answered, f'the service {name} has answered')
        return next(answer for answer in answers if answer.done()).result()

    def transition(self, transition_id: int) -> bool:
        # Once its neighbour answers, which may be asked twice, this service has discovered its client too.
        self.client(ChangeState, 'change_state')
        self.state()
        request = ChangeState.Request(transition=Transition(id=transition_id))
        return self.call(ChangeState, 'change_state', request, again=False).success

    def state(self) -> int:
        return self.call(GetState, 'get_state', GetState.Request()).current_state.id

    def configure(self) -> bool:
        """Configure, and wait until messages of the node can arrive here."""
        success = self.transition(Transition.TRANSITION_CONFIGURE)
        if success:
            topic = f'{self.prefix}/emotion'
            self.wait_until(lambda: self.node.count_publishers(topic) == 1, 'the emotion publisher is there')
        return success

    def activate(self) -> bool:
        return self.transition(Transition.TRANSITION_ACTIVATE)

    def set_parameter(self, name: str, value):
        parameter = rclpy.Parameter(name, value=value).to_parameter_msg()
        return self.call(SetParameters, 'set_parameters', SetParameters.Request(parameters=[parameter])).results[0]

    def parameter_names(self) -> set[str]:
        return set(self.call(ListParameters, 'list_parameters', ListParameters.Request()).result.names)

    def describe(self, name: str):
        request = DescribeParameters.Request(names=[name])
        return self.call(DescribeParameters, 'describe_parameters', request).descriptors[0]

    def last_values(self) -> dict[str, str]:
        """Key and value of the newest diagnostics."""
        return {pair.key: pair.value for pair in self.diagnostics[-1].status[0].values}


@pytest.fixture(scope='session', autouse=True)
def ros_domain():
    """Keep these tests among themselves."""
    os.environ['ROS_DOMAIN_ID'] = str(DOMAIN)
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'


@pytest.fixture
def observe(ros_domain):
    """Make observers that end with the test."""
    context = rclpy.Context()
    rclpy.init(context=context)
    observers = []

    def make(**names) -> Observer:
        observers.append(Observer(context, **names))
        return observers[-1]

    yield make
    for observer in observers:
        observer.executor.shutdown()
        observer.node.destroy_node()
    rclpy.shutdown(context=context)


@pytest.fixture
def start_node(tmp_path, ros_domain, random_weight_model):
    """Start nodes, on the random-weight model where nothing else is said; what still runs at the end is killed."""
    nodes = []

    def start(**options) -> NodeProcess:
        options.setdefault('model__path', str(random_weight_model))
        nodes.append(NodeProcess(tmp_path / f'node{len(nodes)}.log', **options))
        return nodes[-1]

    yield start
    for node in nodes:
        if node.process.poll() is None:
            node.process.kill()
            node.process.wait()


@pytest.fixture(scope='session')
def random_weight_model(tmp_path_factory) -> Path:
    """A tiny Wav2Vec2-BERT with random weights and the eight labels: quick to load, and its answers mean nothing."""
    folder = tmp_path_factory.mktemp('models') / 'random-weight'
    config = transformers.Wav2Vec2BertConfig(
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        classifier_proj_size=16,
        id2label=dict(enumerate(LABELS)),
        label2id={label: index for index, label in enumerate(LABELS)},
    )
    transformers.set_seed(0)
    transformers.Wav2Vec2BertForSequenceClassification(config).save_pretrained(folder)
    transformers.SeamlessM4TFeatureExtractor().save_pretrained(folder)
    return folder


@pytest.fixture(scope='session')
def recording() -> Path:
    """The demo's recording."""
    return DEMO / 'recording.flac'


@pytest.fixture(scope='session')
def said() -> list[dict]:
    """What was really said in it: start and duration in seconds."""
    return json.loads((DEMO / 'recording.json').read_text())['utterances']


@pytest.fixture(scope='session')
def states():
    """lifecycle_msgs/State, for its constants."""
    return State
