# SPDX-License-Identifier: Apache-2.0
"""Where a configured node's sound comes from."""

from rclpy.node import Node

from ser_ros.audio.file import FileSource
from ser_ros.audio.microphone import MicrophoneSource
from ser_ros.audio.source import AudioSource
from ser_ros.audio.supervised import SupervisedSource
from ser_ros.audio.topic import TopicSource
from ser_ros.errors import SerError
from ser_ros.node.audio_topic import AudioTopicSubscription
from ser_ros.node.parameters import AudioParameters


class Input:
    """The source that the parameters name, and the subscription that feeds it where it is a topic."""

    def __init__(self, node: Node, audio: AudioParameters):
        """Make the source, not open yet; what it captures is stamped by the node's clock. Raises SerError."""

        def clock() -> float:
            return node.get_clock().now().nanoseconds / 1e9

        self.source: AudioSource
        self._subscription: AudioTopicSubscription | None = None
        if audio.source == 'file':
            if not audio.file:
                raise SerError('audio.source is file, but audio.file is empty; give the path of a WAV or FLAC file')
            self.source = FileSource(audio.file, realtime=audio.realtime, channel=audio.channel, clock=clock)
        elif audio.source == 'topic':
            name = f'topic {node.resolve_topic_name(audio.topic)}'
            self.source = TopicSource(name, channel=audio.channel, clock=clock)
            self._subscription = AudioTopicSubscription(node, audio.topic, audio.info_topic, audio.assumed, self.source)
        else:
            microphone = MicrophoneSource(audio.device, channel=audio.channel, clock=clock)
            self.source = SupervisedSource(microphone, waits=audio.wait)

    def destroy(self) -> None:
        """End the subscription; the source is closed by whoever reads it."""
        if self._subscription is not None:
            self._subscription.destroy()
            self._subscription = None
