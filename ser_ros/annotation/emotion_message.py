# SPDX-License-Identifier: Apache-2.0
"""`ser_msgs/Emotion` for bags: serialized without ROS, from the message's own definition."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from ser_ros.affect import valence_arousal
from ser_ros.annotation.bag_copy import AddedTopic
from ser_ros.annotation.listening import Annotation
from ser_ros.resources import share_folder

EMOTION = 'ser_msgs/msg/Emotion'
"""The message's type."""

_FOREVER = QosTime(2147483647, 4294967295)
QOS = Qos(
    history=QosHistory.KEEP_LAST,
    depth=10,
    reliability=QosReliability.RELIABLE,
    durability=QosDurability.VOLATILE,
    deadline=_FOREVER,
    lifespan=_FOREVER,
    liveliness=QosLiveliness.AUTOMATIC,
    liveliness_lease_duration=_FOREVER,
    avoid_ros_namespace_conventions=False,
)
"""What the node offers on `emotion`, so that a bag is played as the node published; these durations mean 'none' in
ROS."""

_NANOSECONDS = 1_000_000_000


def emotion_types() -> Typestore:
    """Return a type store that knows ROS 2's own messages and EMOTION."""
    store = get_typestore(Stores.ROS2_JAZZY)
    definition = (share_folder() / 'ser_msgs' / 'msg' / 'Emotion.msg').read_text(encoding='utf-8')
    store.register(get_types_from_msg(definition, EMOTION))
    return store


def emotion_topic(
    name: str, annotations: Sequence[Annotation], store: Typestore, *, model: str, frame_id: str
) -> AddedTopic:
    """Return the topic `name` with one message for each of `annotations`."""
    messages = [
        (_nanoseconds(annotation.published), _serialize(annotation, store, model, frame_id))
        for annotation in annotations
    ]
    return AddedTopic(name, EMOTION, QOS, sorted(messages, key=lambda message: message[0]))


def _serialize(annotation: Annotation, store: Typestore, model: str, frame_id: str) -> memoryview:
    types = store.types
    time, duration = types['builtin_interfaces/msg/Time'], types['builtin_interfaces/msg/Duration']
    estimate = annotation.estimate
    valence, arousal = valence_arousal(estimate.labels, estimate.probabilities)
    message = types[EMOTION](
        header=types['std_msgs/msg/Header'](stamp=_split(time, annotation.start_time), frame_id=frame_id),
        duration=_split(duration, annotation.duration),
        utterance=annotation.utterance,
        is_final=True,
        emotion=annotation.emotion,
        confidence=estimate.confidence,
        labels=list(estimate.labels),
        probabilities=estimate.probabilities.astype(np.float32),
        valence=valence,
        arousal=arousal,
        model=model,
        heard=estimate.heard,
        voice=estimate.voice,
        direction=math.nan,
        latency=_split(duration, annotation.latency),
    )
    return store.serialize_cdr(message, EMOTION)


def _nanoseconds(seconds: float) -> int:
    return round(seconds * _NANOSECONDS)


def _split(kind: Callable[..., Any], seconds: float) -> Any:
    sec, nanosec = divmod(_nanoseconds(seconds), _NANOSECONDS)
    return kind(sec=sec, nanosec=nanosec)
