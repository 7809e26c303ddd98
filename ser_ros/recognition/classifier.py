# SPDX-License-Identifier: Apache-2.0
"""Recognises the emotion of an utterance with a fine-tuned speech encoder."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.errors import SerError, SettingError, reason
from ser_ros.recognition.adaptation_prior import FILE, AdaptationPrior, read_prior
from ser_ros.recognition.backend import Backend, load_backend
from ser_ros.recognition.cancellation import Cancellation
from ser_ros.recognition.chosen_labels import choose_labels
from ser_ros.recognition.estimate import Estimate
from ser_ros.recognition.model_output import ModelOutput, of_all_windows
from ser_ros.recognition.outliers import OutlierDetector, read_detector
from ser_ros.recognition.windows import windows

SHORTEST_UTTERANCE = 0.1
"""Seconds. Four times the 25 ms window of every speech encoder here."""

_WARM_UP_DURATIONS = (1.0, 3.0, 10.0)
"""Seconds. The last is the longest utterance that the node makes unless told otherwise (`vad.max_utterance`): the first
long one fetches memory that is then kept, which is better fetched, or found to be lacking, at the start."""


class Classifier:
    """One model; one utterance at a time, never padded to another's length."""

    def __init__(
        self,
        backend: Backend,
        *,
        name: str,
        prior: AdaptationPrior | None = None,
        detector: OutlierDetector | None = None,
        chosen_labels: str = '',
    ):
        """Take a loaded backend.

        Args:
            backend: Runs the network.
            name: What messages call the model.
            prior: What adaptation starts from; None for a model that cannot adapt.
            detector: Tells sounds that are no speech; None to answer them like speech.
            chosen_labels: Which of the network's labels an answer can be; see choose_labels. It has no others then.

        Raises SettingError if the network does not have one of them.
        """
        self._backend = backend
        self.name = name
        self.labels = choose_labels(chosen_labels, backend.labels)
        self._columns = [backend.labels.index(label) for label in self.labels]
        self.prior = prior.among(self.labels) if prior is not None else None
        self._detector = detector
        self.temperature = backend.temperature

    @classmethod
    def load(
        cls, folder: Path, device: str = 'auto', backend: str = 'auto', *, chosen_labels: str = ''
    ) -> 'Classifier':
        """Load a model folder onto 'auto', 'cpu', 'cuda' or 'cuda:N' and warm it up. Raises SerError.

        `backend`: 'auto', 'torch' or 'onnx'; see `load_backend`. `chosen_labels`: see `choose_labels`. If a GPU does
        not have enough memory, the CPU is used, which `degraded` then says.
        """
        loaded = load_backend(folder, device, backend)
        prior = read_prior(folder, loaded.labels)
        classifier = cls(loaded, name=folder.resolve().name, prior=prior, chosen_labels=chosen_labels)
        try:
            width = classifier._warm_up()
        except (SerError, MemoryError):
            raise
        except Exception as error:
            # A folder whose files load but do not belong together can fail anywhere in transformers.
            raise SerError(
                f'{folder} was loaded but gives no answer ({reason(error)}); its files do not fit together: '
                'copy them again'
            ) from None
        if classifier.prior is not None and classifier.prior.width != width:
            raise SerError(
                f'{folder / FILE} is for {classifier.prior.width} numbers where the model has {width}; '
                'copy the model again, or remove the file to go without adaptation'
            )
        classifier._detector = read_detector(folder, width)
        return classifier

    @property
    def device(self) -> str:
        """Where it runs now: 'cpu', 'cuda', 'cuda:N'."""
        return self._backend.device

    @property
    def backend(self) -> str:
        """What runs it: 'torch' or 'onnx'."""
        return self._backend.kind

    @property
    def degraded(self) -> str:
        """One sentence if it does not run as configured; '' otherwise."""
        return self._backend.degraded

    def classify(
        self,
        samples: np.ndarray,
        cancellation: Cancellation | None = None,
        adapt: Callable[[ModelOutput], np.ndarray] = lambda output: output.logits,
    ) -> Estimate:
        """Return the estimate for one utterance (float32, shape (n,), 16 kHz, at least 0.1 s).

        `adapt` returns the logits to use (float32, shape (labels,)). If the model's folder has a detector, all labels
        are equally probable for a sound that is no speech.

        A model with a prior is less sure of an utterance that is shorter than most of those that trained it. One longer
        than the model's window (Whisper, spectrogram transformers) is cut into equal parts, which answer together
        (`of_all_windows`). A GPU that has run out of memory is no longer used: this utterance, too, is answered on the
        CPU. Raises SerError if the sound is too short or the model's answer is not a number, and Cancelled if another
        thread has called `cancellation.cancel()`.
        """
        started = time.perf_counter()
        if len(samples) < SHORTEST_UTTERANCE * SAMPLE_RATE:
            raise SerError(
                f'{len(samples) / SAMPLE_RATE:.3f} s of sound is too short; at least {SHORTEST_UTTERANCE} s is needed'
            )
        cancellation = cancellation or Cancellation()
        output = of_all_windows([self._run(part, cancellation) for part in windows(samples, self._backend.window)])
        doubt = self.prior.doubt(len(samples) / SAMPLE_RATE) if self.prior is not None else 1.0
        probabilities = _softmax(adapt(output) / (self.temperature * doubt))
        if not np.isfinite(probabilities).all():
            fact = f"the model '{self.name}' answered with NaN on {self.device}"
            if self.device == 'cpu':
                raise SerError(f'{fact}; its weights are damaged: copy or train it again')
            raise SettingError('model.device', lambda name: f'{fact}; use {name} cpu')
        outlier = self._detector is not None and self._detector.is_outlier(output.pooled)
        if outlier:
            probabilities = np.full_like(probabilities, 1.0 / len(self.labels))
        return Estimate(self.labels, probabilities, time.perf_counter() - started, output.pooled, outlier, doubt)

    def _run(self, samples: np.ndarray, cancellation: Cancellation) -> ModelOutput:
        """Return the output of the network, with the logits of the chosen labels alone."""
        output, labels = self._backend.run(samples, cancellation), len(self._backend.labels)
        if output.logits.shape != (labels,):
            raise SerError(
                f"the model '{self.name}' gives {output.logits.size} numbers for its {labels} labels; "
                'its files do not fit together: copy them again'
            )
        return ModelOutput(output.logits[self._columns], output.pooled)

    def _warm_up(self) -> int:
        """Classify something; return the width of the pooled state."""
        noise = np.random.default_rng(0).normal(scale=0.01, size=int(max(_WARM_UP_DURATIONS) * SAMPLE_RATE))
        for duration in _WARM_UP_DURATIONS:
            estimate = self.classify(noise[: int(duration * SAMPLE_RATE)].astype(np.float32))
        return len(estimate.pooled)


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max())
    return exponentials / exponentials.sum()
