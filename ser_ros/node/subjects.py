# SPDX-License-Identifier: Apache-2.0
"""The node's condition, subject by subject: what `/diagnostics` reports, before it is a message."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from ser_ros.pipeline.gate import Closure
from ser_ros.pipeline.status import REASONS, PipelineStatus
from ser_ros.speech.fused import GAIN_DB

_ZEROS_WARN = 0.6
"""Seconds of exact zeros, which a microphone in a real room does not give; the fault is reported within one second."""
_ZEROS_ERROR = 10.0
"""Seconds of exact zeros that are longer than a brief press of a mute button."""
_CLIPPED_WARN = 0.001
"""Share of samples at full scale: one in a thousand is far beyond a single knock."""
_OFFSET_WARN = 0.05
"""Of full scale; working sound cards stay below 0.01."""
_LAG_WARN = 1.0
"""Seconds by which the answers may be late before that is worth a warning."""
_STALLED = 10.0
"""Seconds for one utterance after which the model must be stuck, on any reasonable machine."""


MICROPHONE = 'microphone'
"""Name of the subject that reports on the sound, from any source."""


class Level(IntEnum):
    """As in diagnostic_msgs/DiagnosticStatus."""

    OK = 0
    WARN = 1
    ERROR = 2


@dataclass(frozen=True)
class Subject:
    """One subject: its name, level, a sentence, and its figures."""

    name: str
    level: Level
    message: str
    values: dict[str, object]


@dataclass(frozen=True)
class NodeStatus:
    """A snapshot of the node; the defaults are those of a node that is not configured.

    Attributes:
        error: Why the last transition or the listening failed; '' if it did not.
        source: What is listened to; while unconfigured, its kind.
        gate: Why the gate is closed; None while it is open.
        time_problem: One sentence while the stamps of messages are of little use; '' otherwise.
        problem: One sentence while the source gives no usable sound; '' otherwise.
        remark: One sentence if the sound is usable, but not as its file or sender says it is; '' otherwise.
        live: Whether sound is lost while no one listens: false for files.
        degraded: One sentence if the model does not run as configured; '' otherwise.
        adaptation: What the model has got used to, in words.
        whereabouts_problem: One sentence while it cannot be known where voices come from; '' otherwise.
        latencies: Seconds, of the last final messages.
        inference_times: Seconds, of the last final messages.
        pipeline: None while the node is not active.
        recording: One sentence while sound is recorded; '' otherwise.
        recording_problem: One sentence if it cannot be recorded; '' otherwise.
    """

    lifecycle_state: str
    error: str
    source: str
    gate: Closure | None
    robot_publishers: int
    time_problem: str = ''
    problem: str = ''
    remark: str = ''
    live: bool = True
    model: str = ''
    device: str = ''
    backend: str = ''
    degraded: str = ''
    adaptation: str = ''
    whereabouts_problem: str = ''
    last_emotion: str = ''
    latencies: tuple[float, ...] = ()
    inference_times: tuple[float, ...] = ()
    pipeline: PipelineStatus | None = None
    recording: str = ''
    recording_problem: str = ''


@dataclass(frozen=True)
class Recent:
    """What has happened in the last minute.

    Attributes:
        blocks: Per second.
        utterances: Per minute.
        losses: How often sound was lost.
        dropped: Final utterances that were dropped.
        too_quiet: Utterances that were rejected as too quiet.
        noise: Utterances that were rejected as noise.
    """

    blocks: float = 0.0
    utterances: float = 0.0
    losses: int = 0
    dropped: int = 0
    too_quiet: int = 0
    noise: int = 0


def subjects(status: NodeStatus, recent: Recent) -> list[Subject]:
    """Return the five subjects in a fixed order."""
    return [
        _node(status),
        _microphone(status, recent),
        _speech(status, recent),
        _recognition(status, recent),
        _gate(status),
    ]


def _node(status: NodeStatus) -> Subject:
    values: dict[str, object] = {'lifecycle state': status.lifecycle_state, 'recording': status.recording or 'no'}
    level, message = Level.OK, status.lifecycle_state
    if status.error:
        level, message = Level.ERROR, status.error
    elif status.recording_problem:
        level, message = Level.ERROR, status.recording_problem
    elif warnings := [text for text in (status.recording, status.time_problem, status.whereabouts_problem) if text]:
        level, message = Level.WARN, '; '.join(warnings)
    return Subject('node', level, message, values)


def _microphone(status: NodeStatus, recent: Recent) -> Subject:
    values: dict[str, object] = {'source': status.source}
    pipeline = status.pipeline
    if pipeline is None:
        return Subject(MICROPHONE, *(_judge_source(status) or (Level.OK, 'not listening')), values)
    signal = pipeline.signal
    values |= {
        'blocks': pipeline.blocks,
        'blocks per second': f'{recent.blocks:.1f}',
        'last block': f'{pipeline.seconds_since_block:.2f} s ago',
        'level': f'{signal.level:.1f} dBFS',
        'all zeros for': f'{signal.zeros:.1f} s',
        'clipped': f'{signal.clipped:.2%}',
        'offset': f'{signal.offset:+.3f}',
    }
    values |= dict(pipeline.losses.items())
    return Subject(MICROPHONE, *_judge_microphone(status, pipeline, recent), values)


def _judge_source(status: NodeStatus) -> tuple[Level, str] | None:
    """Return what the source itself has to say, None for nothing."""
    if status.problem:
        return Level.ERROR, status.problem
    return (Level.WARN, status.remark) if status.remark else None


def _judge_microphone(status: NodeStatus, pipeline: PipelineStatus, recent: Recent) -> tuple[Level, str]:
    signal = pipeline.signal
    if status.problem or not status.live:
        return _judge_source(status) or (Level.OK, 'playing')
    if pipeline.is_silent:
        return Level.ERROR, f'no sound for {pipeline.seconds_since_block:.1f} s; check the microphone'
    if signal.zeros > _ZEROS_WARN:
        level = Level.ERROR if signal.zeros > _ZEROS_ERROR else Level.WARN
        return level, f'only zeros for {signal.zeros:.1f} s; switch the microphone on, or unmute it'
    if status.remark:
        return Level.WARN, status.remark
    if signal.clipped > _CLIPPED_WARN:
        return Level.WARN, f'{signal.clipped:.1%} of the samples are clipped; turn down the gain of the microphone'
    if abs(signal.offset) > _OFFSET_WARN:
        return Level.WARN, f'the sound is off centre by {signal.offset:+.2f} of full scale; check the sound card'
    if recent.losses:
        return Level.WARN, f'sound was lost {recent.losses} time(s) in the last minute; see the counts'
    return Level.OK, 'listening'


def _speech(status: NodeStatus, recent: Recent) -> Subject:
    pipeline = status.pipeline
    if pipeline is None:
        return Subject('speech', Level.OK, 'not listening', {})
    values: dict[str, object] = {
        'somebody speaks': _yes(pipeline.is_speaking),
        'utterances': pipeline.utterances,
        'utterances per minute': f'{recent.utterances:.1f}',
        'room': f'{pipeline.noise_floor:.1f} dBFS',
        'last voice': f'{pipeline.voice_level:.1f} dBFS',
        'gain of the detectors': f'{GAIN_DB:.0f} dB',
    }
    values |= {f'rejected: {reason.value}': pipeline.rejected.get(reason, 0) for reason in REASONS}
    message = 'someone is speaking' if pipeline.is_speaking else 'quiet'
    return Subject('speech', Level.OK, '; '.join([message, *_rejections(recent)]), values)


def _rejections(recent: Recent) -> list[str]:
    """Return a sentence for each reason for which utterances were rejected in the last minute."""
    found = []
    if recent.too_quiet:
        found.append(
            f'{recent.too_quiet} utterance(s) in the last minute were no louder than the room: bring the microphone '
            'closer, or lower vad.noise_margin'
        )
    if recent.noise:
        found.append(
            f'{recent.noise} sound(s) in the last minute were rejected as noise: lower vad.min_voice if someone spoke'
        )
    return found


def _recognition(status: NodeStatus, recent: Recent) -> Subject:
    values: dict[str, object] = {
        'model': status.model,
        'device': status.device,
        'backend': status.backend,
        'adaptation': status.adaptation,
    }
    pipeline = status.pipeline
    if pipeline is None:
        return Subject('recognition', Level.OK, 'not listening', values)
    values |= {
        'answered': pipeline.answered,
        'failed': pipeline.failed,
        'dropped interim': pipeline.dropped_interim,
        'dropped final': pipeline.dropped_final,
        'waiting': pipeline.waiting,
        'lag': f'{pipeline.lag:.2f} s',
        'last emotion': status.last_emotion,
        'last latency': f'{status.latencies[-1]:.3f} s' if status.latencies else '',
        'latency, median, 95 %, longest': _percentiles(status.latencies),
        'inference, median, 95 %, longest': _percentiles(status.inference_times),
    }
    return Subject('recognition', *_judge_recognition(status, pipeline, recent), values)


def _judge_recognition(status: NodeStatus, pipeline: PipelineStatus, recent: Recent) -> tuple[Level, str]:
    if pipeline.last_failure:
        return Level.ERROR, f'the last utterance got no answer: {pipeline.last_failure}'
    if pipeline.working_for > _STALLED:
        return Level.ERROR, (
            f'the model has been busy with one utterance for {pipeline.working_for:.0f} s; deactivate and clean up '
            'the node, or restart it'
        )
    if recent.dropped:
        return Level.WARN, (
            f'{recent.dropped} utterance(s) lost in the last minute, {pipeline.lag:.1f} s behind: '
            'take a smaller model or a faster machine'
        )
    if pipeline.lag > _LAG_WARN:
        return Level.WARN, f'{pipeline.lag:.1f} s behind: take a smaller model or a faster machine'
    if status.degraded:
        return Level.WARN, status.degraded
    return Level.OK, 'ready'


def _gate(status: NodeStatus) -> Subject:
    values: dict[str, object] = {
        'deaf while the robot speaks': _yes(status.gate is Closure.ROBOT_SPEECH),
        'muted by hand': _yes(status.gate is Closure.MUTED),
        'publishers of robot_speaking': status.robot_publishers,
    }
    return Subject('gate', Level.OK, f'closed: {status.gate.value}' if status.gate else 'open', values)


def _percentiles(seconds: tuple[float, ...]) -> str:
    if not seconds:
        return ''
    return ', '.join(f'{value:.3f} s' for value in np.percentile(seconds, (50, 95, 100)))


def _yes(fact: bool) -> str:
    return 'yes' if fact else 'no'
