# SPDX-License-Identifier: Apache-2.0
"""How long a message takes after the end of speech, and after the decision of the end; and what silence costs."""

import contextlib
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.benchmarking.nodes import emotion_topic, logging_node, wait_until_listening
from ser_ros.benchmarking.schedule import Schedule, background_noise, expect, lay_out
from ser_ros.errors import SerError
from ser_ros.testing.node_process import NodeProcess
from ser_ros.testing.process_cost import cpu_seconds, memory_megabytes, threads

if TYPE_CHECKING:
    from ser_ros.benchmarking.live import Speaker

_SETTLING = 1.0
"""Seconds after the start, and before the end of a file, that do not count as idle."""


@dataclass(frozen=True)
class LiveFigures:
    """Measurements of some equal nodes that heard the same sound.

    Attributes:
        utterances: Final messages expected, of all nodes.
        answered: Final messages that came.
        end_to_message: Milliseconds from the end of speech, shape (answered,).
        decision_to_message: Milliseconds from the decision of the end, shape (answered,).
        interim: Number of interim messages.
        idle_percent: Use of one core in percent, for each node, over `idle_seconds` of silence.
        megabytes: Memory of the first node after it has answered, 10^6 bytes.
        own_megabytes: What of it is shared with no other process.
        threads: Number of threads of the first node.
        start_seconds: Seconds that the first node took to start, by stage.
    """

    nodes: int
    utterances: int
    answered: int
    end_to_message: np.ndarray
    decision_to_message: np.ndarray
    interim: int
    idle_percent: tuple[float, ...]
    idle_seconds: float
    megabytes: float
    own_megabytes: float
    threads: int
    start_seconds: dict[str, float]


@dataclass
class _Group:
    """Equal nodes that hear one topic, and the measurements so far."""

    audio: str
    nodes: dict[str, NodeProcess]
    """By the topic of their emotions."""
    starts: list[dict[str, float]]
    idle_percent: tuple[float, ...] = ()
    sent: list[list[float]] = field(default_factory=list)
    """For each round, when each packet went out."""


def measure_live(
    utterances: list[np.ndarray],
    settings: dict[str, dict[str, Any]],
    *,
    nodes: int,
    rounds: int,
    idle_seconds: float,
    on_progress: Callable[[str], None],
) -> dict[str, LiveFigures]:
    """Measure `nodes` nodes for each of `settings` (parameters by name). Raises SerError.

    All run for the whole time, but in each of the `rounds` they hear the utterances one setting after the other, so
    that noise of the machine affects all settings alike, and no setting disturbs another.
    """
    speaker_class = _speaker()
    packets = lay_out(utterances)
    schedule = expect(packets)
    with contextlib.ExitStack() as stack:
        groups: dict[str, _Group] = {}
        for name, parameters in settings.items():
            on_progress(f'{name}: starting {nodes} node(s)')
            groups[name] = _start(stack, f'group_{len(groups)}', parameters, nodes)
        speaker = stack.enter_context(speaker_class())
        for name, group in groups.items():
            speaker.connect(group.audio, list(group.nodes))
            on_progress(f'{name}: {idle_seconds:.0f} s of silence')
            before = _cpu_seconds(group)
            speaker.play(group.audio, background_noise(idle_seconds))
            used = [after - start for after, start in zip(_cpu_seconds(group), before, strict=True)]
            group.idle_percent = tuple(100 * seconds / idle_seconds for seconds in used)
        for number in range(rounds):
            for name, group in groups.items():
                seconds = packets.size / SAMPLE_RATE
                on_progress(f'{name}: {seconds:.0f} s of speech and pauses, round {number + 1} of {rounds}')
                group.sent.append(speaker.play(group.audio, packets))
                for topic in group.nodes:
                    speaker.take(topic, (number + 1) * len(schedule.utterances))
        return {name: _figures(group, speaker, schedule, idle_seconds) for name, group in groups.items()}


def measure_idle(parameters: dict[str, Any], seconds: float) -> float:
    """Return what one node with `parameters` uses while it hears silence from a file at its own pace, in % of a core.

    Without DDS: the cost of the node itself. Raises SerError.
    """
    with tempfile.TemporaryDirectory(prefix='ser-benchmark-') as folder:
        file = Path(folder) / 'silence.wav'
        soundfile.write(file, background_noise(seconds + 3 * _SETTLING).ravel(), SAMPLE_RATE)
        with logging_node('idle', parameters | {'audio.source': 'file', 'audio.file': str(file)}) as node:
            wait_until_listening(node)
            time.sleep(_SETTLING)
            began, before = time.monotonic(), cpu_seconds(node.pid)
            time.sleep(seconds)
            return 100 * (cpu_seconds(node.pid) - before) / (time.monotonic() - began)


def delays_of(
    messages: list[tuple[float, int]], schedule: Schedule, sent: list[list[float]]
) -> list[tuple[float, float]]:
    """Return milliseconds from the end of speech, and from the decision, for each (when it came, utterance number).

    `sent`: for each time that the sound of `schedule` was played, when each packet went out. Numbers continue from one
    time to the next. A message that was not expected is left out.
    """
    expected = {utterance.number: utterance for utterance in schedule.utterances}
    delays = []
    for came, number in messages:
        played, before = divmod(number - 1, schedule.numbers)
        utterance = expected.get(before + 1)
        if utterance is not None and played < len(sent):
            packets = sent[played]
            delays.append((1000 * (came - packets[utterance.speech_end]), 1000 * (came - packets[utterance.decision])))
    return delays


def _speaker() -> 'type[Speaker]':
    # Imported late: most of the benchmark runs without ROS.
    try:
        from ser_ros.benchmarking.live import Speaker
    except ImportError as error:
        raise SerError(
            f'the live section needs ROS 2, but {error.name} is missing; source the built workspace, or leave the '
            'section out with --only'
        ) from None
    return Speaker


def _start(stack: contextlib.ExitStack, name: str, parameters: dict[str, Any], nodes: int) -> _Group:
    audio = f'{name}_audio'
    heard = parameters | {'audio.source': 'topic', 'audio.topic': audio}
    names = [f'{name}_node_{index}' for index in range(nodes)]
    processes = {emotion_topic(node): stack.enter_context(logging_node(node, heard)) for node in names}
    return _Group(audio, processes, [wait_until_listening(node) for node in processes.values()])


def _cpu_seconds(group: _Group) -> list[float]:
    return [cpu_seconds(node.pid) for node in group.nodes.values()]


def _figures(group: _Group, speaker: 'Speaker', schedule: Schedule, idle_seconds: float) -> LiveFigures:
    count = len(group.sent) * len(schedule.utterances)
    received = [speaker.take(topic, count) for topic in group.nodes]
    first = next(iter(group.nodes.values()))
    finals = [(came, message.utterance) for messages in received for came, message in messages if message.is_final]
    delays = delays_of(finals, schedule, group.sent)
    megabytes, own = memory_megabytes(first.pid)
    return LiveFigures(
        nodes=len(group.nodes),
        utterances=len(group.nodes) * count,
        answered=len(delays),
        end_to_message=np.array([end for end, _ in delays]),
        decision_to_message=np.array([decision for _, decision in delays]),
        interim=sum(not message.is_final for messages in received for _, message in messages),
        idle_percent=group.idle_percent,
        idle_seconds=idle_seconds,
        megabytes=megabytes,
        own_megabytes=own,
        threads=threads(first.pid),
        start_seconds=group.starts[0],
    )
