# SPDX-License-Identifier: Apache-2.0
"""The topics `emotion`, `mood` and `~/speaking`, and if enabled the voice of REP-155 and the marker for RViz."""

import contextlib
from collections import deque
from collections.abc import Sequence

from rclpy.duration import Duration
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import Bool

from ser_msgs.msg import Emotion
from ser_ros.node.marker import EmotionMarker
from ser_ros.node.messages import seconds, to_message
from ser_ros.node.mood_publisher import MoodPublisher
from ser_ros.node.ros4hri import VoicePublisher
from ser_ros.node.settings import SerParameters
from ser_ros.recognition.estimate import Estimate
from ser_ros.speech.segmenter import Utterance

EVENT_QOS = QoSProfile(depth=10)
LATCHED_QOS = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)

_REMEMBERED = 100
"""Number of final messages over which percentiles are computed."""
_LAST_WORDS_TIMEOUT = Duration(seconds=2)


class EmotionPublisher:
    """The publishers of a configured node; remembers the last final messages for diagnostics."""

    def __init__(self, node: LifecycleNode, settings: SerParameters, model: str, labels: Sequence[str]):
        """Create what `settings` ask for, for answers of `model`, which knows `labels`. Raises SerError."""
        self._node = node
        self._model = model
        self.last_emotion = ''
        self._latencies: deque[float] = deque(maxlen=_REMEMBERED)
        self._inference_times: deque[float] = deque(maxlen=_REMEMBERED)
        self._voices = VoicePublisher(node, settings.ros4hri.voice_id) if settings.ros4hri.enabled else None
        with contextlib.ExitStack() as opened:
            if self._voices is not None:
                opened.callback(self._voices.destroy)
            self._marker = EmotionMarker(node, settings) if settings.marker_enabled else None
            opened.pop_all()
        self._emotions = node.create_lifecycle_publisher(Emotion, 'emotion', EVENT_QOS)
        self._speaking = node.create_lifecycle_publisher(Bool, '~/speaking', LATCHED_QOS)
        self._moods = MoodPublisher(node, labels, settings.mood, settings.audio.frame_id)
        self.configure(settings)

    @property
    def own_voice(self) -> str:
        """Id of the voice of REP-155 that is published here; '' if there is none, or it is another node's."""
        return self._voices.own_id if self._voices is not None else ''

    @property
    def latencies(self) -> tuple[float, ...]:
        """Seconds, of the last final messages."""
        return tuple(self._latencies)

    @property
    def inference_times(self) -> tuple[float, ...]:
        """Seconds, of the last final estimates."""
        return tuple(self._inference_times)

    def configure(self, settings: SerParameters) -> None:
        """Use `settings` from the next message on."""
        self._frame_id = settings.audio.frame_id
        self._min_confidence = settings.min_confidence
        self._moods.configure(settings.mood)

    def activate(self) -> None:
        """Publish that no one is speaking yet, and that no mood is known."""
        self._moods.activate()
        if self._voices is not None:
            self._voices.activate()
        self.publish_speaking(False)

    def deactivate(self) -> None:
        """Publish that no one is speaking any more, and no mood known: what is latched would stay for ever."""
        self.publish_speaking(False)
        self._moods.deactivate()
        if self._voices is not None:
            self._voices.deactivate()

    def publish_speaking(self, speaking: bool) -> None:
        """Publish whether someone is speaking."""
        self._speaking.publish(Bool(data=speaking))
        if self._voices is not None:
            self._voices.speaking(speaking)

    def publish_estimate(self, utterance: Utterance, estimate: Estimate, direction: float) -> None:
        """Publish how an utterance sounded, and from where it came (radians; NaN if it is not known)."""
        message = to_message(
            utterance,
            estimate,
            model=self._model,
            frame_id=self._frame_id,
            min_confidence=self._min_confidence,
            direction=direction,
        )
        self._emotions.publish(message)
        self.last_emotion = message.emotion
        if not utterance.is_final:
            return
        self._moods.hear(message, utterance.end_arrival)
        latency = seconds(message.latency)
        self._latencies.append(latency)
        self._inference_times.append(estimate.inference_time)
        self._node.get_logger().info(
            f'utterance {utterance.number}: {message.emotion} {message.confidence:.0%}, '
            f'{utterance.duration:.1f} s of speech, latency {latency:.2f} s'
        )
        if self._voices is not None:
            self._voices.estimate(message)
        if self._marker is not None:
            self._marker.publish(message)

    def destroy(self) -> None:
        """Destroy the publishers once all subscribers have the last messages, or after two seconds for each topic."""
        # A publisher that is destroyed at once loses the messages that a busy subscriber has not fetched yet.
        if self._node.context.ok():
            for publisher in (self._emotions, self._speaking, self._moods):
                publisher.wait_for_all_acked(_LAST_WORDS_TIMEOUT)
            if self._voices is not None:
                self._voices.wait_for_all_acked(_LAST_WORDS_TIMEOUT)
        self._node.destroy_lifecycle_publisher(self._emotions)
        self._node.destroy_lifecycle_publisher(self._speaking)
        self._moods.destroy()
        if self._voices is not None:
            self._voices.destroy()
        if self._marker is not None:
            self._marker.destroy()
