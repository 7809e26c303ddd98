# SPDX-License-Identifier: Apache-2.0
"""The node's parameters of moods."""

from collections.abc import Mapping
from typing import Any

from ser_ros.mood.config import MoodConfig
from ser_ros.node.parameter_spec import ParameterSpec

_M = MoodConfig()

MOOD_SPECS = (
    ParameterSpec(
        'mood.memory',
        _M.memory,
        'Seconds; after so much silence the mood is `unknown`, and after less it is less sure.',
        5.0,
        600.0,
        live=True,
    ),
    ParameterSpec(
        'mood.hysteresis',
        _M.hysteresis,
        'By how much the probability of another mood must exceed that of the present one to take its place.',
        0.0,
        1.0,
        live=True,
    ),
)


def mood_config(value: Mapping[str, Any]) -> MoodConfig:
    """Return the settings in the values of all parameters, by their names."""
    return MoodConfig(memory=value['mood.memory'], hysteresis=value['mood.hysteresis'])
