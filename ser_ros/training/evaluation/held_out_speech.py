# SPDX-License-Identifier: Apache-2.0
"""What a node would say of people who act no emotion, and whom its model has never heard."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy.special import softmax
from tqdm.auto import tqdm

from ser_ros.emotions import UNKNOWN
from ser_ros.errors import SerError
from ser_ros.recognition.adaptation import ORDINARY
from ser_ros.recognition.classifier import Classifier
from ser_ros.speech.recording import judge_recording
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
        share: Share of the utterances, 0..1.
        most_frequent: Which of these labels is answered most often; '' if none is.
    """

    least_confidence: float
    share: float
    most_frequent: str


@dataclass(frozen=True, kw_only=True)
class HeldOutSpeech:
    """What a node answers to the recordings of one folder, each by itself, before it has got used to anything.

    Attributes:
        speech: Name of the folder, with its licence.
        recordings: How many there were.
        utterances: How many the speech detection found in them.
        rejected: How many of these it takes for noise, or finds too quiet, so that they are not answered.
        longest_seconds: The most that was heard of a recording.
        answers: Label, or UNKNOWN for what the model takes for no speech -> share of the utterances, 0..1; what is
            rejected has none.
        emotions: For each of LEAST_CONFIDENCES; empty if it is not known.
    """

    speech: str
    recordings: int
    utterances: int
    rejected: int
    longest_seconds: float
    answers: dict[str, float]
    emotions: tuple[ConfidentEmotion, ...]


@dataclass(frozen=True, kw_only=True)
class SpeechAnswers:
    """A model's answers to the recordings of one folder.

    Attributes:
        speech: See HeldOutSpeech.
        recordings: See HeldOutSpeech.
        rejected: See HeldOutSpeech.
        longest_seconds: See HeldOutSpeech.
        log_probabilities: At temperature 1, a row for each utterance that is answered, a column for each label.
        outliers: Which of these utterances are no speech, by the model's detector.
    """

    speech: str
    recordings: int
    rejected: int
    longest_seconds: float
    log_probabilities: list[list[float]]
    outliers: list[bool]


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
    return HeldOutAnswers(
        labels=classifier.labels,
        folders=tuple(_answer(classifier, name, recordings) for name, recordings in speech.items()),
    )


def _answer(classifier: Classifier, name: str, recordings: Sequence[Recording]) -> SpeechAnswers:
    estimates, rejected = [], 0
    for recording in tqdm(recordings, desc=name, unit='recording'):
        for utterance, rejection in judge_recording(recording.up_to_end_of_speech):
            if rejection is None:
                estimates.append(classifier.classify(utterance.samples))
            else:
                rejected += 1
    probabilities = np.reshape([estimate.probabilities for estimate in estimates], (-1, len(classifier.labels)))
    return SpeechAnswers(
        speech=name,
        recordings=len(recordings),
        rejected=rejected,
        longest_seconds=max(recording.speech[1] - recording.speech[0] for recording in recordings),
        log_probabilities=log_probabilities(probabilities, classifier.temperature).round(4).tolist(),
        outliers=[estimate.outlier for estimate in estimates],
    )


def _told(answers: SpeechAnswers, labels: Sequence[str], temperature: float) -> HeldOutSpeech:
    logits = np.reshape(answers.log_probabilities, (-1, len(labels)))
    probabilities = softmax(logits / temperature, axis=-1)
    outliers = np.array(answers.outliers, dtype=bool)
    answered = np.where(outliers, UNKNOWN, np.array(labels)[probabilities.argmax(axis=-1)])
    confidence = probabilities.max(axis=-1)
    is_emotion = ~np.isin(answered, (*ORDINARY, UNKNOWN))
    utterances = len(answered) + answers.rejected
    return HeldOutSpeech(
        speech=answers.speech,
        recordings=answers.recordings,
        utterances=utterances,
        rejected=answers.rejected,
        longest_seconds=answers.longest_seconds,
        answers={label: float((answered == label).sum() / max(utterances, 1)) for label in (*labels, UNKNOWN)},
        emotions=tuple(
            _confident_emotion(least, answered[is_emotion & (confidence >= least)], utterances)
            for least in LEAST_CONFIDENCES
        ),
    )


def _confident_emotion(least_confidence: float, answered: np.ndarray, utterances: int) -> ConfidentEmotion:
    most = Counter(answered.tolist()).most_common(1)
    return ConfidentEmotion(
        least_confidence=least_confidence,
        share=len(answered) / max(utterances, 1),
        most_frequent=most[0][0] if most else '',
    )
