# SPDX-License-Identifier: Apache-2.0
"""A classifier that gets used to what one microphone hears."""

import dataclasses

import numpy as np

from ser_ros.recognition.adaptation import Adaptation, AdaptationConfig, expecting
from ser_ros.recognition.cancellation import Cancellation
from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.estimate import Estimate


class AdaptingClassifier:
    """Answers without the offset of the voice; learns only from what it is given to `hear`.

    Attributes:
        adaptation: None if the model's folder has no prior; it then answers as the classifier does.
    """

    def __init__(self, classifier: Classifier, config: AdaptationConfig | None = None):
        """Start with nothing heard."""
        self._classifier = classifier
        self.adaptation = Adaptation(classifier.prior, config) if classifier.prior is not None else None

    def classify(self, samples: np.ndarray, cancellation: Cancellation | None = None, voice: str = '') -> Estimate:
        """Return the estimate for one utterance of the voice with the id `voice`; '' if it is not known.

        See Classifier.classify.
        """
        adaptation = self.adaptation
        if adaptation is None:
            return dataclasses.replace(self._classifier.classify(samples, cancellation), voice=voice)
        heard = adaptation.heard(voice)
        estimate = self._classifier.classify(samples, cancellation, lambda output: adaptation.adapt(output, voice))
        if estimate.outlier:
            return dataclasses.replace(estimate, heard=heard, voice=voice)
        odds = adaptation.odds()
        probabilities = expecting(estimate.probabilities, odds)
        return dataclasses.replace(estimate, probabilities=probabilities, odds=odds, heard=heard, voice=voice)

    def hear(self, estimate: Estimate) -> None:
        """Learn from a final utterance that was answered."""
        if self.adaptation is not None:
            self.adaptation.hear(estimate)
