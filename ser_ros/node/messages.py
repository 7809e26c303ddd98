# SPDX-License-Identifier: Apache-2.0
"""From utterances and estimates to `ser_msgs/Emotion`."""

import math
import time

from builtin_interfaces.msg import Duration, Time

from ser_msgs.msg import Emotion
from ser_ros.recognition.estimate import Estimate
from ser_ros.speech.segmenter import Utterance

_NANOSECONDS = 1_000_000_000
_LATEST = 2**31 * _NANOSECONDS - 1
"""Nanoseconds; what a ROS time can hold. The senders of sound may stamp it with any time."""


def to_message(
    utterance: Utterance, estimate: Estimate, *, model: str, frame_id: str, min_confidence: float
) -> Emotion:
    """Return the message to publish now; its latency runs from the utterance's last sample to this call."""
    message = Emotion(
        duration=_split(Duration, utterance.duration),
        utterance=utterance.number,
        is_final=utterance.is_final,
        emotion=estimate.emotion(min_confidence),
        confidence=estimate.confidence,
        labels=list(estimate.labels),
        probabilities=estimate.probabilities.tolist(),
        valence=math.nan,
        arousal=math.nan,
        model=model,
        heard=estimate.heard,
        voice=estimate.voice,
        direction=math.nan,
        latency=_split(Duration, max(0.0, time.monotonic() - utterance.end_arrival)),
    )
    message.header.stamp = to_time(utterance.start_time)
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
