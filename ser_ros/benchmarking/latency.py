# SPDX-License-Identifier: Apache-2.0
"""How long after the end of speech, and after the decision of the end, a message is there; and what silence costs."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.benchmarking.live import Speaker
from ser_ros.benchmarking.nodes import NodeProcess
from ser_ros.benchmarking.schedule import PACKET, Expected, expect
from ser_ros.speech.segmenter import SegmentationConfig

_FIRST_SILENCE = 1.0
_PAUSE = 1.0
"""Seconds of silence before and between utterances."""
_ROOM = 1e-3
"""Standard deviation of the white noise in it: -60 dBFS."""


@dataclass(frozen=True)
class Live:
    """What was measured of some equal nodes that heard the same sound.

    utterances, answered: final messages that could come and that came, of all nodes.
    end_to_message, decision_to_message: milliseconds, shape (answered,).
    interim: how many interim messages came.
    idle_percent: of one core, for each node, over `idle_seconds` of silence.
    megabytes, own_megabytes: of the first node, after it has answered.
    start_seconds: of the first node, by stage.
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
    start_seconds: dict[str, float]


def measure_live(
    utterances: list[np.ndarray],
    parameters: dict,
    *,
    nodes: int,
    idle_seconds: float,
    on_progress: Callable[[str], None],
) -> Live:
    """Start `nodes` nodes with `parameters`, let them hear silence and then `utterances`, and end them."""
    interim_period = parameters.get('emotion.interim_period', 0.0)
    config = SegmentationConfig(interim_period=interim_period)
    sound = lay_out(utterances)
    expected = expect(sound, config)
    with contextlib.ExitStack() as stack:
        on_progress(f'starting {nodes} node(s)')
        running = [stack.enter_context(NodeProcess(f'ser_{index}', parameters)) for index in range(nodes)]
        starts = [node.wait_until_listening() for node in running]
        speaker = stack.enter_context(Speaker())
        speaker.hear([node.topic for node in running])
        before = [node.cpu_seconds() for node in running]
        on_progress(f'{idle_seconds:.0f} s of silence')
        speaker.play(_noise(idle_seconds))
        used = [node.cpu_seconds() - start for node, start in zip(running, before, strict=True)]
        on_progress(f'{len(sound) / SAMPLE_RATE:.0f} s of speech')
        sent = speaker.play(sound)
        received = [speaker.take(node.topic, len(expected)) for node in running]
        megabytes, own = running[0].memory_megabytes()
    delays = [delay for messages in received for delay in _delays(messages, expected, sent)]
    return Live(
        nodes=nodes,
        utterances=nodes * len(expected),
        answered=len(delays),
        end_to_message=np.array([end for end, _ in delays]),
        decision_to_message=np.array([decision for _, decision in delays]),
        interim=sum(not message.is_final for messages in received for _, message in messages),
        idle_percent=tuple(100 * seconds / idle_seconds for seconds in used),
        idle_seconds=idle_seconds,
        megabytes=megabytes,
        own_megabytes=own,
        start_seconds=starts[0],
    )


def lay_out(utterances: list[np.ndarray]) -> np.ndarray:
    """Return the utterances with a quiet room before, between and after them, in whole packets."""
    parts = [_noise(_FIRST_SILENCE)]
    for utterance in utterances:
        missing = -len(utterance) % PACKET
        parts += [np.pad(utterance, (0, missing)), _noise(_PAUSE)]
    return np.concatenate(parts)


def _noise(seconds: float) -> np.ndarray:
    count = round(seconds * SAMPLE_RATE / PACKET) * PACKET
    return np.random.default_rng(0).normal(scale=_ROOM, size=count).astype(np.float32)


def _delays(messages, expected: list[Expected], sent: list[float]) -> list[tuple[float, float]]:
    by_number = {utterance.number: utterance for utterance in expected}
    return [
        (1000 * (came - sent[utterance.speech_end]), 1000 * (came - sent[utterance.decision]))
        for came, message in messages
        if message.is_final and (utterance := by_number.get(message.utterance)) is not None
    ]
