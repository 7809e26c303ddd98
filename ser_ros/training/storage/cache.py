# SPDX-License-Identifier: Apache-2.0
"""Where training keeps what it can make again: downloads, unpacked archives, decoded clips."""

import os
from pathlib import Path

CACHE_VARIABLE = 'SER_ROS_CACHE'
"""Environment variable that moves the cache."""


def cache_folder() -> Path:
    """Return $SER_ROS_CACHE, else $XDG_CACHE_HOME/ser_ros, else ~/.cache/ser_ros; it may not exist yet.

    All of it can be removed whenever no training runs.
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    return Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache').absolute() / 'ser_ros'
