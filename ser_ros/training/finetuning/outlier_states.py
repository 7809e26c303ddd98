# SPDX-License-Identifier: Apache-2.0
"""Lets a trained model hear speech and sounds that are none, and learns to tell them apart by its pooled states."""

from collections.abc import Sequence

import numpy as np
from tqdm.auto import tqdm

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.outliers import OutlierDetector
from ser_ros.training.data.recordings import Recording
from ser_ros.training.learning.augment import draw_variation, vary_sound
from ser_ros.training.learning.fit_detector import fit_detector
from ser_ros.training.learning.recipe import Augmentation


def learn_detector(
    classifier: Classifier,
    speech: Sequence[Recording],
    outliers: Sequence[Recording],
    augmentation: Augmentation,
    seed: int,
) -> OutlierDetector:
    """Return the detector of a model; it hears each recording as a robot does, and once varied by `augmentation`."""
    rng = np.random.default_rng(seed)

    def states(recordings: Sequence[Recording]) -> np.ndarray:
        return np.stack(
            [
                classifier.classify(samples).pooled
                for recording in tqdm(recordings, desc='learning what is no speech', unit='sound')
                for samples in (recording.utterance, _varied(recording, augmentation, rng))
            ]
        )

    return fit_detector(states(speech), states(outliers))


def _varied(recording: Recording, augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    variation = draw_variation(len(recording.samples) / SAMPLE_RATE, recording.speech, augmentation, rng)
    return vary_sound(recording.samples, variation, rng)
