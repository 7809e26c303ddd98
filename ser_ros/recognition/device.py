# SPDX-License-Identifier: Apache-2.0
"""Where a model runs."""

import ctypes
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ser_ros.errors import SettingError

if TYPE_CHECKING:
    import torch

DEVICE_PATTERN = r'auto|cpu|cuda(:\d+)?'
"""What `model.device` may be."""


def check_device(device: str) -> None:
    """Raise SerError if `device` is not allowed as `model.device`."""
    if not re.fullmatch(DEVICE_PATTERN, device):
        raise SettingError(
            'model.device', lambda name: f"{name} '{device}' is not known; use auto, cpu, cuda or cuda:N"
        )


def gpu_may_be_there() -> bool:
    """Return whether it is worth loading torch to see whether this machine has a GPU.

    torch needs NVIDIA's driver library or, for AMD's GPUs, the kernel's device file.
    """
    try:
        ctypes.CDLL('libcuda.so.1')
    except OSError:
        return Path('/dev/kfd').exists()
    return True


def choose_device(device: str) -> 'torch.device':
    """Return the torch device for 'auto' (a GPU if there is one), 'cpu', 'cuda' or 'cuda:N'. Raises SerError."""
    # Imported late: the node checks its parameters by the pattern long before it needs torch.
    import torch

    check_device(device)
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == 'auto':
        device = 'cuda' if gpus else 'cpu'
    if device.startswith('cuda') and int(device.partition(':')[2] or 0) >= gpus:
        raise SettingError(
            'model.device', lambda name: f"{name} '{device}' does not exist: torch sees {gpus} GPU(s); use auto or cpu"
        )
    return torch.device(device)
