# SPDX-License-Identifier: Apache-2.0
"""Where a configured node's sound comes from."""

from collections.abc import Callable

from rclpy.node import Node

from ser_ros.audio.file import FileSource
from ser_ros.audio.microphone import MicrophoneSource
from ser_ros.audio.source import AudioSource
from ser_ros.audio.supervised import SupervisedSource
from ser_ros.audio.topic import TopicSource
from ser_ros.errors import SerError
from ser_ros.node.audio_topic import AudioTopicSubscription
from ser_ros.node.names import full_topic_name
from ser_ros.node.settings import AudioParameters


class AudioInput:
    """The source that the parameters name, and the subscription that feeds it if it is a topic."""

    def __init__(self, node: Node, parameters: AudioParameters, clock: Callable[[], float]):
        """Create the source without opening it; what it captures is stamped by `clock` (seconds). Raises SerError."""
        self._node = node
        self._parameters = parameters
        self._clock = clock
        self.source: AudioSource
        self._subscription: AudioTopicSubscription | None = None
        channel = parameters.channel
        if parameters.source == 'file':
            if not parameters.file:
                raise SerError('audio.source is file, but audio.file is empty; give the path of a WAV or FLAC file')
            self.source = FileSource(parameters.file, realtime=parameters.realtime, channel=channel, clock=clock)
        elif parameters.source == 'topic':
            topic = full_topic_name(node, 'audio.topic', parameters.topic)
            info_topic = full_topic_name(node, 'audio.info_topic', parameters.info_topic)
            self.source = TopicSource(f'topic {topic}', channel=channel, clock=clock)
            self._subscription = AudioTopicSubscription(node, topic, info_topic, parameters.assumed, self.source)
        else:
            microphone = MicrophoneSource(parameters.device, channel=channel, clock=clock)
            self.source = SupervisedSource(microphone, waits=parameters.wait)

    @property
    def remark(self) -> str:
        """One sentence if the sound is heard, but something is wrong with where it comes from; '' otherwise."""
        return self._subscription.remark if self._subscription is not None else self.source.remark

    def close(self) -> None:
        """Close the source and end the subscription."""
        self.source.close()
        self._unsubscribe()

    def replace_stuck(self) -> 'AudioInput':
        """Leave the source to the thread that is stuck in it, and return another input with the same parameters."""
        self._unsubscribe()
        return AudioInput(self._node, self._parameters, self._clock)

    def _unsubscribe(self) -> None:
        if self._subscription is not None:
            self._subscription.destroy()
            self._subscription = None
