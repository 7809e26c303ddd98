# SPDX-License-Identifier: Apache-2.0
"""The parameters that can be changed while the node listens, as people set them."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import yaml

_DECIMALS = 6
"""Beyond them a slider's roundings begin."""
_STEPS = 50
"""A slider has at least so many."""
_FINEST = 10.0**-_DECIMALS
"""Range below which there is nothing to slide."""

_HEADER = """\
# Parameters of {node} as they were set by hand:
#   ros2 launch ser_ros ser.launch.py params_file:=PATH
"""


@dataclass(frozen=True)
class Setting:
    """One parameter: its range as the node describes it, None where it has none, and its value."""

    name: str
    description: str
    minimum: float | None
    maximum: float | None
    value: bool | int | float

    @property
    def is_whole(self) -> bool:
        """Whether it takes whole numbers only."""
        return isinstance(self.value, int) and not isinstance(self.value, bool)

    @property
    def step(self) -> float:
        """A power of ten by which a slider moves, so that it has fifty steps or a few hundred."""
        if self.minimum is None or self.maximum is None or self.maximum - self.minimum < _FINEST:
            return 1.0
        step = 10.0 ** math.floor(math.log10((self.maximum - self.minimum) / _STEPS))
        return max(step, 1.0) if self.is_whole else step

    def typed(self, value: bool | float) -> bool | int | float:
        """Return `value`, as a page gives it, in the parameter's type and range, and without a slider's roundings."""
        if isinstance(self.value, bool):
            return bool(value)
        if self.minimum is not None and self.maximum is not None:
            value = min(max(value, self.minimum), self.maximum)
        return round(value) if self.is_whole else round(float(value), _DECIMALS)


def as_yaml(node: str, settings: Iterable[Setting]) -> str:
    """Return a parameter file with the values of `settings`, for any node name and namespace."""
    sections: dict[str, Any] = {}
    for setting in settings:
        *above, name = setting.name.split('.')
        section = sections
        for part in above:
            section = section.setdefault(part, {})
        section[name] = setting.value
    return _HEADER.format(node=node) + yaml.safe_dump({'/**': {'ros__parameters': sections}}, sort_keys=False)
