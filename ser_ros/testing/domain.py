# SPDX-License-Identifier: Apache-2.0
"""Keeps nodes on this machine, and out of the way of others on it."""

import os

_DOMAINS = 100
"""1 to 100: DDS's ports of higher ones are given to other programs by Linux."""


def domain_of(process: int) -> int:
    """Return the ROS domain, 1 to 100, that `process` (an id, or another number) takes for its own."""
    return 1 + process % _DOMAINS


def take_own_domain(domain: int | None = None) -> None:
    """Move this process and those that it starts to `domain`, or to its own. Before `rclpy.init`."""
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    os.environ['ROS_DOMAIN_ID'] = str(domain_of(os.getpid()) if domain is None else domain)
