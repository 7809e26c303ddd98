# SPDX-License-Identifier: Apache-2.0
"""The least time a device needs for an utterance: its floating-point work and its weights' bytes, at measured rates."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from ser_ros.recognition.checkpoint import load_checkpoint

_WARM_UPS, _RUNS = 3, 10
_MATRIX = {'cuda': 8192, 'cpu': 2048}
_COPIED_BYTES = {'cuda': 2**31, 'cpu': 2**28}


@dataclass(frozen=True)
class Floor:
    """What one utterance needs, and what the device can do.

    Attributes:
        flop: Floating-point operations of one forward pass.
        weight_bytes: Bytes of the weights, which have to be read once.
        flop_per_second: What the device does in a large matrix product.
        bytes_per_second: What it does in a large copy, read and written bytes together.
    """

    flop: float
    weight_bytes: float
    flop_per_second: float
    bytes_per_second: float

    @property
    def seconds(self) -> float:
        """The longer of the two: work and reading may overlap."""
        return max(self.flop / self.flop_per_second, self.weight_bytes / self.bytes_per_second)


def measure_floor(folder: Path, samples: np.ndarray, device: torch.device) -> Floor:
    """Return the floor of the model `folder` for samples (float32, shape (n,), 16 kHz) on `device`. Raises SerError."""
    checkpoint = load_checkpoint(folder, device)
    dtype = next(checkpoint.model.parameters()).dtype
    inputs = {
        name: value.to(device, dtype if value.is_floating_point() else None)
        for name, value in checkpoint.frontend([samples]).items()
    }
    # The counter asks for the gradients of everything that could have one, and there are none here.
    checkpoint.model.requires_grad_(False)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        checkpoint.model(**inputs)
    return Floor(
        flop=counter.get_total_flops(),
        weight_bytes=sum(weights.nbytes for weights in checkpoint.model.parameters()),
        flop_per_second=_matrix_rate(device, dtype),
        bytes_per_second=_copy_rate(device),
    )


def _matrix_rate(device: torch.device, dtype: torch.dtype) -> float:
    size = _MATRIX[device.type]
    left = torch.randn(size, size, device=device, dtype=dtype)
    return 2 * size**3 / _seconds(lambda: left @ left, device)


def _copy_rate(device: torch.device) -> float:
    source = torch.ones(_COPIED_BYTES[device.type] // 4, device=device)
    target = torch.empty_like(source)
    return 2 * source.nbytes / _seconds(lambda: target.copy_(source), device)


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    """Return the median time of `work` on `device`."""
    times = []
    for _ in range(_WARM_UPS + _RUNS):
        started = time.perf_counter()
        work()
        if device.type == 'cuda':
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - started)
    return float(np.median(times[_WARM_UPS:]))
