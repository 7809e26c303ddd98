# SPDX-License-Identifier: Apache-2.0
"""The demo's side of the wire: manages the node `ser` and subscribes to what it publishes."""

import subprocess
import time
from collections.abc import Callable

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState

from ser_msgs.msg import Emotion
from ser_ros.errors import SerError

_TRANSITIONS = {'configure': Transition.TRANSITION_CONFIGURE, 'activate': Transition.TRANSITION_ACTIVATE}
_STEP = 0.1


class EmotionListener:
    """A ROS node that brings another process's node `ser` up and hears it until it ends."""

    def __init__(self, *, on_message: Callable[[Emotion], None]):
        """`on_message` is called with every message on `emotion`."""
        self._on_message = on_message
        self.final_numbers: set[int] = set()
        self.to_answer = 0
        """How many utterances the node says it has answered, or should have."""

    def __enter__(self) -> 'EmotionListener':
        rclpy.init(signal_handler_options=rclpy.SignalHandlerOptions.NO)
        self._node = rclpy.create_node('ser_demo')
        self._client = self._node.create_client(ChangeState, 'ser/change_state')
        self._node.create_subscription(Emotion, 'emotion', self._on_emotion, 10)
        self._node.create_subscription(DiagnosticArray, 'diagnostics', self._on_diagnostics, 10)
        return self

    def __exit__(self, *exception) -> None:
        self._node.destroy_node()
        rclpy.try_shutdown()

    def change_state(self, transition: str, *, timeout: float, process: subprocess.Popen) -> None:
        """Ask for 'configure' or 'activate'. Raises SerError where that fails, takes too long, or the node ends."""
        self._wait(self._client.service_is_ready, timeout, process, 'the node did not appear')
        request = ChangeState.Request(transition=Transition(id=_TRANSITIONS[transition]))
        answer = self._client.call_async(request)
        self._wait(answer.done, timeout, process, f'the node did not {transition} in time')
        if not answer.result().success:
            raise SerError(f'the node could not {transition}; its own message stands above')

    def wait_for_publisher(self, *, timeout: float, process: subprocess.Popen) -> None:
        """Return when the node's messages can arrive here."""
        self._wait(lambda: self._node.count_publishers('emotion') > 0, timeout, process, 'nobody publishes emotions')

    def spin_while_runs(self, process: subprocess.Popen) -> None:
        """Receive until the node's process has ended and all that it sent has been taken."""
        while process.poll() is None:
            rclpy.spin_once(self._node, timeout_sec=_STEP)
        deadline = time.monotonic() + _STEP
        while time.monotonic() < deadline:
            rclpy.spin_once(self._node, timeout_sec=0.0)

    def _wait(self, condition: Callable[[], bool], timeout: float, process: subprocess.Popen, failure: str) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            if process.poll() is not None:
                raise SerError(f'the node ended with exit code {process.returncode}; its own message stands above')
            if time.monotonic() > deadline:
                raise SerError(f'{failure} ({timeout:.0f} s); is another ROS 2 node using up this machine?')
            rclpy.spin_once(self._node, timeout_sec=_STEP)

    def _on_emotion(self, message: Emotion) -> None:
        if message.is_final:
            self.final_numbers.add(message.utterance)
        self._on_message(message)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        values = {pair.key: pair.value for status in message.status for pair in status.values}
        to_answer = sum(int(values.get(key, 0)) for key in ('answered', 'failed', 'dropped final'))
        self.to_answer = max(self.to_answer, to_answer)
