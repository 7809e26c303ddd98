# SPDX-License-Identifier: Apache-2.0
"""A fine-tuned model whose answers a smaller one learns from."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from ser_ros.errors import SerError
from ser_ros.recognition.checkpoint import load_checkpoint
from ser_ros.recognition.device import choose_device
from ser_ros.recognition.windows import windows
from ser_ros.training.data.recordings import Recording
from ser_ros.training.learning.dataset import VariantFeatures
from ser_ros.training.learning.precision import bfloat16_is_fast


class TeacherClassifier:
    """Answers for the variants of training utterances, and keeps its answers."""

    def __init__(self, folder: Path, labels: Sequence[str], features: VariantFeatures, *, temperature: float):
        """Load the model in `folder`. Raises SerError if it cannot be used or has other labels."""
        device = choose_device('auto')
        checkpoint = load_checkpoint(folder, device)
        if set(checkpoint.labels) != set(labels):
            raise SerError(
                f'the teacher {folder} has the labels {", ".join(checkpoint.labels)}, and the data has '
                f'{", ".join(labels)}; give one that was trained on the same labels'
            )
        self.name = f'{folder.parent.name}/{folder.name}'
        self._model = checkpoint.model
        self._frontend = checkpoint.frontend
        self._order = [checkpoint.labels.index(label) for label in labels]
        self._features = features
        self._temperature = temperature * checkpoint.temperature
        self._said: dict[tuple[str, int], torch.Tensor] = {}

    def __call__(self, recording: Recording, epoch: int) -> torch.Tensor:
        """Return its probabilities for the voice that is due in `epoch`: float32, shape (labels,)."""
        key = (recording.clip.name, self._features.variant(epoch))
        if key not in self._said:
            voice = self._features.voice(recording, epoch)
            parts = [self._answer(part) for part in windows(voice, self._frontend.longest)]
            self._said[key] = torch.stack(parts).mean(dim=0)
        return self._said[key]

    @torch.inference_mode()
    def _answer(self, samples: np.ndarray) -> torch.Tensor:
        model = self._model
        inputs = {
            name: value.to(model.device, model.dtype if value.is_floating_point() else None)
            for name, value in self._frontend([samples]).items()
        }
        # A third of the time on a CPU, and its answers are softened anyway.
        with torch.autocast(model.device.type, torch.bfloat16, enabled=bfloat16_is_fast(model.device.type)):
            logits = model(**inputs).logits[0].float().cpu()
        return torch.softmax(logits[self._order] / self._temperature, dim=-1).clone()
