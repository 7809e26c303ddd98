# SPDX-License-Identifier: Apache-2.0
"""Keeps nodes on this machine, and apart from others on it."""

import fcntl
import os
import tempfile
from pathlib import Path

from ser_ros.errors import SerError

_DOMAINS = 100
"""1 to 100: Linux gives the DDS ports of higher domains to other programs."""

_held: list[int] = []
"""Locks of the domains that this process has taken; released when it ends."""


def take_own_domain() -> int:
    """Move this process, and those that it starts, to a ROS domain that no other process has taken; return it.

    Call it before `rclpy.init`. Raises SerError if all are taken.
    """
    for number in range(os.getpid(), os.getpid() + _DOMAINS):
        domain = 1 + number % _DOMAINS
        if _lock(domain):
            os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
            os.environ['ROS_DOMAIN_ID'] = str(domain)
            return domain
    raise SerError(f'all of the {_DOMAINS} ROS domains are taken; set ROS_DOMAIN_ID')


def _lock(domain: int) -> bool:
    try:
        file = os.open(Path(tempfile.gettempdir(), f'ser_ros-domain-{domain}'), os.O_CREAT | os.O_RDWR)
    except PermissionError:
        return False  # another user's
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return False
    _held.append(file)
    return True
