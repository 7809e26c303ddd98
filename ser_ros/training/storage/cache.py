# SPDX-License-Identifier: Apache-2.0
"""Where training keeps files that can be recreated: downloads, unpacked archives, decoded clips."""

import os
from pathlib import Path

from ser_ros.places import expanded, home_folder

CACHE_VARIABLE = 'SER_ROS_CACHE'
"""Environment variable that moves the cache."""


def cache_folder() -> Path:
    """Return $SER_ROS_CACHE, otherwise $XDG_CACHE_HOME/ser_ros, otherwise ~/.cache/ser_ros; it may not exist yet.

    It can be removed whenever no training is running.
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return expanded(chosen).absolute()
    return Path(os.environ.get('XDG_CACHE_HOME') or home_folder(CACHE_VARIABLE) / '.cache').absolute() / 'ser_ros'
