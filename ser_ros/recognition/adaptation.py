# SPDX-License-Identifier: Apache-2.0
"""Gets used to the voices and the room that one microphone hears, without labels.

The offset that all utterances of a voice in a room share is estimated from what was heard so far, and taken out of
every answer. It is the mean of the pooled states, each without the centroid that the model's own answer expects: what
is left of an angry utterance is the voice, not the anger. Ordinary speech counts for more: the model is surer of it.

A voice that sounds plainer than others, and people who speak plainly, look the same without labels. So only a part of
what an offset would move between ordinary labels and the others is taken for the voice, and how often ordinary speech
comes is not learned: half of what people say is expected to be plain, or as much as somebody says who knows.
"""

import threading
from dataclasses import dataclass

import numpy as np

from ser_ros.recognition.adaptation_prior import AdaptationPrior
from ser_ros.recognition.estimate import Estimate
from ser_ros.recognition.model_output import ModelOutput

ORDINARY = ('neutral', 'calm')
"""Labels of speech without strong emotion."""

ORDINARY_SHIFT = 0.5
"""How much of what an offset would move between ordinary labels and the others is taken for the voice; the rest may be
how much people speak plainly (docs/experiments.md, "Plain speech or a plain voice")."""

LEAST_WEIGHT = 0.25
"""What an utterance counts for that is certainly not ordinary; one that certainly is counts 1. At 0.25, one emotion
twenty times costs at most five points against ordinary speech alone (docs/experiments.md)."""

CAUTION = 1.5
"""By what the model's answer is softened before it says what an utterance teaches: of strangers it is too sure."""

MOST_VOICES = 64
"""Beyond them, the one that was not heard for the longest time is forgotten."""


@dataclass(frozen=True)
class AdaptationConfig:
    """How a model gets used to what it hears.

    Attributes:
        enabled: False to answer as if nothing had been heard, and to learn nothing.
        memory: Utterances; what was heard before the last so many loses its weight.
        ordinary_share: 0.01..0.99, share of the utterances that are expected to be ordinary speech, once anything was
            heard.
    """

    enabled: bool = True
    memory: int = 200
    ordinary_share: float = 0.5


@dataclass(frozen=True, eq=False)
class Heard:
    """What was heard of one voice, or by one microphone.

    Attributes:
        utterances: How many.
        weight: What they count for, at most the memory.
        residuals: float64, shape (width,); weighted sum of pooled states minus expected centroids.
    """

    utterances: int
    weight: float
    residuals: np.ndarray

    def plus(self, residual: np.ndarray, weight: float, memory: int) -> 'Heard':
        """Return it with one utterance more."""
        kept = min(1.0, (memory - weight) / self.weight) if self.weight else 1.0
        return Heard(self.utterances + 1, kept * self.weight + weight, kept * self.residuals + weight * residual)


class Adaptation:
    """The offsets of one microphone; any thread may use it."""

    def __init__(self, prior: AdaptationPrior, config: AdaptationConfig | None = None):
        """Start with nothing heard."""
        self.prior = prior
        self.config = config or AdaptationConfig()
        self._lock = threading.Lock()
        self._is_ordinary = np.isin(prior.labels, ORDINARY)
        self._tells_ordinary = bool(self._is_ordinary.any() and not self._is_ordinary.all())
        self._nothing = Heard(0, 0.0, np.zeros(prior.width))
        self._microphone = self._nothing
        # The one that was heard last is the last.
        self._voices: dict[str, Heard] = {}

    def heard(self, voice: str = '') -> int:
        """Return how many utterances an answer to `voice` rests on: its own; if it is '', all."""
        if not self.config.enabled:
            return 0
        with self._lock:
            return self._voices.get(voice, self._nothing).utterances if voice else self._microphone.utterances

    def adapt(self, output: ModelOutput, voice: str = '') -> np.ndarray:
        """Return the logits (float32, shape (labels,)) without the offset of `voice`, or of all if it is ''."""
        if not self.config.enabled:
            return output.logits
        moved = self.prior.weights @ self.offset(voice)
        if self._tells_ordinary:
            apart = moved[self._is_ordinary].mean() - moved[~self._is_ordinary].mean()
            moved = moved - (1.0 - ORDINARY_SHIFT) * apart * self._is_ordinary
        return (output.logits - moved).astype(np.float32)

    def odds(self) -> np.ndarray:
        """Return how often each label is expected to come: float64, shape (labels,), 1 if not ordinary.

        1 for all with nothing heard: the answer is then the model's own, to which all labels come equally often.
        """
        with self._lock:
            anything = self._microphone.utterances > 0
        if not (self.config.enabled and anything and self._tells_ordinary):
            return np.ones(len(self._is_ordinary))
        share, even = self.config.ordinary_share, self._is_ordinary.mean()
        return np.where(self._is_ordinary, share / (1.0 - share) * (1.0 - even) / even, 1.0)

    def offset(self, voice: str = '') -> np.ndarray:
        """Return the estimated offset, float64, shape (width,): of `voice`, which starts at that of the microphone."""
        counts = self.prior.prior_counts
        with self._lock:
            microphone, own = self._microphone, self._voices.get(voice)
        offset = microphone.residuals / (microphone.weight + counts)
        if own is not None:
            offset = (own.residuals + counts * offset) / (own.weight + counts)
        return offset

    def hear(self, estimate: Estimate) -> None:
        """Learn from an utterance that was answered; nothing from an outlier."""
        if not self.config.enabled or estimate.outlier:
            return
        # By what was heard alone: what is expected would only confirm itself.
        evidence = (estimate.probabilities / estimate.odds) ** (1.0 / CAUTION)
        expected = evidence / evidence.sum()
        ordinary = expected[self._is_ordinary].sum() if self._is_ordinary.any() else 1.0
        weight = float(LEAST_WEIGHT + (1.0 - LEAST_WEIGHT) * ordinary)
        residual = estimate.pooled - expected @ self.prior.centroids
        with self._lock:
            self._microphone = self._microphone.plus(residual, weight, self.config.memory)
            if estimate.voice:
                own = self._voices.pop(estimate.voice, self._nothing)
                self._voices[estimate.voice] = own.plus(residual, weight, self.config.memory)
                while len(self._voices) > MOST_VOICES:
                    del self._voices[next(iter(self._voices))]

    def configure(self, config: AdaptationConfig) -> None:
        """Use other settings from the next utterance on."""
        self.config = config

    def all_heard(self) -> tuple[Heard, dict[str, Heard]]:
        """Return what the microphone has heard, and what of each voice that is known by name."""
        with self._lock:
            return self._microphone, dict(self._voices)

    def restore(self, microphone: Heard, voices: dict[str, Heard]) -> None:
        """Go on from what `all_heard` returned."""
        with self._lock:
            self._microphone, self._voices = microphone, dict(voices)

    def forget(self) -> None:
        """Start again with nothing heard."""
        with self._lock:
            self._microphone = self._nothing
            self._voices.clear()


def expecting(probabilities: np.ndarray, odds: np.ndarray) -> np.ndarray:
    """Return an answer (float32, shape (labels,)) that expects the labels to come by such `odds`."""
    expected = probabilities * odds
    return (expected / expected.sum()).astype(np.float32)
