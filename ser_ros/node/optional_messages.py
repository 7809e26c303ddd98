# SPDX-License-Identifier: Apache-2.0
"""Message packages that the node needs only if it is asked to."""

import importlib
import os
from types import ModuleType

from ser_ros.errors import SerError


def messages_of(package: str, *, asked_by: str, without: str) -> ModuleType:
    """Return the messages of `package`.

    Args:
        package: Such as hri_msgs.
        asked_by: What asks for it, as in 'ros4hri.enabled is set'.
        without: How to do without, as in 'set ros4hri.enabled to false'.

    Raises:
        SerError: It is not installed.
    """
    try:
        return importlib.import_module(f'{package}.msg')
    except ImportError:
        distribution = os.environ.get('ROS_DISTRO') or '$ROS_DISTRO'
        raise SerError(
            f'{asked_by}, but the package {package} is not installed or not sourced; '
            f'`sudo apt install ros-{distribution}-{package.replace("_", "-")}`, or {without}'
        ) from None
