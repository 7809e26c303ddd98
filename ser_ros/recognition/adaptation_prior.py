# SPDX-License-Identifier: Apache-2.0
"""What a model folder knows about people's utterances before it has heard any: `adaptation.npz`."""

import dataclasses
import hashlib
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser_ros.errors import SerError
from ser_ros.files import whole_file
from ser_ros.recognition.array_file import read_part_of_model

FILE = 'adaptation.npz'


@dataclass(frozen=True, eq=False)
class AdaptationPrior:
    """What was learned from the training clips about the pooled state (see ModelOutput) of utterances.

    It is taken as the centroid of the utterance's label, plus an offset that all utterances of one voice in one room
    share, plus the rest.

    Attributes:
        labels: In the order of the logits.
        weights: float32, shape (labels, width); those of the layer that makes the logits.
        centroids: float32, shape (labels, width); the mean of each label, without the offsets.
        prior_counts: float32, shape (width,), positive; how many utterances the assumption that there is no offset is
            worth: the variance of the rest divided by that of the offsets.
        typical_duration: Seconds, positive; the median utterance.
    """

    labels: tuple[str, ...]
    weights: np.ndarray
    centroids: np.ndarray
    prior_counts: np.ndarray
    typical_duration: float

    @property
    def width(self) -> int:
        """Number of dimensions of the pooled state."""
        return self.weights.shape[1]

    def among(self, labels: Sequence[str]) -> 'AdaptationPrior':
        """Return that of a model which knows only these of its `labels`, in this order."""
        rows = [self.labels.index(label) for label in labels]
        return dataclasses.replace(
            self, labels=tuple(labels), weights=self.weights[rows], centroids=self.centroids[rows]
        )

    def doubt(self, duration: float) -> float:
        """Return what the temperature is multiplied by for an utterance of `duration` seconds: 1, more for a short one.

        A model is as sure of a word as of a sentence, and right less often. Like random error, doubt grows with the
        root of how many times shorter than the typical one it is (docs/experiments.md, "Short utterances").
        """
        return math.sqrt(max(1.0, self.typical_duration / duration))

    @property
    def fingerprint(self) -> str:
        """Differs between models whose pooled states differ: 16 hexadecimal digits.

        What was heard is a sum of such states, so it still holds when a robot chooses other labels.
        """
        return hashlib.sha256(np.ascontiguousarray(self.prior_counts).tobytes()).hexdigest()[:16]


def read_prior(folder: Path, labels: tuple[str, ...]) -> AdaptationPrior | None:
    """Return the prior in the model folder `folder`, whose model has `labels`; None if there is none.

    Raises SerError if the file cannot be used.
    """

    def made_of(arrays: dict[str, np.ndarray]) -> AdaptationPrior:
        prior = AdaptationPrior(
            labels=tuple(str(label) for label in arrays['labels']),
            weights=arrays['weights'].astype(np.float32),
            centroids=arrays['centroids'].astype(np.float32),
            prior_counts=arrays['prior_counts'].astype(np.float32),
            typical_duration=float(arrays['typical_duration']),
        )
        if problem := _problem(prior, labels):
            raise SerError(problem)
        return prior

    return read_part_of_model(folder / FILE, made_of, cure='go without adaptation')


def write_prior(folder: Path, prior: AdaptationPrior) -> None:
    """Write the prior into the model folder `folder`."""
    content = io.BytesIO()
    np.savez(
        content,
        labels=np.array(prior.labels),
        weights=prior.weights.astype(np.float32),
        centroids=prior.centroids.astype(np.float32),
        prior_counts=prior.prior_counts.astype(np.float32),
        typical_duration=np.float64(prior.typical_duration),
    )
    with whole_file(folder / FILE) as part:
        part.write_bytes(content.getvalue())


def _problem(prior: AdaptationPrior, labels: tuple[str, ...]) -> str:
    if prior.labels != labels:
        return f'it has the labels {", ".join(prior.labels)}, and the model has {", ".join(labels)}'
    shapes = {
        'weights': (len(labels), prior.width),
        'centroids': (len(labels), prior.width),
        'prior_counts': (prior.width,),
    }
    for name, shape in shapes.items():
        array = getattr(prior, name)
        if array.shape != shape or not np.isfinite(array).all():
            return f'its {name} must be {shape} finite numbers'
    if (prior.prior_counts <= 0.0).any():
        return 'its prior_counts must be positive'
    if not 0.0 < prior.typical_duration < math.inf:
        return 'its typical_duration must be a positive number of seconds'
    return ''
