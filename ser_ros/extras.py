# SPDX-License-Identifier: Apache-2.0
"""Packages that are installed only when needed: torch, and those for training and export."""

from importlib.util import find_spec

from ser_ros.errors import SerError, SettingError

_TORCH = {'torch': 'torch', 'transformers': 'transformers'}

EXTRAS = {
    'torch': _TORCH,
    'train': _TORCH
    | {
        'accelerate': 'accelerate',
        'datasets': 'datasets',
        'filelock': 'filelock',
        'huggingface-hub': 'huggingface_hub',
        'matplotlib': 'matplotlib',
        'requests': 'requests',
        'scikit-learn': 'sklearn',
        'scipy': 'scipy',
        'torchaudio': 'torchaudio',
        'tqdm': 'tqdm',
    },
    'view': {'nicegui': 'nicegui'},
    'optimize': _TORCH | {'onnx': 'onnx', 'onnxscript': 'onnxscript'},
}
"""Extra of setup.py -> its packages, each with the module by which it is imported."""


def missing_packages(extra: str) -> list[str]:
    """Return which packages of `extra`, one of EXTRAS, are not installed; without importing anything."""
    return [package for package, module in EXTRAS[extra].items() if find_spec(module) is None]


def require_extra(extra: str, what: str, *, key: str = '') -> None:
    """Raise SerError, which says how to install them, if packages of `extra` are missing for `what`.

    With a `key`, `what` is the value of that setting.
    """
    missing = missing_packages(extra)
    if not missing:
        return
    advice = (
        f'needs the extra [{extra}], of which these are not installed: {", ".join(missing)}; '
        f'`make build` brings it into .venv; beside an installed ROS 2 `pip install {" ".join(missing)}` does, '
        'on Ubuntu 24.04 with --break-system-packages'
    )
    if key:
        raise SettingError(key, lambda name: f'{name} {what} {advice}')
    raise SerError(f'{what} {advice}')
