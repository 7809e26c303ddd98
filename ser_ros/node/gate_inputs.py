# SPDX-License-Identifier: Apache-2.0
"""What closes the gate from outside: the topic `robot_speaking` and the service `~/listen`."""

import time
from collections.abc import Callable
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import QoSProfile
from std_msgs.msg import Bool
from std_srvs.srv import SetBool

from ser_ros.node.sent import sent_at
from ser_ros.pipeline.gate import Gate

_LOOK_PERIOD = 0.2


class GateInputs:
    """Feeds a gate from ROS."""

    def __init__(self, node: Node, gate: Gate):
        """Create the subscription, the service and the timer on `node`."""
        self._node = node
        self._gate = gate
        # rclpy also accepts callbacks that take the message's info, but its type hints do not say so.
        callback: Callable[..., None] = self._on_robot_speaking
        self._subscription = node.create_subscription(Bool, 'robot_speaking', callback, QoSProfile(depth=10))
        node.create_service(SetBool, '~/listen', self._on_listen)
        self._timer = node.create_timer(
            _LOOK_PERIOD, self._look_after_publishers, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        # It runs only while the robot speaks: each wake-up of the executor costs a millisecond.
        self._timer.cancel()

    @property
    def publishers(self) -> int:
        """Number of publishers of `robot_speaking`."""
        return self._node.count_publishers(self._subscription.topic_name)

    def _on_robot_speaking(self, message: Bool, info: dict[str, Any]) -> None:
        if not message.data:
            # Not corrected by its delay: a wrong clock would let the robot hear itself.
            self._gate.robot_speaking(False, time.monotonic())
            return
        self._gate.robot_speaking(True, sent_at(info))
        self._timer.reset()

    def _look_after_publishers(self) -> None:
        if not self._gate.robot_speaks:
            self._timer.cancel()
        elif self.publishers == 0:
            self._node.get_logger().warning(
                'the publisher of robot_speaking has gone while the robot was speaking; listening again'
            )
            self._gate.robot_speaking(False, time.monotonic())

    def _on_listen(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self._gate.listen(request.data, time.monotonic())
        response.success = True
        response.message = 'listening' if request.data else 'not listening until ~/listen is called with true'
        self._node.get_logger().info(response.message)
        return response
