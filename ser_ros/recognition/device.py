# SPDX-License-Identifier: Apache-2.0
"""Where a model runs."""

import re
from typing import TYPE_CHECKING

from ser_ros.errors import SerError

if TYPE_CHECKING:
    import torch

DEVICE_PATTERN = r'auto|cpu|cuda(:\d+)?'
"""What `model.device` may be."""


def choose_device(device: str) -> 'torch.device':
    """Return the torch device for 'auto' (a GPU where there is one), 'cpu', 'cuda' or 'cuda:N'. Raises SerError."""
    # Late, for the node checks its parameters by the pattern long before it needs torch.
    import torch

    if not re.fullmatch(DEVICE_PATTERN, device):
        raise SerError(f"model.device '{device}' is not known; use auto, cpu, cuda or cuda:N")
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == 'auto':
        device = 'cuda' if gpus else 'cpu'
    if device.startswith('cuda') and int(device.partition(':')[2] or 0) >= gpus:
        raise SerError(f"model.device '{device}' is not there: torch sees {gpus} GPU(s); use auto or cpu")
    return torch.device(device)
