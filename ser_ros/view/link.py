# SPDX-License-Identifier: Apache-2.0
"""The ROS side of the view: hears the followed node on a thread of its own, for all pages together."""

import contextlib
import os
import threading
import time
from collections.abc import Callable
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile, qos_profile_sensor_data
from rclpy.subscription import Subscription
from std_msgs.msg import Bool

from ser_msgs.msg import Emotion, Hearing
from ser_msgs.msg import Mood as MoodMessage
from ser_ros.node.messages import seconds
from ser_ros.view.followed import Followed
from ser_ros.view.record import SUBJECTS, Answer, Light, Mood, Reading, Record, Snapshot
from ser_ros.view.settings_link import SettingsLink

_STEP = 0.2
"""Seconds after which the thread looks around if nothing comes."""

_EVENTS = QoSProfile(depth=10)
_LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
_MOODS = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
"""As latched, but of several voices."""


class Link:
    """Follows one node through its death and return. The curves' topic is subscribed only while somebody watches.

    Attributes:
        followed: The node.
        settings: Its parameters.
    """

    def __init__(self, followed: Followed, *, context: rclpy.Context | None = None):
        """Begin to follow; `context` is rclpy's own one, initialised, unless another is given."""
        self.followed = followed
        self._record = Record()
        self._watchers: set[str] = set()
        self._curves: Subscription | None = None
        self._number = 0
        self._node = rclpy.create_node(f'ser_view_{os.getpid()}', context=context)
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self._node)
        self.settings = SettingsLink(self._node, followed.name)
        subscribe = self._node.create_subscription
        subscribe(Emotion, f'{followed.namespace}emotion', self._on_emotion, _EVENTS)
        subscribe(MoodMessage, f'{followed.namespace}mood', self._on_mood, _MOODS)
        subscribe(Bool, f'{followed.name}/speaking', self._on_speaking, _LATCHED)
        for topic in followed.diagnostics:
            # rclpy also accepts callbacks that take the message's info, but its type hints do not say so.
            callback: Callable[..., None] = self._on_diagnostics
            subscribe(DiagnosticArray, topic, callback, _EVENTS)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name='link', daemon=True)
        self._thread.start()

    def watch(self, watcher: str) -> None:
        """Note that `watcher`, any name of its own, looks at the curves."""
        self._watchers.add(watcher)

    def unwatch(self, watcher: str) -> None:
        """Note that `watcher` has gone; it need not have been there."""
        self._watchers.discard(watcher)

    def snapshot(self) -> Snapshot:
        """Return what is to be shown now."""
        return self._record.snapshot(time.monotonic())

    def close(self) -> None:
        """End."""
        self._ending.set()
        self._thread.join()
        self._executor.shutdown()
        self._node.destroy_node()

    def _work(self) -> None:
        with contextlib.suppress(ExternalShutdownException):
            while not self._ending.is_set():
                self._executor.spin_once(timeout_sec=_STEP)
                self._subscribe_while_watched()
                self.settings.look(self._record.is_there(time.monotonic()))

    def _subscribe_while_watched(self) -> None:
        if self._watchers and self._curves is None:
            self._curves = self._node.create_subscription(
                Hearing, f'{self.followed.name}/hearing', self._on_hearing, qos_profile_sensor_data
            )
        elif not self._watchers and self._curves is not None:
            self._node.destroy_subscription(self._curves)
            self._curves = None

    def _on_hearing(self, message: Hearing) -> None:
        self._record.add_reading(
            Reading(
                time=seconds(message.header.stamp),
                level=message.level,
                floor=message.floor,
                speech_probability=message.speech_probability,
                state=message.state,
                gate=message.gate,
            )
        )

    def _on_emotion(self, message: Emotion) -> None:
        self._record.add_answer(
            Answer(
                utterance=message.utterance,
                is_final=message.is_final,
                time=seconds(message.header.stamp),
                duration=seconds(message.duration),
                latency=seconds(message.latency),
                emotion=message.emotion,
                confidence=message.confidence,
                labels=tuple(message.labels),
                probabilities=tuple(message.probabilities),
                voice=message.voice,
            )
        )

    def _on_mood(self, message: MoodMessage) -> None:
        self._record.add_mood(
            Mood(
                came=time.monotonic(),
                mood=message.mood,
                since=seconds(message.since),
                confidence=message.confidence,
                utterances=message.utterances,
                labels=tuple(message.labels),
                probabilities=tuple(message.probabilities),
                voice=message.voice,
            )
        )

    def _on_speaking(self, message: Bool) -> None:
        self._record.set_speaking(message.data)

    def _on_diagnostics(self, message: DiagnosticArray, info: dict[str, Any]) -> None:
        prefix = self.followed.status_prefix
        ours = {status.name.removeprefix(prefix): status for status in message.status if status.name.startswith(prefix)}
        if not ours:
            return
        if not self._record.is_there(time.monotonic()) or self._is_restarted(info):
            self.settings.forget()
        lights = {
            subject: Light(int.from_bytes(ours[subject].level, 'little'), ours[subject].message)
            for subject in SUBJECTS
            if subject in ours
        }
        facts = {pair.key: pair.value for status in ours.values() for pair in status.values}
        self._record.set_lights(lights, facts, time.monotonic())

    def _is_restarted(self, info: dict[str, Any]) -> bool:
        """Return whether another publisher counts from the beginning, as after a restart that took no time."""
        before, self._number = self._number, info.get('publication_sequence_number') or 0
        return self._number < before
