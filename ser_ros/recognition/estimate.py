# SPDX-License-Identifier: Apache-2.0
"""What a model says about one utterance."""

from dataclasses import dataclass, field

import numpy as np

from ser_ros.emotions import UNKNOWN


@dataclass(frozen=True, eq=False)
class Estimate:
    """Probabilities over a model's labels.

    Attributes:
        labels: Everything the model can say, in its own order.
        probabilities: float32, shape (len(labels),), same order, sums to 1.
        inference_time: Seconds from samples to probabilities.
        pooled: float32, shape (width,), see ModelOutput; the mean over the windows of a long utterance. Empty if it is
            not known.
        outlier: Whether the sound is no speech, as a laugh; all labels are then equally probable.
        doubt: What the temperature was multiplied by, because the utterance is short; see AdaptationPrior.
        odds: How often the answer expected each label: float64, shape (len(labels),); or (1,), the same for all.
        heard: Utterances that the model had got used to before this one; 0 without adaptation.
        voice: Id of the voice whose utterances those were; '' if it is not known.
    """

    labels: tuple[str, ...]
    probabilities: np.ndarray
    inference_time: float
    pooled: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.float32))
    outlier: bool = False
    doubt: float = 1.0
    odds: np.ndarray = field(default_factory=lambda: np.ones(1))
    heard: int = 0
    voice: str = ''

    @property
    def label(self) -> str:
        """The most probable label."""
        return self.labels[int(self.probabilities.argmax())]

    @property
    def confidence(self) -> float:
        """Probability of the most probable label, 0..1."""
        return float(self.probabilities.max())

    def emotion(self, min_confidence: float) -> str:
        """Return the most probable label; UNKNOWN if its probability is below `min_confidence` (0..1)."""
        return self.label if self.confidence >= min_confidence else UNKNOWN
