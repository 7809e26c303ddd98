# SPDX-License-Identifier: Apache-2.0
"""The emotion as a text in RViz."""

import math

from rclpy.lifecycle import LifecycleNode
from rclpy.qos import QoSProfile

from ser_msgs.msg import Emotion
from ser_ros.colours import BLACK, GREY, OF_LABELS
from ser_ros.node.optional_messages import messages_of
from ser_ros.node.settings import SerParameters

_LIFETIME = 4
"""Seconds for which RViz shows it."""
_DISTANCE = 1.0
"""Metres from the microphone in the direction of the voice; how far away people are is not known."""
_HEIGHT = 0.3
"""Metres above the frame, so that it does not cover what is there."""
_LETTERS = 0.15
"""Metres; height of a capital letter."""


def _rgb(colour: str) -> tuple[float, float, float]:
    """Return red, green and blue, 0..1, of hexadecimal digits."""
    red, green, blue = bytes.fromhex(colour.removeprefix('#'))
    return red / 255, green / 255, blue / 255


_OTHER = _rgb(GREY)
COLOURS = {label: _rgb(colour) if colour != BLACK else _OTHER for label, colour in OF_LABELS.items()}
"""Emotion -> red, green and blue, 0..1; what is not listed is grey, and so is what is black elsewhere, because RViz's
background is dark."""


class EmotionMarker:
    """Publishes each final message as a text on `~/marker` (visualization_msgs/Marker) while the node is active.

    It stands in the microphone's frame, in the direction of the voice if that is known, or else above the microphone.
    If another node publishes the voice as in REP-155, it stands above the frame of that voice, `voice_<id>`.
    """

    def __init__(self, node: LifecycleNode, settings: SerParameters):
        """Create the publisher. Raises SerError if visualization_msgs is not installed."""
        messages = messages_of(
            'visualization_msgs', asked_by='marker.enabled is set', without='set marker.enabled to false'
        )
        self._node = node
        self._make_marker = messages.Marker
        self._voice_id = settings.ros4hri.voice_id if settings.ros4hri.enabled else ''
        self._follows_voices = settings.voice_source == 'ros4hri'
        self._markers = node.create_lifecycle_publisher(messages.Marker, '~/marker', QoSProfile(depth=10))

    def publish(self, message: Emotion) -> None:
        """Publish the word of a final message and its confidence."""
        marker = self._make_marker(type=self._make_marker.TEXT_VIEW_FACING, action=self._make_marker.ADD)
        voice = (message.voice if self._follows_voices else '') or self._voice_id
        # A stamp of 0 is the latest transform to RViz: that of the beginning of the utterance may be forgotten by now.
        marker.header.frame_id = f'voice_{voice}' if voice else message.header.frame_id
        marker.ns = self._node.get_name()
        marker.pose.position.z = _HEIGHT
        marker.pose.orientation.w = 1.0
        if not voice and not math.isnan(message.direction):
            marker.pose.position.x = _DISTANCE * math.cos(message.direction)
            marker.pose.position.y = _DISTANCE * math.sin(message.direction)
        marker.scale.z = _LETTERS
        marker.color.r, marker.color.g, marker.color.b = COLOURS.get(message.emotion, _OTHER)
        marker.color.a = 1.0
        marker.lifetime.sec = _LIFETIME
        # The confidence is that of the most probable label, which is not named if the emotion is unknown.
        is_known = message.emotion != Emotion.UNKNOWN
        marker.text = f'{message.emotion} {message.confidence:.0%}' if is_known else message.emotion
        self._markers.publish(marker)

    def destroy(self) -> None:
        """Destroy the publisher."""
        self._node.destroy_lifecycle_publisher(self._markers)
