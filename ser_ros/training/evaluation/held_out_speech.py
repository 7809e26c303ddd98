# SPDX-License-Identifier: Apache-2.0
"""How a model labels people who act no emotion, and whom it has never heard."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm.auto import tqdm

from ser_ros.recognition.classifier import Classifier
from ser_ros.training.data.dataset_card import read_dataset_card
from ser_ros.training.data.recordings import Recording


@dataclass(frozen=True, kw_only=True)
class HeldOutSpeech:
    """How a model labels it.

    Attributes:
        speech: Names of the folders, with their licences.
        recordings: How many there were.
        longest_seconds: The most that was heard of a recording.
        answers: Label -> share of the recordings, 0..1.
    """

    speech: tuple[str, ...]
    recordings: int
    longest_seconds: float
    answers: dict[str, float]


def answers_to_speech(model: Path, folders: Sequence[Path], recordings: Sequence[Recording]) -> HeldOutSpeech:
    """Return how the model in the folder `model` labels the `recordings`, which come from `folders`."""
    classifier = Classifier.load(model)
    said = Counter(
        classifier.labels[classifier.classify(recording.utterance).probabilities.argmax()]
        for recording in tqdm(recordings, desc='held-out speech', unit='recording')
    )
    return HeldOutSpeech(
        speech=tuple(str(read_dataset_card(folder)) for folder in folders),
        recordings=len(recordings),
        longest_seconds=max(recording.speech[1] - recording.speech[0] for recording in recordings),
        answers={label: said[label] / len(recordings) for label in classifier.labels},
    )
