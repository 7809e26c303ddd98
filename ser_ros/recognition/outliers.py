# SPDX-License-Identifier: Apache-2.0
"""Tells sounds of people that are no speech, as laughs and coughs: no label of a model fits them.

A classifier of emotions must choose one of its labels, and chooses surely, whatever it hears. What it heard is still
in its pooled state: one more linear layer, fitted to a few such sounds, tells them from speech.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser_ros.errors import SerError
from ser_ros.files import whole_file
from ser_ros.recognition.array_file import read_part_of_model

FILE = 'outliers.npz'


@dataclass(frozen=True, eq=False)
class OutlierDetector:
    """A linear layer on the pooled state (see ModelOutput) of an utterance.

    Attributes:
        weights: float32, shape (width,).
        bias: Of the same layer.
    """

    weights: np.ndarray
    bias: float

    def is_outlier(self, pooled: np.ndarray) -> bool:
        """Return whether a sound with this pooled state (float32, shape (width,)) is no speech."""
        return float(pooled @ self.weights) + self.bias > 0.0


def read_detector(folder: Path, width: int) -> OutlierDetector | None:
    """Return the detector in the model folder `folder`, whose pooled states have `width` numbers; None without one.

    Raises SerError if the file cannot be used.
    """

    def made_of(arrays: dict[str, np.ndarray]) -> OutlierDetector:
        weights, bias = arrays['weights'].astype(np.float32), arrays['bias'].astype(np.float32)
        if weights.shape != (width,) or bias.shape or not (np.isfinite(weights).all() and np.isfinite(bias)):
            raise SerError(f'its weights must be {width} finite numbers, its bias one')
        return OutlierDetector(weights, float(bias))

    return read_part_of_model(folder / FILE, made_of, cure='have laughs and coughs answered like speech')


def write_detector(folder: Path, detector: OutlierDetector) -> None:
    """Write the detector into the model folder `folder`."""
    content = io.BytesIO()
    np.savez(content, weights=detector.weights.astype(np.float32), bias=np.float32(detector.bias))
    with whole_file(folder / FILE) as part:
        part.write_bytes(content.getvalue())
