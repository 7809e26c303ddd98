# SPDX-License-Identifier: Apache-2.0
"""A real microphone path: a player -> a PulseAudio null sink -> PortAudio -> the node -> DDS."""

import ctypes.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_ros.node.messages import seconds

APT = 'libportaudio2 pulseaudio pulseaudio-utils libasound2-plugins'


def what_is_missing() -> list[str]:
    programs = [program for program in ('pulseaudio', 'pactl', 'paplay') if shutil.which(program) is None]
    return programs + ([] if ctypes.util.find_library('portaudio') else ['libportaudio'])


pytestmark = pytest.mark.skipif(
    bool(what_is_missing()), reason=f'{", ".join(what_is_missing())} missing: sudo apt install {APT}'
)


class VirtualMicrophone:
    """A PulseAudio daemon of the test's own, whose only source is what is played into its only sink."""

    def __init__(self, home: Path, rate: int, channels: int):
        runtime = home / 'run'
        runtime.mkdir(mode=0o700)
        (home / '.asoundrc').write_text('pcm.!default { type pulse }\nctl.!default { type pulse }\n')
        self.environment = {'HOME': str(home), 'XDG_RUNTIME_DIR': str(runtime)}
        layout = f'rate={rate} channels={channels} format=s16le channel_map={"mono" if channels == 1 else "stereo"}'
        modules = [f'module-null-sink sink_name=mic {layout}', 'module-native-protocol-unix']
        command = ['pulseaudio', '-n', '--daemonize=no', '--exit-idle-time=-1', '--disallow-exit']
        self.log = (home / 'pulseaudio.log').open('w')
        self.daemon = subprocess.Popen(
            [*command, *(f'--load={module}' for module in modules)],
            env=os.environ | self.environment,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + 30
        while self._run('pactl', 'set-default-source', 'mic.monitor').returncode:
            assert self.daemon.poll() is None and time.monotonic() < deadline, Path(self.log.name).read_text()
            time.sleep(0.1)

    def play(self, path: Path) -> None:
        finished = self._run('paplay', '-d', 'mic', str(path))
        assert finished.returncode == 0, finished.stderr

    def start_playing(self, path: Path) -> subprocess.Popen:
        return subprocess.Popen(['paplay', '-d', 'mic', str(path)], env=os.environ | self.environment)

    def close(self) -> None:
        self.daemon.kill()
        self.daemon.wait()
        self.log.close()

    def _run(self, *command: str) -> subprocess.CompletedProcess:
        return subprocess.run(command, env=os.environ | self.environment, capture_output=True, text=True, timeout=120)


@pytest.fixture
def microphone(monkeypatch):
    """Make a virtual microphone that the nodes of this test hear."""
    # A short path of its own: a socket's name may not be longer than 107 characters.
    with tempfile.TemporaryDirectory(prefix='ser') as home:
        made = []

        def make(rate: int = 16000, channels: int = 1) -> VirtualMicrophone:
            made.append(VirtualMicrophone(Path(home), rate, channels))
            for name, value in made[-1].environment.items():
                monkeypatch.setenv(name, value)
            return made[-1]

        yield make
        for each in made:
            each.close()


def hear(microphone, start_node, observe, recording, count, **parameters):
    """Play `recording` to a node and return its final messages, sorted."""
    node = start_node(autostart=False, audio__source='microphone', model__path='', **parameters)
    observer = observe()
    assert observer.configure(), node.output
    assert observer.activate(), node.output
    observer.wait_until(lambda: observer.diagnostics and int(observer.last_values()['blocks']) > 0, 'sound comes')
    microphone.play(recording)
    observer.wait_until(lambda: len(observer.finals) >= count, f'{count} finals have come')
    assert observer.last_values()['overflows'] == '0'
    assert node.end() == 0, node.output
    return observer.finals


def test_the_microphone_gives_what_the_file_gives(microphone, start_node, observe, recording, said):
    virtual = microphone()
    heard = hear(virtual, start_node, observe, recording, len(said))
    file_node = start_node(
        autostart=False, audio__source='file', audio__file=str(recording), audio__realtime=False, model__path=''
    )
    observer = observe()
    observer.configure()
    observer.activate()
    assert observer.wait_for_exit(file_node) == 0
    observer.wait_until(lambda: len(observer.finals) == len(said), 'all finals of the file have come')
    assert [message.utterance for message in heard] == list(range(1, len(said) + 1))
    assert [message.emotion for message in heard] == [message.emotion for message in observer.finals]
    first = seconds(heard[0].header.stamp) - said[0]['start']
    for message, truth in zip(heard, said, strict=True):
        assert seconds(message.header.stamp) - first == pytest.approx(truth['start'], abs=0.15)


def test_one_channel_of_a_stereo_microphone_at_another_rate(microphone, start_node, observe, recording, said, tmp_path):
    """Speech on the right only: the node hears it by audio.channel, through PortAudio's default device."""
    sound, rate = soundfile.read(recording, dtype='float32')
    soundfile.write(tmp_path / 'right.wav', np.stack([np.zeros_like(sound), sound], axis=1), rate)
    virtual = microphone(rate=48000, channels=2)
    heard = hear(virtual, start_node, observe, tmp_path / 'right.wav', len(said), audio__channel=1)
    assert len(heard) == len(said)


def test_a_microphone_that_is_not_there_is_one_sentence(microphone, start_node):
    microphone()
    node = start_node(audio__source='microphone', audio__device='no such microphone')
    assert node.wait() == 1
    assert 'ros2 run ser_ros devices' in node.output
    assert 'Traceback' not in node.output


def test_deactivate_lets_the_microphone_go(microphone, start_node, observe, recording):
    virtual = microphone()
    start_node(autostart=False, audio__source='microphone')
    observer = observe()

    def listeners() -> list[str]:
        return virtual._run('pactl', 'list', 'short', 'source-outputs').stdout.splitlines()

    observer.configure()
    for _ in range(2):
        assert observer.activate()
        observer.wait_until(lambda: len(listeners()) == 1, 'the microphone is in use')
        assert observer.transition(4)
        observer.wait_until(lambda: not listeners(), 'the microphone is free')


def test_the_demo_listens_to_the_microphone_until_ctrl_c(microphone, ros_domain, random_weight_model, recording):
    """Also when more is still being said: only of a file is it known how many messages must come."""
    virtual = microphone()
    command = [sys.executable, '-m', 'ser_ros.cli.demo', '--source', 'microphone', '--model', str(random_weight_model)]
    pipes = {'stdout': subprocess.PIPE, 'stderr': subprocess.STDOUT, 'text': True}
    demo = subprocess.Popen(command, **pipes, start_new_session=True)
    player = None
    try:
        lines = []
        for line in demo.stdout:
            lines.append(line)
            if 'listening to the microphone' in line:
                player = virtual.start_playing(recording)
            if 'utterance 2:' in line:
                os.killpg(demo.pid, signal.SIGINT)  # what a terminal does for Ctrl-C: to the demo and its node
        assert demo.wait(60) == 0, ''.join(lines)
        assert 'final message(s) received, node ended with 0' in lines[-1]
    finally:
        demo.kill()
        if player:
            player.kill()
            player.wait()
