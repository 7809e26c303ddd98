# SPDX-License-Identifier: Apache-2.0
"""A ROS node that observes and manages a `ser` node in another process."""

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.client import Client
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import Bool

from ser_msgs.msg import Emotion
from ser_ros.errors import SerError
from ser_ros.testing.emotion_log import EmotionLog
from ser_ros.testing.node_process import NodeProcess

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)

_LEVELS = {DiagnosticStatus.OK: 'OK', DiagnosticStatus.WARN: 'WARN', DiagnosticStatus.ERROR: 'ERROR'}
_KEPT_DIAGNOSTICS = 1000
_STEP = 0.05
_LAST_WORDS = 0.1
"""Seconds for the last messages of an ended node to arrive."""
_ASK_AGAIN = 5.0
"""Seconds without an answer after which a service is called again."""


@contextlib.contextmanager
def ros_context() -> Iterator[rclpy.Context]:
    """Yield a context of ROS that leaves signals to its user."""
    context = rclpy.Context()
    # No log files: there may be no home for them.
    rclpy.init(args=['--ros-args', '--disable-external-lib-logs'], context=context)
    try:
        yield context
    finally:
        rclpy.shutdown(context=context)


class Observer:
    """Receives a node's emotions, diagnostics and `~/speaking`, and calls its services. Receives only while it waits.

    Attributes:
        emotions: every message on its topic `emotion`.
        diagnostics: the latest ones, one a second.
        speaking: everything on `~/speaking`.
        node: its own, also for publishing.
    """

    def __init__(
        self,
        context: rclpy.Context,
        *,
        name: str = 'ser',
        node_name: str = 'observer',
        namespace: str = '',
        process: NodeProcess | None = None,
        patience: float = 120.0,
        on_message: Callable[[Emotion], None] | None = None,
    ):
        """Subscribe.

        Args:
            context: of ROS.
            name: of the node that is observed.
            node_name: of its own node.
            namespace: of that node, without the slash.
            process: its process, whose end ends every wait with an error.
            patience: seconds after which a wait ends with an error.
            on_message: called with every emotion.

        """
        self.node = rclpy.create_node(node_name, context=context)
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self.node)
        self._process = process
        self._patience = patience
        self._clients: dict[str, Client] = {}
        prefix = f'/{namespace}'.rstrip('/')
        self._full_name = f'{prefix}/{name}'
        self._topic = f'{prefix}/emotion'
        self.emotions = EmotionLog(self.node, self._topic, on_message)
        self.diagnostics: deque[DiagnosticArray] = deque(maxlen=_KEPT_DIAGNOSTICS)
        self.speaking: list[bool] = []
        self.node.create_subscription(DiagnosticArray, f'{prefix}/diagnostics', self._on_diagnostics, 10)
        self.node.create_subscription(Bool, f'{self._full_name}/speaking', self._on_speaking, LATCHED)

    def __enter__(self) -> 'Observer':
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End."""
        self._executor.shutdown()
        self.node.destroy_node()

    @property
    def messages(self) -> list[Emotion]:
        """Every emotion."""
        return self.emotions.messages

    @property
    def finals(self) -> list[Emotion]:
        """Every emotion that ends an utterance."""
        return self.emotions.finals

    def spin(self, timeout: float, *, until: Callable[[], bool] = lambda: False) -> bool:
        """Receive for `timeout` seconds, or until `until` is true; return whether it is."""
        deadline = time.monotonic() + timeout
        while not (is_true := until()) and time.monotonic() < deadline:
            self._executor.spin_once(timeout_sec=min(_STEP, max(0.0, deadline - time.monotonic())))
        return is_true

    def wait_until(self, condition: Callable[[], object], what: str, patience: float | None = None) -> None:
        """Receive until `condition` holds.

        Raises SerError, which names `what` was waited for, after the patience, or if the node has ended and its process
        is known.
        """
        patience = self._patience if patience is None else patience
        if not self.spin(patience, until=lambda: bool(condition()) or self._has_ended()):
            raise SerError(f'waited {patience:.0f} s in vain until {what}; is another program using up this machine?')
        if self._has_ended() and not condition():
            code = self._process.exit_code if self._process else None
            raise SerError(f'the node ended with exit code {code}; its own message is above')

    def wait_for_exit(self, process: NodeProcess, *, patience: float | None = None) -> int:
        """Receive everything until a node has ended; return its exit code. Raises SerError."""
        self.wait_until(lambda: process.exit_code is not None, 'the node has ended', patience)
        self.spin(_LAST_WORDS)
        return process.wait()

    def client(self, service: Any, name: str) -> Client:
        """Return the one client of a service of the node: a new one would have to be discovered first."""
        if name not in self._clients:
            self._clients[name] = self.node.create_client(service, f'{self._full_name}/{name}')
        return self._clients[name]

    def call(self, service: Any, name: str, request: Any, *, again: bool = True) -> Any:
        """Call a service of the node and return its answer. Raises SerError if none comes.

        With `again` the call is repeated after a while: the answer of a server that has not fully discovered a client
        yet is lost.
        """
        client = self.client(service, name)
        self.wait_until(client.service_is_ready, f'the service {name} is there')
        answers = [client.call_async(request)]
        calls = [time.monotonic()]

        def answered() -> bool:
            if again and time.monotonic() > calls[-1] + _ASK_AGAIN:
                answers.append(client.call_async(request))
                calls.append(time.monotonic())
            return any(answer.done() for answer in answers)

        self.wait_until(answered, f'the service {name} has answered')
        return next(answer for answer in answers if answer.done()).result()

    def transition(self, transition: int) -> bool:
        """Request a lifecycle transition, by its id; return whether the node made it."""
        # Once get_state, which may be called twice, answers, this service has discovered its client too.
        self.client(ChangeState, 'change_state')
        self.state()
        request = ChangeState.Request(transition=Transition(id=transition))
        return self.call(ChangeState, 'change_state', request, again=False).success

    def state(self) -> int:
        """Return the id of the lifecycle's state."""
        return self.call(GetState, 'get_state', GetState.Request()).current_state.id

    def configure(self) -> bool:
        """Configure, and wait until messages of the node can arrive; return whether it is configured."""
        success = self.transition(Transition.TRANSITION_CONFIGURE)
        if success:
            self.wait_for_publisher()
        return success

    def activate(self) -> bool:
        """Activate; return whether it is active."""
        return self.transition(Transition.TRANSITION_ACTIVATE)

    def wait_for_publisher(self) -> None:
        """Wait until messages of the node can arrive."""
        self.wait_until(lambda: self.node.count_publishers(self._topic) == 1, 'the emotion publisher is there')

    def last_values(self) -> dict[str, str]:
        """Return key and value of the newest diagnostics, of all subjects together; empty if there are none."""
        statuses = self.diagnostics[-1].status if self.diagnostics else []
        return {pair.key: pair.value for status in statuses for pair in status.values}

    def count(self, key: str) -> int:
        """Return one count of the newest diagnostics; 0 before there is any."""
        return int(self.last_values().get(key, 0))

    def status(self, subject: str) -> tuple[str, str]:
        """Return level ('OK', 'WARN', 'ERROR') and message of a subject in the newest diagnostics; ('', '') before."""
        for status in self.diagnostics[-1].status if self.diagnostics else []:
            if status.name.endswith(f': {subject}'):
                return _LEVELS[status.level], status.message
        return '', ''

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        self.diagnostics.append(message)

    def _on_speaking(self, message: Bool) -> None:
        self.speaking.append(message.data)

    def _has_ended(self) -> bool:
        return self._process is not None and self._process.exit_code is not None
