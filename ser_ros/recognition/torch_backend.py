# SPDX-License-Identifier: Apache-2.0
"""Runs a checkpoint with torch, on the CPU in single precision or on a GPU in half precision."""

from pathlib import Path

import numpy as np
import torch

from ser_ros.recognition.cancellation import Cancellation
from ser_ros.recognition.checkpoint import Checkpoint, load_checkpoint
from ser_ros.recognition.device import choose_device
from ser_ros.recognition.model_output import ModelOutput


class TorchBackend:
    """One checkpoint on one device; if a GPU runs out of memory, it changes to the CPU for good."""

    kind = 'torch'

    def __init__(self, checkpoint: Checkpoint, *, device: torch.device):
        """Take a loaded checkpoint."""
        self._model = checkpoint.model
        self._frontend = checkpoint.frontend
        self._cancellation = Cancellation()
        self.labels = checkpoint.labels
        self.temperature = checkpoint.temperature
        self.window = checkpoint.frontend.longest
        self.device = str(device)
        self.degraded = ''
        for module in self._model.modules():
            module.register_forward_pre_hook(lambda *_: self._cancellation.check())
        self._pooled = torch.empty(0)
        self._model.classifier.register_forward_pre_hook(self._keep_pooled)

    @classmethod
    def load(cls, folder: Path, device: str) -> 'TorchBackend':
        """Load a model folder onto 'auto', 'cpu', 'cuda' or 'cuda:N'. Raises SerError."""
        chosen, cpu = choose_device(device), torch.device('cpu')
        try:
            return cls(load_checkpoint(folder, chosen), device=chosen)
        except torch.OutOfMemoryError:
            if chosen == cpu:
                raise
            backend = cls(load_checkpoint(folder, cpu), device=cpu)
            backend.degraded = _out_of_memory(chosen)
            return backend

    def run(self, samples: np.ndarray, cancellation: Cancellation) -> ModelOutput:
        """Return the output for samples (float32, shape (n,), 16 kHz). Raises Cancelled."""
        self._cancellation = cancellation
        try:
            return self._run(samples)
        except torch.OutOfMemoryError:
            if self.device == 'cpu':
                raise
            self._move_to_cpu()
            return self._run(samples)

    def _run(self, samples: np.ndarray) -> ModelOutput:
        model = self._model
        inputs = {
            name: value.to(model.device, model.dtype if value.is_floating_point() else None)
            for name, value in self._frontend([samples]).items()
        }
        with torch.inference_mode():
            logits = model(**inputs).logits
        return ModelOutput(_array(logits[0]), _array(self._pooled[0]))

    def _keep_pooled(self, classifier: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        (self._pooled,) = inputs

    def _move_to_cpu(self) -> None:
        self._model.to('cpu', torch.float32)
        self.degraded = _out_of_memory(self.device)
        self.device = 'cpu'
        torch.cuda.empty_cache()


def _array(values: torch.Tensor) -> np.ndarray:
    return values.float().cpu().numpy()


def _out_of_memory(gpu: torch.device | str) -> str:
    return (
        f'the model runs on the CPU, because {gpu} ran out of memory; end other programs on the GPU, '
        'then clean up and configure the node'
    )
