# SPDX-License-Identifier: Apache-2.0
"""When a message was sent, on the clock by which sound arrives."""

import time
from typing import Any

_LONGEST_BELIEVED_DELAY = 2.0
"""Seconds that a message may have been in transit; a larger difference means that two machines' clocks disagree."""


def sent_at(info: dict[str, Any]) -> float:
    """Return the seconds of `time.monotonic()` at which a message was sent; now if that cannot be known.

    `info` is what rclpy gives to a callback with a second parameter.
    """
    delay = (time.time_ns() - info['source_timestamp']) / 1e9
    return time.monotonic() - (delay if 0.0 <= delay <= _LONGEST_BELIEVED_DELAY else 0.0)
