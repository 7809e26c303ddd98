# SPDX-License-Identifier: Apache-2.0
"""Recognises the emotion of an utterance with a fine-tuned speech encoder."""

import time
from pathlib import Path

import numpy as np
import torch

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.errors import SerError
from ser_ros.recognition.checkpoint import Checkpoint, load_checkpoint
from ser_ros.recognition.device import choose_device
from ser_ros.recognition.estimate import Estimate

SHORTEST_UTTERANCE = 0.1
"""Seconds. Four times the 25 ms window that every speech encoder here looks through."""

_WARM_UP_DURATIONS = (1.0, 3.0)


class Classifier:
    """One model on one device; one utterance at a time, never padded to another's length."""

    def __init__(self, checkpoint: Checkpoint, *, name: str, device: torch.device):
        """Take a loaded checkpoint; `name` is what messages call the model."""
        self._checkpoint = checkpoint
        self.name = name
        self.device = str(device)
        self.labels = checkpoint.labels
        self.temperature = checkpoint.temperature
        self.degraded = ''
        """One sentence where it does not run as it was told to; '' otherwise."""

    @classmethod
    def load(cls, folder: Path, device: str = 'auto') -> 'Classifier':
        """Load a model folder onto 'auto', 'cpu', 'cuda' or 'cuda:N' and warm it up. Raises SerError.

        A GPU that has not the memory for it is left for the CPU, which `degraded` then says.
        """
        chosen = choose_device(device)
        try:
            classifier = cls._load_on(folder, chosen)
            classifier._warm_up()
        except (SerError, torch.OutOfMemoryError):
            raise
        except Exception as error:
            # A folder whose files load but do not fit together fails anywhere in transformers.
            reason = str(error).strip().partition('. ')[0].partition('\n')[0] or type(error).__name__
            raise SerError(
                f'{folder} was loaded but gives no answer ({reason}); its files do not fit together: copy them again'
            ) from None
        return classifier

    @classmethod
    def _load_on(cls, folder: Path, device: torch.device) -> 'Classifier':
        name, cpu = folder.resolve().name, torch.device('cpu')
        try:
            return cls(load_checkpoint(folder, device), name=name, device=device)
        except torch.OutOfMemoryError:
            if device == cpu:
                raise
            classifier = cls(load_checkpoint(folder, cpu), name=name, device=cpu)
            classifier.degraded = _out_of_memory(device)
            return classifier

    def classify(self, samples: np.ndarray) -> Estimate:
        """Return the estimate for one utterance (float32, shape (n,), 16 kHz, at least 0.1 s).

        An utterance longer than the model's window (Whisper only) is cut into equal parts whose probabilities are
        averaged. A GPU that has run out of memory is left for good: this utterance, too, is answered on the CPU. Raises
        SerError where the sound is too short or the model's answer is not a number.
        """
        started = time.perf_counter()
        if len(samples) < SHORTEST_UTTERANCE * SAMPLE_RATE:
            raise SerError(
                f'{len(samples) / SAMPLE_RATE:.3f} s of sound is too short; at least {SHORTEST_UTTERANCE} s is needed'
            )
        try:
            probabilities = self._mean_probabilities(samples)
        except torch.OutOfMemoryError:
            if self.device == 'cpu':
                raise
            self._move_to_cpu()
            probabilities = self._mean_probabilities(samples)
        if not np.isfinite(probabilities).all():
            cure = 'its weights are damaged: copy or train it again' if self.device == 'cpu' else 'use model.device cpu'
            raise SerError(f"the model '{self.name}' answered with NaN on {self.device}; {cure}")
        return Estimate(self.labels, probabilities, time.perf_counter() - started)

    def _mean_probabilities(self, samples: np.ndarray) -> np.ndarray:
        parts = [self._probabilities(part) for part in self._checkpoint.frontend.windows(samples)]
        return np.mean(parts, axis=0, dtype=np.float32)

    def _move_to_cpu(self) -> None:
        self._checkpoint.model.to('cpu', torch.float32)
        self.degraded = _out_of_memory(self.device)
        self.device = 'cpu'
        torch.cuda.empty_cache()

    @torch.inference_mode()
    def _probabilities(self, samples: np.ndarray) -> np.ndarray:
        model = self._checkpoint.model
        inputs = {
            name: value.to(model.device, model.dtype if value.is_floating_point() else None)
            for name, value in self._checkpoint.frontend([samples]).items()
        }
        logits = model(**inputs).logits[0].float() / self.temperature
        return logits.softmax(dim=-1).cpu().numpy()

    def _warm_up(self) -> None:
        noise = np.random.default_rng(0).normal(scale=0.01, size=int(max(_WARM_UP_DURATIONS) * SAMPLE_RATE))
        for duration in _WARM_UP_DURATIONS:
            self.classify(noise[: int(duration * SAMPLE_RATE)].astype(np.float32))


def _out_of_memory(gpu: torch.device | str) -> str:
    return (
        f'the model runs on the CPU, because {gpu} ran out of memory; end other programs on the GPU, '
        'then clean up and configure the node'
    )
