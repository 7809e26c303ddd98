# SPDX-License-Identifier: Apache-2.0
"""Reads and sets the parameters of another node by its services."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from rcl_interfaces.msg import ParameterDescriptor, ParameterEvent, ParameterType
from rclpy.node import Node
from rclpy.parameter import Parameter, parameter_value_to_python
from rclpy.parameter_client import AsyncParameterClient
from rclpy.qos import qos_profile_parameter_events

from ser_ros.node.parameters import SPECS
from ser_ros.view.settings import Setting

_ASK_AGAIN = 5.0
"""Seconds without an answer after which the node is asked again: the answer of a server that has not fully discovered a
client yet is lost."""

_SHOWN = (ParameterType.PARAMETER_BOOL, ParameterType.PARAMETER_INTEGER, ParameterType.PARAMETER_DOUBLE)
_NAMES = [spec.name for spec in SPECS if spec.live]


class SettingsLink:
    """The parameters of one node that take effect at once; `look` is called by the executor's thread."""

    def __init__(self, node: Node, target: str):
        """Prepare to ask the node `target`, by its full name."""
        self._target = target
        self._client = AsyncParameterClient(node, target)
        node.create_subscription(ParameterEvent, '/parameter_events', self._on_event, qos_profile_parameter_events)
        self._lock = threading.Lock()
        self._settings: dict[str, Setting] = {}
        self._descriptors: dict[str, ParameterDescriptor] = {}
        self._asked = -_ASK_AGAIN

    def all(self) -> tuple[Setting, ...]:
        """Return what is known now, in a fixed order; nothing before the node has answered."""
        with self._lock:
            return tuple(self._settings.values())

    def forget(self) -> None:
        """Ask anew: the node may be another one by now."""
        with self._lock:
            self._settings, self._descriptors = {}, {}
            self._asked = -_ASK_AGAIN

    def look(self, is_there: bool) -> None:
        """Ask the node for its parameters if it is there and has not answered yet."""
        now = time.monotonic()
        if not is_there or self._settings or now < self._asked + _ASK_AGAIN or not self._client.services_are_ready():
            return
        self._asked = now
        self._client.describe_parameters(_NAMES, self._on_descriptors)

    def set(self, name: str, value: bool | int | float) -> 'Future[str]':
        """Set a parameter of the node; the future, of any thread, is why it was refused, '' if it was not."""
        done: Future[str] = Future()

        def tell(answer: Any) -> None:
            result = answer.result().results[0]
            if result.successful:
                self._note(name, value)
            done.set_result('' if result.successful else result.reason)

        if not self._client.services_are_ready():
            done.set_result(f'no node {self._target} is there')
        else:
            self._client.set_parameters([Parameter(name, value=value)], tell)
        return done

    def _on_descriptors(self, answer: Any) -> None:
        # Of a parameter that it does not have, as an older node, a node gives an empty description.
        found = {descriptor.name: descriptor for descriptor in answer.result().descriptors if descriptor.type in _SHOWN}
        with self._lock:
            self._descriptors = found
        if found:
            names = list(found)
            self._client.get_parameters(names, lambda values: self._on_values(names, values))

    def _on_values(self, names: Sequence[str], answer: Any) -> None:
        for name, value in zip(names, answer.result().values, strict=True):
            self._note(name, parameter_value_to_python(value))

    def _on_event(self, event: ParameterEvent) -> None:
        if event.node == self._target:
            for parameter in event.changed_parameters:
                self._note(parameter.name, parameter_value_to_python(parameter.value))

    def _note(self, name: str, value: Any) -> None:
        with self._lock:
            descriptor = self._descriptors.get(name)
            if descriptor is None:
                return
            ranges = [*descriptor.floating_point_range, *descriptor.integer_range]
            self._settings[name] = Setting(
                name=name,
                description=descriptor.description,
                minimum=ranges[0].from_value if ranges else None,
                maximum=ranges[0].to_value if ranges else None,
                value=value,
            )
