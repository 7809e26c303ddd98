# SPDX-License-Identifier: Apache-2.0
"""From utterances, estimates and moods to messages."""

import math
import time
from collections.abc import Sequence

from builtin_interfaces.msg import Duration, Time

from ser_msgs.msg import Emotion
from ser_msgs.msg import Mood as MoodMessage
from ser_ros.affect import valence_arousal
from ser_ros.emotions import UNKNOWN
from ser_ros.mood.voice_mood import Mood
from ser_ros.recognition.estimate import Estimate
from ser_ros.speech.segmenter import Utterance

_NANOSECONDS = 1_000_000_000
_LATEST = 2**31 * _NANOSECONDS - 1
"""Nanoseconds; what a ROS time can hold. The senders of sound may stamp it with any time."""


def to_message(
    utterance: Utterance,
    estimate: Estimate,
    *,
    model: str,
    frame_id: str,
    min_confidence: float,
    direction: float = math.nan,
) -> Emotion:
    """Return the message to publish now; its latency runs from the utterance's last sample to this call.

    `direction` is that of the voice, radians counter-clockwise; NaN if it is not known.
    """
    valence, arousal = valence_arousal(estimate.labels, estimate.probabilities)
    message = Emotion(
        duration=_split(Duration, utterance.duration),
        utterance=utterance.number,
        is_final=utterance.is_final,
        emotion=estimate.emotion(min_confidence),
        confidence=estimate.confidence,
        labels=list(estimate.labels),
        probabilities=estimate.probabilities.tolist(),
        valence=valence,
        arousal=arousal,
        model=model,
        heard=estimate.heard,
        voice=estimate.voice,
        direction=direction,
        latency=_split(Duration, max(0.0, time.monotonic() - utterance.end_arrival)),
    )
    message.header.stamp = to_time(utterance.start_time)
    message.header.frame_id = frame_id
    return message


def mood_message(mood: Mood, labels: Sequence[str], frame_id: str) -> MoodMessage:
    """Return the message for a mood of a model with `labels`, heard by the microphone `frame_id`."""
    is_known = mood.label != UNKNOWN
    valence, arousal = valence_arousal(labels, mood.probabilities) if is_known else (math.nan, math.nan)
    message = MoodMessage(
        mood=mood.label,
        since=to_time(mood.since),
        confidence=mood.confidence,
        labels=list(labels),
        probabilities=mood.probabilities.tolist(),
        valence=valence,
        arousal=arousal,
        utterances=mood.utterances,
        voice=mood.voice,
        direction=mood.direction,
    )
    message.header.stamp = to_time(mood.time)
    message.header.frame_id = frame_id
    return message


def seconds(stamp: Duration | Time) -> float:
    """Return a ROS time or duration in seconds."""
    return stamp.sec + stamp.nanosec / _NANOSECONDS


def to_time(seconds_: float) -> Time:
    """Return seconds as a ROS time, the nearest that it can hold."""
    return _split(Time, seconds_)


def _split(kind: type[Duration | Time], seconds_: float) -> Duration | Time:
    # Sound that was captured just before a simulated time began would be stamped -1 s.
    sec, nanosec = divmod(min(max(round(seconds_ * _NANOSECONDS), 0), _LATEST), _NANOSECONDS)
    return kind(sec=sec, nanosec=nanosec)
