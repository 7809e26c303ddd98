# SPDX-License-Identifier: Apache-2.0
"""Where the voice comes from, as the driver of a microphone array publishes it."""

import math
from collections.abc import Callable
from typing import Any

from geometry_msgs.msg import PoseStamped
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from std_msgs.msg import Int32

from ser_ros.node.directions import Directions
from ser_ros.node.names import full_topic_name
from ser_ros.node.sent import sent_at
from ser_ros.node.settings import DirectionParameters

_QOS = QoSProfile(depth=50, reliability=ReliabilityPolicy.BEST_EFFORT)
"""Fits every publisher."""
_NEAR = 1e-6
"""Metres; a position nearer to the origin has no direction."""


class DirectionInput:
    """Notes the directions that come on the topic `direction.topic`.

    As `direction.type` says, they are `degrees` (std_msgs/Int32, counter-clockwise, any number of turns), which the
    drivers of the ReSpeaker publish on `sound_direction` or `doa`; or a `pose` (geometry_msgs/PoseStamped), whose
    position is taken. Its orientation is not: the drivers of the ReSpeaker, all of one origin, fill a quaternion in
    another order than they made it in, so that it points elsewhere.
    """

    def __init__(self, node: Node, settings: DirectionParameters, frame_id: str, directions: Directions):
        """Subscribe on `node`; `frame_id` is the microphone's frame, in which directions are. Raises SerError."""
        self._node = node
        self._settings = settings
        self._frame_id = frame_id
        self._directions = directions
        self._fault = ''
        self._topic = full_topic_name(node, 'direction.topic', settings.topic)
        kind, callback = _KINDS[settings.type]
        self._kind = kind

        def on_message(message: Any, info: dict[str, Any]) -> None:
            callback(self, message, sent_at(info))

        # rclpy also accepts callbacks that take the message's info, but its type hints do not say so.
        take: Callable[..., None] = on_message
        self._subscription = node.create_subscription(kind, settings.topic, take, _QOS)

    def look(self) -> str:
        """Return why nothing can be known from the topic; '' if nothing is wrong with it. Asks for its publishers."""
        published = {info.topic_type for info in self._node.get_publishers_info_by_topic(self._topic)}
        wanted = f'{self._kind.__module__.split(".")[0]}/msg/{self._kind.__name__}'
        if published and wanted not in published:
            return (
                f'direction.topic is {self._topic}, which carries {", ".join(sorted(published))}, but direction.type '
                f'{self._settings.type} takes {wanted}; set direction.type, or give another topic'
            )
        return self._fault

    def destroy(self) -> None:
        """Take the subscription off the node."""
        self._node.destroy_subscription(self._subscription)

    def _on_degrees(self, message: Int32, at: float) -> None:
        self._directions.note(math.radians(message.data % 360), at)

    def _on_pose(self, message: PoseStamped, at: float) -> None:
        position, frame = message.pose.position, message.header.frame_id
        distance = math.hypot(position.x, position.y)
        self._fault = ''
        if frame and frame != self._frame_id:
            self._fault = (
                f'poses on {self._topic} are in the frame {frame!r}, but audio.frame_id is {self._frame_id!r}; '
                'set it to that frame'
            )
        elif not (_NEAR <= distance < math.inf):
            self._fault = (
                f'poses on {self._topic} have no direction: their position is ({position.x:g}, {position.y:g}); give '
                'the driver a distance (doa_xy_offset), or use direction.type degrees'
            )
        self._directions.note(math.nan if self._fault else math.atan2(position.y, position.x), at)


_KINDS: dict[str, tuple[type[Any], Callable[[DirectionInput, Any, float], None]]] = {
    'degrees': (Int32, DirectionInput._on_degrees),
    'pose': (PoseStamped, DirectionInput._on_pose),
}
"""direction.type -> its message and what takes it."""
