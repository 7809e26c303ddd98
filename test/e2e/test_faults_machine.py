# SPDX-License-Identifier: Apache-2.0
"""Faults of the machine and its model: too slow, broken, replaced, a full disk, kill -9, a clock that jumps."""

import os
import resource
import shutil
import signal
import threading
import time

import numpy as np
import pytest
from rosgraph_msgs.msg import Clock

from ser_ros.node.messages import seconds

FAULTY_MODEL = """
import dataclasses, os, time
from ser_ros.recognition.onnx_backend import OnnxBackend

sound = OnnxBackend.run

def run(self, samples, cancellation):
    if os.path.exists({slow!r}):
        time.sleep(2.5)
    output = sound(self, samples, cancellation)
    if os.path.exists({broken!r}):
        output = dataclasses.replace(output, logits=output.logits * float('nan'))
    return output

OnnxBackend.run = run
"""
"""A model that is slow, or has damaged weights, while a file of that name is there."""


@pytest.fixture
def listen(start_node, observe, make_talker):
    """Start a node that hears a talker; return node, observer and talker."""

    def make(**options):
        node = start_node(audio__source='topic', **options)
        observer = observe()
        talker = make_talker(observer)
        observer.wait_until_listening()
        return node, observer, talker

    return make


def ask(observer, talker, speech):
    """Say the sentence and wait for its answer."""
    answered = len(observer.finals)
    since = observer.node.get_clock().now().nanoseconds / 1e9
    talker.say(speech)
    answer = observer.wait_for_answer(answered + 1)
    assert since - 0.2 < seconds(answer.header.stamp) < since + 1.0
    return answer


def test_a_machine_too_slow_drops_interim_work_tells_its_lag_and_catches_up(listen, speech, tmp_path):
    slow = tmp_path / 'slow'
    before = FAULTY_MODEL.format(slow=str(slow), broken=str(tmp_path / 'broken'))
    node, observer, talker = listen(before=before, emotion__interim_period=0.3)
    slow.touch()
    pause = np.zeros(16000)
    for _ in range(3):
        talker.say(speech)
        talker.say(pause)
    observer.wait_for_level('recognition', 'WARN', 's behind: take a smaller model')
    lag = float(observer.last_values()['lag'].split()[0])
    assert lag >= 1.0  # as printed, with two digits
    observer.wait_until(lambda: observer.count('utterances') == 3, 'all three are heard')
    slow.unlink()
    observer.wait_until(lambda: len(observer.finals) == 3, 'all three are answered', 20.0)
    assert [message.utterance for message in observer.finals] == [1, 2, 3]
    assert all(abs(seconds(message.duration) - len(speech) / 16000) < 0.4 for message in observer.finals)
    observer.wait_for_level('recognition', 'OK')
    assert observer.count('dropped interim') > 0
    assert observer.count('dropped final') == observer.count('gaps') == 0
    # Less than one answer took before.
    assert seconds(ask(observer, talker, speech).latency) < 2.0
    assert node.end() == 0, node.output


def test_damaged_weights_are_told_and_the_next_utterance_is_answered(listen, speech, tmp_path):
    broken = tmp_path / 'broken'
    before = FAULTY_MODEL.format(slow=str(tmp_path / 'slow'), broken=str(broken))
    node, observer, talker = listen(before=before)
    broken.touch()
    talker.say(speech)
    observer.wait_for_level('recognition', 'ERROR', 'answered with NaN on cpu; its weights are damaged')
    assert observer.messages == []
    assert observer.count('failed') == 1
    observer.wait_until_nobody_speaks()
    assert observer.speaking == [False, True, False]
    broken.unlink()
    assert ask(observer, talker, speech).utterance == 2
    observer.wait_for_level('recognition', 'OK')
    assert node.end() == 0, node.output


def test_a_model_that_is_replaced_while_it_runs_goes_on_as_it_was_loaded(listen, speech, random_weight_model, tmp_path):
    folder = tmp_path / 'model'
    shutil.copytree(random_weight_model, folder)
    node, observer, talker = listen(model__path=str(folder))
    before = ask(observer, talker, speech)
    weights = folder / 'model.safetensors'
    with weights.open('r+b') as file:
        file.write(os.urandom(weights.stat().st_size))
    after_overwriting = ask(observer, talker, speech)
    shutil.rmtree(folder)
    after_removing = ask(observer, talker, speech)
    for answer in (after_overwriting, after_removing):
        assert np.allclose(answer.probabilities, before.probabilities, atol=0.02)
    assert node.end() == 0, node.output


def test_a_full_disk_ends_the_recording_and_nothing_else(listen, speech, tmp_path):
    """The limit on the size of a file stands for the disk: the node's next write fails as it does there."""
    directory = tmp_path / 'recorded'
    node, observer, talker = listen(record__directory=str(directory))
    observer.wait_for_level('node', 'WARN', 'recording the voices of people')
    ask(observer, talker, speech)
    observer.wait_until(lambda: len(list(directory.glob('*/*.flac'))) == 1, 'the first is recorded')
    recorded = sorted(directory.glob('*/*'))
    limits = resource.prlimit(node.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(node.pid, resource.RLIMIT_FSIZE, (4096, limits[1]))
    ask(observer, talker, speech)
    observer.wait_for_level('node', 'ERROR', 'recording has ended')
    resource.prlimit(node.pid, resource.RLIMIT_FSIZE, limits)
    ask(observer, talker, speech)
    assert sorted(directory.glob('*/*')) == recorded
    assert node.end() == 0, node.output


def test_killed_in_the_middle_of_an_utterance_and_started_anew(listen, start_node, speech, capsys):
    """Who listened to ~/speaking goes on believing true until the new node says false; nobody else can tell."""
    node, observer, talker = listen()
    ask(observer, talker, speech)
    talker.say(speech)
    observer.wait_until(lambda: observer.speaking[-1], 'somebody speaks')
    assert node.end(signal.SIGKILL) == -signal.SIGKILL
    restarted = time.monotonic()
    again = start_node(audio__source='topic')
    observer.wait_until(lambda: observer.speaking[-1] is False, 'the new node says that nobody speaks')
    took = time.monotonic() - restarted
    observer.diagnostics.clear()
    observer.wait_until(lambda: observer.count('blocks') > 0, 'sound comes')
    observer.wait_for_level('microphone', 'OK')
    assert ask(observer, talker, speech).utterance == 1
    assert len(observer.finals) == 2
    assert again.end() == 0, again.output
    with capsys.disabled():
        print(f'\nkill -9: the new node listened after {took:.1f} s')


class TurnedClock:
    """Publishes /clock 50 times a second; goes on from wherever the test sets it."""

    def __init__(self, node, start: float):
        self._publisher = node.create_publisher(Clock, '/clock', 10)
        self._offset = start - time.monotonic()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._tick, daemon=True)
        self._thread.start()

    @property
    def now(self) -> float:
        return time.monotonic() + self._offset

    def jump(self, by: float) -> None:
        self._offset += by

    def close(self) -> None:
        self._ending.set()
        self._thread.join()

    def _tick(self) -> None:
        while not self._ending.wait(0.02):
            message = Clock()
            message.clock.sec, message.clock.nanosec = divmod(round(self.now * 1e9), 10**9)
            self._publisher.publish(message)


def test_stamps_follow_a_clock_that_jumps_and_nothing_else_does(start_node, observe, make_talker, speech):
    """The node's timers must not: diagnostics came even before there was a clock at all."""
    node = start_node(audio__source='topic', use_sim_time=True)
    observer = observe()
    talker = make_talker(observer)
    observer.wait_until_listening()
    talker.say(speech)
    unstamped = observer.wait_for_answer(1)
    assert seconds(unstamped.header.stamp) == 0.0
    observer.wait_for_level('node', 'WARN', 'no time comes on /clock')
    assert 'start the simulation' in node.output and 'set use_sim_time to false' in node.output
    clock = TurnedClock(observer.node, 10_000.0)
    try:
        observer.wait_for_level('node', 'OK')
        observer.wait_until(
            lambda: abs(seconds(observer.diagnostics[-1].header.stamp) - clock.now) < 1.5, 'the node has the clock'
        )
        for number, jump in enumerate((3600.0, -7200.0), start=1):
            since = clock.now
            talker.say(speech)
            observer.wait_until(lambda: observer.speaking[-1], 'somebody speaks')
            clock.jump(jump)
            answer = observer.wait_for_answer(2 * number)
            assert since - 0.2 < seconds(answer.header.stamp) < since + 1.0
            since = clock.now
            talker.say(speech)
            answer = observer.wait_for_answer(2 * number + 1)
            assert since - 0.2 < seconds(answer.header.stamp) < since + 1.0
            told = len(observer.diagnostics)
            asked = time.monotonic()
            observer.wait_until(lambda: len(observer.diagnostics) >= told + 2, 'diagnostics go on')  # noqa: B023
            assert time.monotonic() - asked < 4.0
        assert observer.count('gaps') == 0
    finally:
        clock.close()
    assert node.end() == 0, node.output
