# SPDX-License-Identifier: Apache-2.0
"""Real nodes in processes of their own, and an observer that talks to them over DDS from this one."""

import contextlib
import ctypes.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from pathlib import Path

import numpy as np
import pytest
import rclpy
import soundfile
import transformers
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import DescribeParameters, ListParameters, SetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile, qos_profile_sensor_data
from std_msgs.msg import Bool, Int16MultiArray

from ser_msgs.msg import Emotion
from ser_ros.emotions import LABELS

DEMO = Path(__file__).resolve().parents[2] / 'demo'
DOMAIN = 1 + os.getpid() % 100
PATIENCE = 120.0
"""Seconds that a condition may take on a slow machine before the test fails; nothing waits that long for luck."""

SPEECH = 1.3
"""Seconds of the sentence that is said in most tests."""

ASK_AGAIN = 5.0
"""Seconds without an answer after which a service is asked once more."""


LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)

LEVELS = {DiagnosticStatus.OK: 'OK', DiagnosticStatus.WARN: 'WARN', DiagnosticStatus.ERROR: 'ERROR'}

_RUN_NODE = """
import sys
from ser_ros.cli.ser_node import main
sys.exit(main())
"""


class NodeProcess:
    """`ser_node` in a process of its own; `before` is Python code that is run there first, to break something.

    `arguments` are more of what follows --ros-args.
    """

    def __init__(self, log: Path, *, name='ser', namespace='', before='', arguments=(), **parameters):
        self.log = log
        program = ['-m', 'ser_ros.cli.ser_node']
        if before:
            script = log.with_suffix('.py')
            script.write_text(before + _RUN_NODE)
            program = [str(script)]
        command = [sys.executable, *program, '--ros-args', '-r', f'__node:={name}']
        command += ['-r', f'__ns:=/{namespace}'] if namespace else []
        for parameter, value in parameters.items():
            command += ['-p', f'{parameter.replace("__", ".")}:={json.dumps(value)}']
        command += arguments
        with log.open('w') as stream:
            self.process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT)

    @property
    def output(self) -> str:
        return self.log.read_text()

    def wait(self) -> int:
        return self.process.wait(PATIENCE)

    @contextlib.contextmanager
    def stopped(self):
        """Nothing of the process runs meanwhile."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

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
        self.speaking: list[bool] = []
        self.node.create_subscription(Emotion, f'{self.prefix}/emotion', self.messages.append, 10)
        self.node.create_subscription(DiagnosticArray, f'{self.prefix}/diagnostics', self.diagnostics.append, 10)
        self.node.create_subscription(
            Bool, f'{self.full_name}/speaking', lambda message: self.speaking.append(message.data), LATCHED
        )

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
        """Key and value of the newest diagnostics, of all subjects together; empty before the first."""
        statuses = self.diagnostics[-1].status if self.diagnostics else []
        return {pair.key: pair.value for status in statuses for pair in status.values}

    def count(self, key: str) -> int:
        """Return one count of the newest diagnostics; 0 before it is told."""
        return int(self.last_values().get(key, 0))

    def status(self, subject: str) -> tuple[str, str]:
        """Level ('OK', 'WARN', 'ERROR') and message of a subject in the newest diagnostics; ('', '') before any."""
        for status in self.diagnostics[-1].status if self.diagnostics else []:
            if status.name.endswith(f': {subject}'):
                return LEVELS[status.level], status.message
        return '', ''

    def level(self, subject: str) -> str:
        """Level of a subject in the newest diagnostics; '' before any."""
        return self.status(subject)[0]

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

    def wait_until_listening(self) -> None:
        """Wait until messages of an active node arrive here and sound has come."""
        topic = f'{self.prefix}/emotion'
        self.wait_until(lambda: self.node.count_publishers(topic) == 1, 'the emotion publisher is there')
        self.wait_until(lambda: self.speaking and self.count('blocks') > 0, 'sound comes')


class Talker:
    """Publishes what it is told to say, and a quiet room before and after it, at its own pace on a topic."""

    RATE = 16000
    BLOCK = 1600

    def __init__(self, node, topic: str):
        self._publisher = node.create_publisher(Int16MultiArray, topic, qos_profile_sensor_data)
        self._room = np.random.default_rng(0).normal(scale=0.0005, size=self.BLOCK)
        self._blocks: deque[np.ndarray | None] = deque()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._talk, daemon=True)
        self._thread.start()

    @property
    def is_done(self) -> bool:
        """Whether everything is said."""
        return not self._blocks

    def say(self, sound: np.ndarray) -> None:
        """Say `sound` (float, shape (n,)) next."""
        padded = np.pad(sound, (0, -len(sound) % self.BLOCK))
        self._blocks.extend(padded.reshape(-1, self.BLOCK))

    def pause(self, blocks: int) -> None:
        """Publish nothing for so many blocks of 0.1 s."""
        self._blocks.extend([None] * blocks)

    def close(self) -> None:
        self._ending.set()
        self._thread.join()

    def _talk(self) -> None:
        due = time.monotonic()
        while not self._ending.wait(max(0.0, due - time.monotonic())):
            due += self.BLOCK / self.RATE
            block = self._blocks[0] if self._blocks else self._room
            if block is not None:
                levels = np.round(np.clip(block, -1, 1) * 32767).astype(np.int16)
                self._publisher.publish(Int16MultiArray(data=levels.tolist()))
            if self._blocks:
                self._blocks.popleft()


@pytest.fixture
def make_talker():
    """Make talkers that fall silent with the test."""
    talkers = []

    def make(observer: Observer, topic: str = '/audio') -> Talker:
        talkers.append(Talker(observer.node, topic))
        return talkers[-1]

    yield make
    for talker in talkers:
        talker.close()


def what_the_microphone_lacks() -> list[str]:
    programs = [program for program in ('pulseaudio', 'pactl', 'paplay') if shutil.which(program) is None]
    return programs + ([] if ctypes.util.find_library('portaudio') else ['libportaudio'])


class VirtualMicrophone:
    """A PulseAudio daemon of the test's own, whose only source is what is played into its only sink."""

    def __init__(self, home: Path):
        runtime = home / 'run'
        runtime.mkdir(mode=0o700)
        (home / '.asoundrc').write_text('pcm.!default { type pulse }\nctl.!default { type pulse }\n')
        self.environment = {'HOME': str(home), 'XDG_RUNTIME_DIR': str(runtime)}
        self.log = (home / 'pulseaudio.log').open('w')
        self.daemon: subprocess.Popen | None = None

    def switch_on(self) -> None:
        """Start the daemon, without any microphone."""
        command = ['pulseaudio', '-n', '--daemonize=no', '--exit-idle-time=-1', '--disallow-exit']
        self.daemon = subprocess.Popen(
            [*command, '--load=module-native-protocol-unix'],
            env=os.environ | self.environment,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + 30
        while self.run('pactl', 'info').returncode:
            assert self.daemon.poll() is None and time.monotonic() < deadline, Path(self.log.name).read_text()
            time.sleep(0.1)

    def plug_in(self, rate: int = 16000, channels: int = 1) -> None:
        """Add the microphone."""
        layout = f'rate={rate} channels={channels} format=s16le channel_map={"mono" if channels == 1 else "stereo"}'
        for command in (
            # Else it takes up to two seconds of sound at once, before they have passed.
            ['pactl', 'load-module', 'module-null-sink', 'sink_name=mic', 'norewinds=1', *layout.split()],
            ['pactl', 'set-default-source', 'mic.monitor'],
        ):
            finished = self.run(*command)
            assert finished.returncode == 0, finished.stderr

    def unplug(self) -> None:
        """Take the microphone away; the daemon goes on."""
        finished = self.run('pactl', 'unload-module', 'module-null-sink')
        assert finished.returncode == 0, finished.stderr

    def kill(self) -> None:
        """End the daemon as kill -9 does."""
        if self.daemon is not None:
            self.daemon.kill()
            self.daemon.wait()

    def play(self, path: Path) -> None:
        finished = self.run('paplay', '-d', 'mic', str(path))
        assert finished.returncode == 0, finished.stderr

    def start_playing(self, path: Path) -> subprocess.Popen:
        return subprocess.Popen(
            ['paplay', '-d', 'mic', str(path)], env=os.environ | self.environment, stderr=subprocess.DEVNULL
        )

    def close(self) -> None:
        self.kill()
        self.log.close()

    def run(self, *command: str) -> subprocess.CompletedProcess:
        return subprocess.run(command, env=os.environ | self.environment, capture_output=True, text=True, timeout=120)


@pytest.fixture
def microphone(monkeypatch):
    """Make a virtual microphone that the nodes of this test hear; skip where this machine has nothing to make one."""
    if missing := what_the_microphone_lacks():
        apt = 'libportaudio2 pulseaudio pulseaudio-utils libasound2-plugins'
        pytest.skip(f'{", ".join(missing)} missing: sudo apt install {apt}')
    # A short path of its own: a socket's name may not be longer than 107 characters.
    with tempfile.TemporaryDirectory(prefix='ser') as home:
        made = []

        def make(rate: int = 16000, channels: int = 1, *, switched_on: bool = True) -> VirtualMicrophone:
            made.append(VirtualMicrophone(Path(home)))
            for name, value in made[-1].environment.items():
                monkeypatch.setenv(name, value)
            if switched_on:
                made[-1].switch_on()
                made[-1].plug_in(rate, channels)
            return made[-1]

        yield make
        for each in made:
            each.close()


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
def start_node(tmp_path, ros_domain):
    """Start nodes, on the embedded default where nothing else is said; what still runs at the end is killed."""
    nodes = []

    def start(**options) -> NodeProcess:
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
    assert rate == Talker.RATE
    return sound[round(0.5 * rate) :]


@pytest.fixture(scope='session')
def states():
    """lifecycle_msgs/State, for its constants."""
    return State
