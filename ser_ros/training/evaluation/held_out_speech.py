# SPDX-License-Identifier: Apache-2.0
"""How a model answers people who act no emotion, and whom it has never heard."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy.special import softmax
from tqdm.auto import tqdm

from ser_ros.errors import SerError
from ser_ros.recognition.adaptation import ORDINARY
from ser_ros.recognition.classifier import Classifier
from ser_ros.training.data.dataset_card import read_dataset_card
from ser_ros.training.data.other_speech import load_other_speech
from ser_ros.training.data.recordings import Recording
from ser_ros.training.evaluation.calibration import log_probabilities
from ser_ros.training.evaluation.coverage import LEAST_CONFIDENCES
from ser_ros.training.storage.json_files import read_as, write_json

FILE = 'held_out_speech.json'


@dataclass(frozen=True, kw_only=True)
class ConfidentEmotion:
    """How often a label that is not one of ordinary speech is answered with so much confidence.

    Attributes:
        least_confidence: 0..1.
        share: Share of the recordings, 0..1.
        most_frequent: Which of these labels is answered most often; '' if none is.
    """

    least_confidence: float
    share: float
    most_frequent: str


@dataclass(frozen=True, kw_only=True)
class HeldOutSpeech:
    """How a model answers the recordings of one folder, each by itself.

    Attributes:
        speech: Name of the folder, with its licence.
        recordings: How many there were.
        longest_seconds: The most that was heard of a recording.
        answers: Label -> share of the recordings, 0..1.
        emotions: For each of LEAST_CONFIDENCES; empty if it is not known.
    """

    speech: str
    recordings: int
    longest_seconds: float
    answers: dict[str, float]
    emotions: tuple[ConfidentEmotion, ...]


@dataclass(frozen=True, kw_only=True)
class SpeechAnswers:
    """A model's answers to the recordings of one folder.

    Attributes:
        speech: See HeldOutSpeech.
        longest_seconds: See HeldOutSpeech.
        log_probabilities: At temperature 1, a row for each recording, a column for each label.
    """

    speech: str
    longest_seconds: float
    log_probabilities: list[list[float]]


@dataclass(frozen=True, kw_only=True)
class HeldOutAnswers:
    """A model's answers to all held-out speech, from which confidences at any temperature can be told.

    Attributes:
        labels: Of the model, in its order.
        folders: In the order in which they were given.
    """

    labels: tuple[str, ...]
    folders: tuple[SpeechAnswers, ...]

    def at_temperature(self, temperature: float) -> tuple[HeldOutSpeech, ...]:
        """Return how the model answers each folder if its logits are divided by `temperature`."""
        return tuple(_told(folder, self.labels, temperature) for folder in self.folders)

    def save(self, model: Path) -> None:
        """Write FILE into the folder `model`."""
        write_json(model / FILE, asdict(self))

    @classmethod
    def load(cls, model: Path) -> 'HeldOutAnswers | None':
        """Return what `save` wrote into the folder `model`; None if there is no FILE. Raises SerError; see read_as."""
        return read_as(cls, model / FILE, 'folders')


def load_held_out_speech(folders: Sequence[Path], *, longest: float) -> dict[str, list[Recording]]:
    """Return the recordings of each folder, by its name with its licence.

    Args:
        folders: Where audio files are, at any depth.
        longest: Seconds of speech that are used of a recording.

    Raises:
        SerError: A folder holds no audio, two have the same name, or a file cannot be used.
    """
    names = [str(read_dataset_card(folder)) for folder in folders]
    for name, times in Counter(names).items():
        if times > 1:
            raise SerError(
                f'{times} folders of held-out speech are called {name}; give each its own pretty_name in its README.md'
            )
    return {
        name: load_other_speech([folder], None, emotion='', longest=longest, seed=0)
        for name, folder in zip(names, folders, strict=True)
    }


def answer_held_out_speech(model: Path, speech: Mapping[str, Sequence[Recording]]) -> HeldOutAnswers:
    """Return the answers of the model in the folder `model` to what `load_held_out_speech` returned."""
    classifier = Classifier.load(model)
    folders = []
    for name, recordings in speech.items():
        probabilities = [
            classifier.classify(recording.utterance).probabilities
            for recording in tqdm(recordings, desc=name, unit='recording')
        ]
        folders.append(
            SpeechAnswers(
                speech=name,
                longest_seconds=max(recording.speech[1] - recording.speech[0] for recording in recordings),
                log_probabilities=log_probabilities(np.stack(probabilities), classifier.temperature).round(4).tolist(),
            )
        )
    return HeldOutAnswers(labels=classifier.labels, folders=tuple(folders))


def _told(answers: SpeechAnswers, labels: Sequence[str], temperature: float) -> HeldOutSpeech:
    probabilities = softmax(np.array(answers.log_probabilities) / temperature, axis=-1)
    answered = np.array(labels)[probabilities.argmax(axis=-1)]
    confidence = probabilities.max(axis=-1)
    is_emotion = ~np.isin(answered, ORDINARY)
    return HeldOutSpeech(
        speech=answers.speech,
        recordings=len(answered),
        longest_seconds=answers.longest_seconds,
        answers={label: float((answered == label).mean()) for label in labels},
        emotions=tuple(
            _confident_emotion(least, answered[is_emotion & (confidence >= least)], len(answered))
            for least in LEAST_CONFIDENCES
        ),
    )


def _confident_emotion(least_confidence: float, answered: np.ndarray, recordings: int) -> ConfidentEmotion:
    most = Counter(answered.tolist()).most_common(1)
    return ConfidentEmotion(
        least_confidence=least_confidence,
        share=len(answered) / recordings,
        most_frequent=most[0][0] if most else '',
    )
