# SPDX-License-Identifier: Apache-2.0
"""`make demo`: a real node in one process, a subscriber that prints each message in this one."""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from ser_ros.audio.file import open_sound_file
from ser_ros.cli.bars import probability_bars
from ser_ros.cli.sentences import ends_in_a_sentence
from ser_ros.errors import SerError
from ser_ros.resources import share_folder

_DISCOVERY_TIMEOUT = 30.0
_CONFIGURE_TIMEOUT = 300.0
_EXIT_TIMEOUT = 30.0
"""Seconds that a node has to end in: it needs five at most, on a machine that is not busy with other things."""


@ends_in_a_sentence
def main(args: list[str] | None = None) -> int:
    """Run the demo; return 0 where every utterance brought its message."""
    options = _parse(args)
    recording = share_folder() / 'demo' / 'recording.flac'
    microphone = options.source == 'microphone'
    audio = None if microphone else Path(options.audio or recording).resolve()
    if audio:
        open_sound_file(audio).close()  # A bad file is told here, in one sentence, before anything is started.
    said = len(json.loads(recording.with_suffix('.json').read_text())['utterances']) if audio == recording else None
    _choose_domain()
    # rclpy reads the environment when it is imported.
    from ser_ros.cli.listener import EmotionListener

    # Whoever asks for the microphone sits before it: what is wrong with it is told at once.
    parameters = {'autostart': False, 'audio.source': options.source, 'audio.wait': False, 'model.path': options.model}
    if audio:
        parameters['audio.file'] = str(audio)
    print('starting the node and loading its model ...', flush=True)
    with _node_process(parameters) as node, EmotionListener(on_message=_show) as listener:
        listener.change_state('configure', timeout=_CONFIGURE_TIMEOUT, process=node)
        listener.wait_for_publisher(timeout=_DISCOVERY_TIMEOUT, process=node)
        listener.change_state('activate', timeout=_DISCOVERY_TIMEOUT, process=node)
        print(f'listening to {audio or "the microphone, until Ctrl-C"}\n', flush=True)
        try:
            listener.spin_while_runs(node)
        except KeyboardInterrupt:
            print()
        return _verdict(listener, said=said, complete=not microphone, exit_code=_exit_code(node))


def _parse(args: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='demo',
        description='Run the node on a recording or the microphone and print every message on /emotion.',
        epilog='examples: demo | demo --audio speech.wav | demo --source microphone',
    )
    parser.add_argument('--audio', help='WAV or FLAC file (default: the demo recording)')
    parser.add_argument('--source', choices=('file', 'microphone'), default='file')
    parser.add_argument('--model', default='', help='model folder or name (default: the embedded model)')
    return parser.parse_args(args)


def _choose_domain() -> None:
    """Stay on this machine and, unless the user chose a domain, out of the way of other ROS nodes on it."""
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    if 'ROS_DOMAIN_ID' not in os.environ:
        os.environ['ROS_DOMAIN_ID'] = str(1 + os.getpid() % 100)
        print(f'to listen in from another terminal: export ROS_DOMAIN_ID={os.environ["ROS_DOMAIN_ID"]}')


@contextlib.contextmanager
def _node_process(parameters: dict[str, str | bool]) -> Iterator[subprocess.Popen]:
    command = [sys.executable, '-m', 'ser_ros.cli.ser_node', '--ros-args', '--log-level', 'ser:=warn']
    for name, value in parameters.items():
        command += ['-p', f'{name}:={json.dumps(value)}']
    process = subprocess.Popen(command, env=os.environ | {'PYTHONFAULTHANDLER': '1'})
    try:
        yield process
    finally:
        process.terminate()
        _exit_code(process)


def _exit_code(node: subprocess.Popen) -> int:
    """Return the exit code of a node that is ending. Raises SerError where it does not end, and ends it."""
    try:
        return node.wait(_EXIT_TIMEOUT)
    except subprocess.TimeoutExpired:
        node.send_signal(signal.SIGABRT)  # with the fault handler, Python prints where each thread stands
        node.wait()
        raise SerError(
            f'the node did not end within {_EXIT_TIMEOUT:.0f} s; where its threads stood is above, please report it'
        ) from None


def _show(message) -> None:
    from ser_ros.node.messages import seconds

    clock = time.strftime('%H:%M:%S', time.localtime(message.header.stamp.sec))
    tenths = message.header.stamp.nanosec // 100_000_000
    kind = '' if message.is_final else ' (still speaking)'
    print(
        f'{clock}.{tenths}  utterance {message.utterance}: {message.emotion.upper()}{kind}  '
        f'{seconds(message.duration):.1f} s of speech, latency {seconds(message.latency):.2f} s'
    )
    print(probability_bars(message.labels, message.probabilities), flush=True)


def _verdict(listener, *, said: int | None, complete: bool, exit_code: int) -> int:
    to_answer, answered = listener.to_answer, len(listener.final_numbers)
    print(f'\n{to_answer} utterance(s) heard, {answered} final message(s) received, node ended with {exit_code}')
    if exit_code != 0:
        raise SerError(f'the node ended with exit code {exit_code}; its own message stands above')
    if complete and answered < to_answer:
        raise SerError(f'{to_answer - answered} utterance(s) brought no message')
    if said is not None and answered != said:
        raise SerError(f'the recording holds {said} utterances, but {answered} message(s) came')
    return 0


if __name__ == '__main__':
    sys.exit(main())
