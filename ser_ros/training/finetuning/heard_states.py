# SPDX-License-Identifier: Apache-2.0
"""The pooled states of recordings, from which a model's folder learns how voices differ and what is no speech."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.recognition.classifier import Classifier
from ser_ros.training.data.recordings import Recording
from ser_ros.training.finetuning.frozen import FrozenStates
from ser_ros.training.learning.augment import draw_variation, vary_sound
from ser_ros.training.learning.recipe import Augmentation

_MOST_RECORDINGS = 1000
"""That a trained network hears again; more take long with a large one."""


class HeardStates(Protocol):
    """The pooled states of a model; each is float32, shape (width,)."""

    def enough(self, recordings: Sequence[Recording]) -> Sequence[Recording]:
        """Return those of the `recordings` that need be heard."""
        ...

    def as_heard(self, recording: Recording) -> np.ndarray:
        """Return the state of its utterance as a robot hears it."""
        ...

    def varied(self, recording: Recording) -> np.ndarray:
        """Return its state in other surroundings."""
        ...


class OfFrozenEncoder:
    """The states that the last layer was fitted to: they are there already."""

    def __init__(self, states: FrozenStates, variants: int):
        """Take the states of utterances as heard, and after them of so many `variants`."""
        self._states = states
        self._varied = min(1, variants)

    def enough(self, recordings: Sequence[Recording]) -> Sequence[Recording]:
        """Return all."""
        return recordings

    def as_heard(self, recording: Recording) -> np.ndarray:
        """Return the state of its utterance as a robot hears it."""
        return self._states.of(recording, 0)

    def varied(self, recording: Recording) -> np.ndarray:
        """Return its state in its first variant; as it is heard if the recipe has none."""
        return self._states.of(recording, self._varied)


class OfTrainedNetwork:
    """The states of a network whose encoder has changed, which hears everything again."""

    def __init__(self, classifier: Classifier, augmentation: Augmentation, seed: int):
        """Vary what is heard by `augmentation`."""
        self._classifier = classifier
        self._augmentation = augmentation
        self._rng = np.random.default_rng(seed)

    def enough(self, recordings: Sequence[Recording]) -> Sequence[Recording]:
        """Return some that are drawn, always the same."""
        drawn = np.random.default_rng(0).permutation(len(recordings))[:_MOST_RECORDINGS]
        return [recordings[index] for index in drawn]

    def as_heard(self, recording: Recording) -> np.ndarray:
        """Return the state of its utterance as a robot hears it."""
        return self._classifier.classify(recording.utterance).pooled

    def varied(self, recording: Recording) -> np.ndarray:
        """Return its state in surroundings that are drawn anew each time."""
        duration = len(recording.samples) / SAMPLE_RATE
        variation = draw_variation(duration, recording.speech, self._augmentation, self._rng)
        return self._classifier.classify(vary_sound(recording.samples, variation, self._rng)).pooled
