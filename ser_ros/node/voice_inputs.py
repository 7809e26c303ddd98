# SPDX-License-Identifier: Apache-2.0
"""Who says whose voice it is: the topic `voice`, or the voices of REP-155 (ROS4HRI)."""

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.subscription import Subscription
from std_msgs.msg import Bool, String

from ser_ros.node.names import VOICE_ID
from ser_ros.node.optional_messages import messages_of
from ser_ros.node.ros4hri import VOICES
from ser_ros.node.sent import sent_at
from ser_ros.pipeline.voices import Voices

_RELEASE = 0.3
"""Seconds for which a voice of REP-155 that has just fallen silent is still the one that speaks: its owner may decide
so a little before the last sound that is heard here."""
_MOST_VOICES = 64
"""Voices that are followed at a time, so that a list of any length costs little."""
_LOOK_PERIOD = 1.0
_REMEMBERED = 32
"""Messages of a topic that are recognised when they come a second time."""


class VoiceTopic:
    """Notes the ids that come on `voice`."""

    def __init__(self, node: Node, voices: Voices):
        """Create the subscription on `node`."""
        self._node = node
        self._voices = voices
        # rclpy also accepts callbacks that take the message's info, but its type hints do not say so.
        callback: Callable[..., None] = self._on_voice
        self._subscription = node.create_subscription(String, 'voice', callback, QoSProfile(depth=10))

    def destroy(self) -> None:
        """Take the subscription off the node."""
        self._node.destroy_subscription(self._subscription)

    def _on_voice(self, message: String, info: dict[str, Any]) -> None:
        self._voices.note(message.data, sent_at(info))


class TrackedVoices:
    """Notes which of the tracked voices of REP-155 speaks; none if several do, or none does.

    `/humans/voices/tracked` (hri_msgs/IdsList) says which voices there are, `/humans/voices/<id>/is_speaking`
    (std_msgs/Bool) whether one speaks. The node's own voice is not followed: it is the microphone, not a person.
    """

    def __init__(self, node: Node, voices: Voices, own_voice: str):
        """Create the subscriptions on `node`, which publishes `own_voice`, if not ''.

        Raises SerError if hri_msgs is not installed.
        """
        messages = messages_of('hri_msgs', asked_by='voice.source is ros4hri', without='set voice.source to topic')
        self._node = node
        self._voices = voices
        self._own_voice = own_voice
        self._is_speaking: dict[str, _EitherQos] = {}
        self._speaking: set[str] = set()
        self._refused: set[str] = set()
        self._tracked = _EitherQos(node, messages.IdsList, f'{VOICES}/tracked', self._on_tracked)
        self._timer = node.create_timer(_LOOK_PERIOD, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME))
        # It runs only while somebody speaks: each wake-up of the executor costs a millisecond.
        self._timer.cancel()

    def destroy(self) -> None:
        """Take the subscriptions and the timer off the node."""
        self._node.destroy_timer(self._timer)
        for subscriptions in (self._tracked, *self._is_speaking.values()):
            subscriptions.destroy()
        self._is_speaking.clear()

    def _on_tracked(self, message: Any, at: float) -> None:
        others = dict.fromkeys(voice for voice in message.ids if voice != self._own_voice)
        if message.ids and not others:
            # The node's own list: each publisher of `tracked` lists its own voices.
            return
        tracked = [voice for voice in others if self._can_follow(voice)][:_MOST_VOICES]
        for gone in self._is_speaking.keys() - tracked:
            self._is_speaking.pop(gone).destroy()
            self._on_speaking(gone, False, at)
        for voice in tracked:
            if voice not in self._is_speaking:
                self._is_speaking[voice] = self._follow(voice)

    def _can_follow(self, voice: str) -> bool:
        fault = VOICE_ID.fault(voice) if voice else 'it is empty'
        if fault and len(self._refused) < _MOST_VOICES and voice not in self._refused:
            self._refused.add(voice)
            self._node.get_logger().warning(f'{VOICES}/tracked lists the voice {voice!r}, which cannot be one: {fault}')
        return not fault

    def _follow(self, voice: str) -> '_EitherQos':
        def on_message(message: Bool, at: float) -> None:
            self._on_speaking(voice, message.data, at)

        return _EitherQos(self._node, Bool, f'{VOICES}/{voice}/is_speaking', on_message)

    def _on_speaking(self, voice: str, speaking: bool, at: float) -> None:
        if speaking == (voice in self._speaking):
            return
        if speaking:
            self._speaking.add(voice)
            self._timer.reset()
        else:
            self._speaking.discard(voice)
        if not self._speaking:
            self._voices.note('', at + _RELEASE)
        else:
            self._voices.note(next(iter(self._speaking)) if len(self._speaking) == 1 else '', at)

    def _look(self) -> None:
        """Take a voice to be silent whose publisher has gone while it spoke."""
        now = time.monotonic()
        for voice in list(self._speaking):
            if self._node.count_publishers(f'{VOICES}/{voice}/is_speaking') == 0:
                self._on_speaking(voice, False, now)
        if not self._speaking:
            self._timer.cancel()


class _EitherQos:
    """Subscribes to a topic whether it is latched or not.

    A latched topic gives its last message only to who asks for it, and who asks gets nothing of one that is not.
    """

    def __init__(self, node: Node, kind: type[Any], topic: str, callback: Callable[[Any, float], None]):
        """Call `callback` with each message, once, and when it was sent: seconds of `time.monotonic()`."""
        self._node = node
        self._callback = callback
        self._seen: deque[int] = deque(maxlen=_REMEMBERED)
        on_message: Callable[..., None] = self._on_message
        self._subscriptions: list[Subscription] = [
            node.create_subscription(kind, topic, on_message, QoSProfile(depth=10, durability=durability))
            for durability in (DurabilityPolicy.VOLATILE, DurabilityPolicy.TRANSIENT_LOCAL)
        ]

    def destroy(self) -> None:
        """Take the subscriptions off the node."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)

    def _on_message(self, message: Any, info: dict[str, Any]) -> None:
        stamp = info['source_timestamp']
        if stamp and stamp in self._seen:
            return
        self._seen.append(stamp)
        self._callback(message, sent_at(info))
