# SPDX-License-Identifier: Apache-2.0
"""How a parameter is described, declared and checked."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, ParameterType
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter

from ser_ros.errors import SerError
from ser_ros.node.names import NameRule


@dataclass(frozen=True)
class ParameterSpec:
    """One parameter: its name, default, description and allowed values."""

    name: str
    default: Any
    description: str
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None
    rule: NameRule | None = None
    """Of the name that it holds."""
    live: bool = False
    """Takes effect at once; other parameters take effect when the node is next configured."""

    def descriptor(self) -> ParameterDescriptor:
        """Return what `ros2 param describe` shows."""
        descriptor = ParameterDescriptor(name=self.name, description=self.description)
        if self.pattern:
            descriptor.additional_constraints = f'must match {self.pattern}'
        if self.rule:
            descriptor.additional_constraints = f'must be {self.rule.words}'
        if self.minimum is not None:
            bounds = {'from_value': self.minimum, 'to_value': self.maximum}
            if isinstance(self.default, float):
                descriptor.floating_point_range = [FloatingPointRange(**bounds)]
            else:
                descriptor.integer_range = [IntegerRange(**bounds)]
        return descriptor

    def check(self, parameter: Parameter) -> None:
        """Raise SerError if the value breaks the pattern or the rule; rclpy checks types and ranges."""
        if self.pattern and not re.fullmatch(self.pattern, parameter.value):
            raise SerError(f"the parameter {self.name} is '{parameter.value}'; {_lower_first(self.description)}")
        if self.rule:
            self.rule.check(self.name, parameter.value)


def declare_parameters(node: Node, specs: Sequence[ParameterSpec], *, read_only: bool = False) -> None:
    """Declare `specs` on `node`. Raises SerError if a value given at start has the wrong type, range or form."""
    for spec in specs:
        descriptor = spec.descriptor()
        descriptor.read_only = read_only
        try:
            node.declare_parameter(spec.name, spec.default, descriptor)
        except InvalidParameterTypeException:
            raise SerError(_type_sentence(spec)) from None
        except InvalidParameterValueException:
            raise SerError(
                f'the parameter {spec.name} must be from {spec.minimum} to {spec.maximum}; correct it'
            ) from None
        spec.check(node.get_parameter(spec.name))


_TYPE_HINTS = {
    ParameterType.PARAMETER_DOUBLE: 'a number with a decimal point (1.0, not 1)',
    ParameterType.PARAMETER_INTEGER: 'a whole number',
    ParameterType.PARAMETER_BOOL: 'true or false',
    ParameterType.PARAMETER_STRING: "a text (put digits in quotes: '2')",
}


def _type_sentence(spec: ParameterSpec) -> str:
    kind = Parameter.Type.from_parameter_value(spec.default).value
    return f'the parameter {spec.name} has the wrong type; give {_TYPE_HINTS[kind]}'


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:].rstrip('.')
