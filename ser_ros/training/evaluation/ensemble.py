# SPDX-License-Identifier: Apache-2.0
"""Several models that answer as one."""

import time
from collections.abc import Sequence

import numpy as np

from ser_ros.errors import SerError
from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.estimate import Estimate


class Ensemble:
    """Averages the probabilities of several models; it answers as a `Classifier` does.

    Attributes:
        temperature: 1.0; each model has applied its own.
        prior: None; its members answer without adaptation.
        labels: In the order of the probabilities.
        name: The names of all models.
        device: That of the first model.
    """

    temperature = 1.0
    prior = None

    def __init__(self, members: Sequence[Classifier]):
        """Take two or more models with the same labels, in any order. Raises SerError if they differ."""
        first, *others = members
        for other in others:
            if set(other.labels) != set(first.labels):
                raise SerError(
                    f"the models of an ensemble must have the same labels, but '{first.name}' says "
                    f"{', '.join(first.labels)} and '{other.name}' says {', '.join(other.labels)}; "
                    'leave one of them out'
                )
        self.labels = first.labels
        self.name = ' + '.join(member.name for member in members)
        self.device = first.device
        self._members = [(member, [member.labels.index(label) for label in self.labels]) for member in members]

    def classify(self, samples: np.ndarray) -> Estimate:
        """Return the estimate for one utterance (float32, shape (n,), 16 kHz, at least 0.1 s). Raises SerError."""
        started = time.perf_counter()
        answers = [member.classify(samples).probabilities[order] for member, order in self._members]
        return Estimate(self.labels, np.stack(answers).mean(axis=0, dtype=np.float32), time.perf_counter() - started)
