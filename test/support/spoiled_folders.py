# SPDX-License-Identifier: Apache-2.0
"""Changes to the files of a model folder."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file


def change_json(folder: Path, name: str, **changes: Any) -> None:
    """Set keys of a JSON file."""
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def change_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    """Let `change` alter the weights by name, in place."""
    path = folder / 'model.safetensors'
    weights = load_file(path)
    change(weights)
    save_file(weights, path, metadata={'format': 'pt'})
