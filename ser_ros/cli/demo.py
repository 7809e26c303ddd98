# SPDX-License-Identifier: Apache-2.0
"""`make demo`: a real node in one process, a subscriber that prints each message in this one.

The recording holds people who act emotions and people who read; what was acted is printed beside what was heard.
"""

import argparse
import contextlib
import functools
import json
import math
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ser_ros.cli.sentences import ends_in_a_sentence
from ser_ros.cli.signals import exit_code, loading

with loading():
    from ser_ros.audio.file import check_recording
    from ser_ros.cli.bars import probability_bars
    from ser_ros.emotions import LABELS
    from ser_ros.errors import SerError
    from ser_ros.resources import share_folder
    from ser_ros.testing.domain import take_own_domain
    from ser_ros.testing.node_process import NodeProcess

if TYPE_CHECKING:
    from diagnostic_msgs.msg import DiagnosticArray

    from ser_msgs.msg import Emotion
    from ser_ros.testing.observer import Observer

_PATIENCE = 300.0
"""Seconds allowed for each step of the start of the node: a large model takes a while to load."""
_TOLD_APART = ', '.join(label for label in LABELS if label != 'calm')
"""By the robot of the demo, as docs/node.md advises one that need not tell calm from neutral: nobody here acts calm."""
_VIEW = ('-m', 'ser_ros.cli.view')
_LOOK_PERIOD = 0.2


@ends_in_a_sentence
def main(args: list[str] | None = None) -> int:
    """Run the demo; return 0 if every utterance brought a message."""
    options = _parse(args)
    recording = share_folder() / 'demo' / 'acted.flac'
    microphone = options.source == 'microphone'
    audio = None if microphone else Path(options.audio or recording).resolve()
    if audio:
        check_recording(audio)  # A bad file is reported here, before anything is started.
    said = _read_said(recording.with_suffix('.json')) if audio == recording else []
    _choose_domain()
    # Imported late: rclpy takes a while, and a bad file is reported at once.
    with loading():
        from ser_ros.testing.observer import Observer, ros_context

    # The user sits at the microphone: a fault of it is reported at once.
    parameters = {'autostart': False, 'audio.source': options.source, 'audio.wait': False, 'model.path': options.model}
    if audio:
        parameters['audio.file'] = str(audio)
    if said and not options.model:
        parameters['emotion.labels'] = _TOLD_APART
        print(f"this robot need not tell calm from neutral: it is told emotion.labels '{_TOLD_APART}'")
    print('starting the node and loading its model ...', flush=True)
    with (
        NodeProcess({}, program=_VIEW) if options.view else contextlib.nullcontext() as view,
        NodeProcess(parameters, arguments=['--log-level', 'ser:=warn']) as node,
        ros_context() as context,
        Observer(context, process=node, patience=_PATIENCE, on_message=functools.partial(_show, said)) as observer,
    ):
        _check(observer.configure(), 'configure')
        if view is not None:
            _wait_for(view, observer)
        _check(observer.activate(), 'activate')
        print(f'listening to {audio or "the microphone, until Ctrl-C"}\n', flush=True)
        try:
            observer.wait_for_exit(node, patience=math.inf)
        except KeyboardInterrupt as interruption:
            if not microphone or exit_code(interruption) != exit_code(KeyboardInterrupt()):
                raise
            print()
        answered = len({message.utterance for message in observer.finals})
        to_answer = max(map(_to_answer, observer.diagnostics), default=0)
        if said:
            print(_compared(said, {message.utterance: message.emotion for message in observer.finals}))
        code = _verdict(answered, to_answer, said=len(said), complete=not microphone, exit_code=node.wait())
        if view is not None and not microphone:
            _stay(view)
        return code


def _parse(args: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='demo',
        description='Run the node on a recording or the microphone and print every message on /emotion.',
        epilog='examples: demo | demo --view | demo --audio speech.wav | demo --source microphone',
    )
    parser.add_argument('--audio', help='WAV or FLAC file (default: the demo recording)')
    parser.add_argument('--source', choices=('file', 'microphone'), default='file')
    parser.add_argument('--view', action='store_true', help='also show it in a browser, until Ctrl-C')
    parser.add_argument('--model', default='', help='model folder or name (default: the embedded model)')
    return parser.parse_args(args)


def _choose_domain() -> None:
    """Stay on this machine and, unless the user chose a domain, apart from other ROS nodes on it."""
    if 'ROS_DOMAIN_ID' in os.environ:
        os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    else:
        take_own_domain()
        print(f'to listen in from another terminal: export ROS_DOMAIN_ID={os.environ["ROS_DOMAIN_ID"]}')


def _check(success: bool, transition: str) -> None:
    if not success:
        raise SerError(f'the node could not {transition}; its own message is above')


def _wait_for(view: NodeProcess, observer: 'Observer') -> None:
    """Wait until the view hears what this observer hears, so that it misses nothing."""
    observer.wait_until(
        lambda: view.exit_code is not None or observer.node.count_subscribers('emotion') > 1, 'the page is there'
    )
    if view.exit_code is not None:
        raise SerError(f'the view ended with exit code {view.exit_code}; its own message is above')


def _stay(view: NodeProcess) -> None:
    """Leave the page as it is until Ctrl-C."""
    print('the page stays until Ctrl-C', flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        while view.exit_code is None:
            time.sleep(_LOOK_PERIOD)


@dataclass(frozen=True)
class _Said:
    """An utterance of the recording: who speaks, and which emotion was acted, '' for none."""

    person: str
    acted: str


def _read_said(description: Path) -> list[_Said]:
    utterances = json.loads(description.read_text(encoding='utf-8'))['utterances']
    return [_Said(utterance['person'], utterance['acted']) for utterance in utterances]


def _show(said: Sequence[_Said], message: 'Emotion') -> None:
    from ser_ros.node.messages import seconds

    clock = time.strftime('%H:%M:%S', time.localtime(message.header.stamp.sec))
    tenths = message.header.stamp.nanosec // 100_000_000
    kind = '' if message.is_final else ' (still speaking)'
    print(
        f'{clock}.{tenths}  utterance {message.utterance}: {message.emotion.upper()}{kind}  '
        f'{seconds(message.duration):.1f} s of speech, latency {seconds(message.latency):.2f} s, '
        f'used to {message.heard} utterance(s)'
    )
    if message.utterance <= len(said):
        this = said[message.utterance - 1]
        print(f'    {this.person}, {"acting " + this.acted.upper() if this.acted else "acting nothing"}')
    print(probability_bars(message.labels, message.probabilities), flush=True)


def _compared(said: Sequence[_Said], heard: Mapping[int, str]) -> str:
    """Return what was acted beside what was heard, a line for each utterance; `heard` by its number, from 1."""
    acted = [number for number, this in enumerate(said, start=1) if this.acted]
    right = [number for number in acted if heard.get(number) == said[number - 1].acted]
    lines = ['', f'  {"acted":<10} heard']
    for number, this in enumerate(said, start=1):
        mark = '' if not this.acted else 'as acted' if number in right else 'missed'
        lines.append(f'  {this.acted or "nothing":<10} {heard.get(number, "nothing"):<10} {mark}'.rstrip())
    return '\n'.join([*lines, f'{len(right)} of {len(acted)} acted emotions were heard as acted'])


def _to_answer(diagnostics: 'DiagnosticArray') -> int:
    """Return how many utterances the node reports that it answered, or should have."""
    values = {pair.key: pair.value for status in diagnostics.status for pair in status.values}
    return sum(int(values.get(key, 0)) for key in ('answered', 'failed', 'dropped final'))


def _verdict(answered: int, to_answer: int, *, said: int, complete: bool, exit_code: int) -> int:
    print(f'\n{to_answer} utterance(s) heard, {answered} final message(s) received, node ended with {exit_code}')
    if exit_code != 0:
        raise SerError(f'the node ended with exit code {exit_code}; its own message is above')
    if complete and answered < to_answer:
        raise SerError(f'{to_answer - answered} utterance(s) brought no message')
    if said and answered != said:
        raise SerError(f'the recording holds {said} utterances, but {answered} message(s) came')
    return 0


if __name__ == '__main__':
    sys.exit(main())
