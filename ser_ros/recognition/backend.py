# SPDX-License-Identifier: Apache-2.0
"""What runs a model's network, and which of the two backends is used."""

from pathlib import Path
from typing import Protocol

import numpy as np

from ser_ros.errors import SerError, SettingError, reason
from ser_ros.extras import missing_packages, require_extra
from ser_ros.recognition.cancellation import Cancellation
from ser_ros.recognition.device import check_device, gpu_may_be_there
from ser_ros.recognition.model_output import ModelOutput
from ser_ros.recognition.optimised_form import OptimisedForm, graph_path, read_form

BACKENDS = ('auto', 'torch', 'onnx')
"""What `model.backend` may be."""


class Backend(Protocol):
    """A model that is ready to run.

    Attributes:
        kind: 'torch' or 'onnx'.
        labels: In the order of the logits.
        temperature: Positive; what the logits are divided by before the softmax.
        window: Samples that it can take at once; None if there is no limit.
        device: Where it runs now: 'cpu', 'cuda', 'cuda:N'.
        degraded: One sentence if it does not run as configured; '' otherwise.
    """

    kind: str
    labels: tuple[str, ...]
    temperature: float
    window: int | None
    device: str
    degraded: str

    def run(self, samples: np.ndarray, cancellation: Cancellation) -> ModelOutput:
        """Return the output for samples (float32, shape (n,), 16 kHz). Raises Cancelled."""


def load_backend(folder: Path, device: str, backend: str) -> Backend:
    """Load the model in `folder`. Raises SerError.

    'auto' uses the optimised form on a CPU, if it exists and belongs to the weights, and torch otherwise. A GPU without
    an installed torch does not count.
    """
    if backend not in BACKENDS:
        raise SettingError('model.backend', lambda name: f"{name} '{backend}' is not known; use {', '.join(BACKENDS)}")
    check_device(device)
    if backend == 'onnx':
        if device.startswith('cuda'):
            raise SettingError(
                'model.backend',
                lambda name: f'the backend onnx runs on the CPU, not on {device}; use {name} torch, or cpu',
            )
        form = read_form(folder)
        if form is None:
            raise SerError(f'{folder} has no optimised form; build it: `ros2 run ser_ros optimize {folder}`')
        return _load_optimised(folder, form)
    problem = ''
    if backend == 'auto' and (device == 'cpu' or (device == 'auto' and not _torch_may_find_a_gpu())):
        try:
            form = read_form(folder)
            if form is not None:
                return _load_optimised(folder, form)
        except SerError as error:
            problem = str(error)
    _require_torch(folder, device, backend, problem)
    # Imported late: torch and transformers take seconds and half a gigabyte that the other backend does not need.
    try:
        from ser_ros.recognition.torch_backend import TorchBackend
    except (ImportError, OSError) as error:
        # For example a torch that was built for another CUDA.
        raise SerError(
            f'torch is installed, but cannot be loaded ({reason(error)}); install the one that is made for this machine'
        ) from None

    loaded = TorchBackend.load(folder, device)
    if problem:
        loaded.degraded = loaded.degraded or f'the model runs without its optimised form: {problem}'
    return loaded


def _require_torch(folder: Path, device: str, backend: str, problem: str) -> None:
    """Raise SerError, which says what needs it, if torch is not installed."""
    if backend == 'torch':
        require_extra('torch', 'torch', key='model.backend')
    elif device.startswith('cuda'):
        require_extra('torch', device, key='model.device')
    elif problem:
        require_extra('torch', f'{folder}, whose optimised form cannot be used ({problem}),')
    else:
        require_extra('torch', f'{folder}, which has no optimised form,')


def _torch_may_find_a_gpu() -> bool:
    return not missing_packages('torch') and gpu_may_be_there()


def _load_optimised(folder: Path, form: OptimisedForm) -> Backend:
    from ser_ros.recognition.onnx_backend import OnnxBackend

    return OnnxBackend(
        graph_path(folder),
        folder,
        shared=form.shared,
        labels=form.labels,
        temperature=form.temperature,
        window=form.window,
    )
