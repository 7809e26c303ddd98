# SPDX-License-Identifier: Apache-2.0
"""A real microphone path: a player -> a PulseAudio null sink -> PortAudio -> the node -> DDS."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from lifecycle_msgs.msg import State

from ser_ros.node.messages import seconds


def hear(microphone, start_node, observe, recording, count, **parameters):
    """Play `recording` to a node and return its final messages, sorted."""
    node = start_node(autostart=False, audio__source='microphone', **parameters)
    observer = observe()
    assert observer.configure(), node.output
    assert observer.activate(), node.output
    observer.wait_until(lambda: observer.count('blocks') > 0, 'sound comes')
    microphone.play(recording)
    observer.wait_until(lambda: len(observer.finals) >= count, f'{count} finals have come')
    assert observer.last_values()['overflows'] == '0'
    assert node.end() == 0, node.output
    return observer.finals


def test_the_microphone_gives_what_the_file_gives(microphone, start_node, observe, recording, said):
    virtual = microphone()
    heard = hear(virtual, start_node, observe, recording, len(said))
    file_node = start_node(autostart=False, audio__source='file', audio__file=str(recording), audio__realtime=False)
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


def test_one_channel_of_a_stereo_microphone_at_another_rate(
    microphone, start_node, observe, beginning, said_first, tmp_path
):
    """Speech on the right only: the node hears it by audio.channel, through PortAudio's default device."""
    sound, rate = soundfile.read(beginning, dtype='float32')
    soundfile.write(tmp_path / 'right.wav', np.stack([np.zeros_like(sound), sound], axis=1), rate)
    virtual = microphone(rate=48000, channels=2)
    heard = hear(virtual, start_node, observe, tmp_path / 'right.wav', len(said_first), audio__channel=1)
    assert len(heard) == len(said_first)


def test_a_microphone_that_must_be_there_and_is_not_is_one_sentence(microphone, start_node):
    microphone()
    node = start_node(audio__source='microphone', audio__device='no such microphone', audio__wait=False)
    assert node.wait() == 1
    assert 'ros2 run ser_ros devices' in node.output
    assert 'Traceback' not in node.output


def test_a_microphone_that_comes_after_the_node_is_waited_for(microphone, start_node, observe, beginning):
    """As at a robot's boot: first no sound server, then one with a microphone."""
    virtual = microphone(switched_on=False)
    node = start_node(audio__source='microphone')
    observer = observe()
    observer.wait_for_level('microphone', 'ERROR', 'it is waited for')
    assert observer.state() == State.PRIMARY_STATE_ACTIVE
    assert '[ERROR]' in node.output and 'it is waited for' in node.output
    virtual.switch_on()
    virtual.plug_in()
    observer.wait_for_level('microphone', 'OK')
    observer.wait_until(lambda: 'in order again' in node.output, 'the log says so')
    virtual.play(beginning)
    observer.wait_until(lambda: observer.finals, 'an utterance is answered')
    assert observer.count('reopened') == 0
    assert node.end() == 0, node.output
    assert 'Traceback' not in node.output


def test_deactivate_lets_the_microphone_go(microphone, start_node, observe, recording):
    virtual = microphone()
    start_node(autostart=False, audio__source='microphone')
    observer = observe()

    def listeners() -> list[str]:
        return virtual.run('pactl', 'list', 'short', 'source-outputs').stdout.splitlines()

    observer.configure()
    for _ in range(2):
        assert observer.activate()
        observer.wait_until(lambda: len(listeners()) == 1, 'the microphone is in use')
        assert observer.transition(4)
        observer.wait_until(lambda: not listeners(), 'the microphone is free')


def test_the_demo_listens_to_the_microphone_until_ctrl_c(microphone, ros_domain, recording):
    """Also when more is still being said: only of a file is it known how many messages must come."""
    virtual = microphone()
    command = [sys.executable, '-m', 'ser_ros.cli.demo', '--source', 'microphone']
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
