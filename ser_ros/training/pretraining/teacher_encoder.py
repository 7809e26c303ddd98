# SPDX-License-Identifier: Apache-2.0
"""A larger encoder whose hidden states a smaller one learns to reproduce."""

import numpy as np
import torch
from torch.nn.functional import adaptive_avg_pool1d

from ser_ros.errors import SerError
from ser_ros.training.learning.design import design_encoder
from ser_ros.training.learning.network import new_encoder
from ser_ros.training.learning.precision import bfloat16_is_fast
from ser_ros.training.learning.recipe import FeatureExtraction, Network

_LARGEST = torch.finfo(torch.float16).max


class TeacherEncoder:
    """Any speech encoder of transformers that `train` can start from."""

    def __init__(self, checkpoint: str, layers: list[int], *, longest: float):
        """Load a folder or a model of the Hugging Face Hub.

        Args:
            checkpoint: The folder, or the model's name.
            layers: Those whose states are given, from 1.
            longest: Seconds of the longest piece that it hears.

        Raises:
            SerError: The checkpoint cannot be used, or does not have these layers.
        """
        made = design_encoder(Network(checkpoint=checkpoint), FeatureExtraction())
        count = made.config.num_hidden_layers
        if not layers or not all(1 <= layer <= count for layer in layers):
            raise SerError(f'distillation.layers is {layers}, and {checkpoint} has the layers 1 to {count}; correct it')
        self.name = made.initial_weights
        self._layers = layers
        if made.config.model_type == 'whisper':
            short = Network(checkpoint=checkpoint, window=longest, config={'encoder_layers': max(layers)})
            made = design_encoder(short, FeatureExtraction())
        self._device = 'cuda' if torch.cuda.is_available() else 'cpu'
        with torch.random.fork_rng():  # its random numbers must not change the student's
            self._model = new_encoder(made).eval().requires_grad_(False).to(self._device)
        if bfloat16_is_fast(self._device):  # once, because it would take a quarter of the time of every call
            for module in self._model.modules():
                if isinstance(module, torch.nn.Linear):
                    module.to(torch.bfloat16)
        self._frontend = made.frontend
        self.width = self._model.config.hidden_size

    @property
    def layers(self) -> list[int]:
        """Which layers `__call__` returns."""
        return self._layers

    @torch.inference_mode()
    def __call__(self, samples: np.ndarray, rows: int) -> torch.Tensor:
        """Return the hidden states, averaged to `rows` equal parts of the sound: float16, (layers, rows, width).

        Args:
            samples: float32, shape (n,), 16 kHz.
            rows: Number of parts.
        """
        inputs = {name: value.to(self._device) for name, value in self._frontend([samples]).items()}
        with torch.autocast(self._device, torch.bfloat16, enabled=bfloat16_is_fast(self._device)):
            hidden = self._model(**inputs, output_hidden_states=True).hidden_states
        states = torch.stack([hidden[layer][0] for layer in self._layers]).float()
        heard = max(self._frontend.longest or 0, len(samples))  # Whisper pads to its window
        spoken = max(round(states.shape[1] * len(samples) / heard), 1)
        pooled = adaptive_avg_pool1d(states[:, :spoken].transpose(1, 2), rows).transpose(1, 2)
        return pooled.clamp(-_LARGEST, _LARGEST).cpu().to(torch.float16)
