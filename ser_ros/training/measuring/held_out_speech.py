# SPDX-License-Identifier: Apache-2.0
"""What a model says of people who act no emotion, and whom it has never heard."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm.auto import tqdm

from ser_ros.recognition.classifier import Classifier
from ser_ros.training.data.dataset_card import read_dataset_card
from ser_ros.training.data.recordings import Recording
from ser_ros.training.measuring.markdown import percent

_NO_EMOTION = ('neutral', 'calm')
"""Labels that are right for somebody who reads aloud or talks as one does."""


@dataclass(frozen=True, kw_only=True)
class HeldOutSpeech:
    """What a model calls it.

    speech: names of the folders, with their licences.
    longest_seconds: that were heard of a recording.
    answers: label -> share of the recordings, 0..1.
    """

    speech: tuple[str, ...]
    recordings: int
    longest_seconds: float
    answers: dict[str, float]


def answers_to_speech(model: Path, folders: Sequence[Path], recordings: Sequence[Recording]) -> HeldOutSpeech:
    """Return which share of the `recordings`, which come from `folders`, the model in the folder `model` calls what."""
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


def held_out_speech_lines(told: HeldOutSpeech | None) -> list[str]:
    """Return the answers in a sentence; nothing where none were asked for."""
    if not told:
        return []
    answers = sorted(told.answers.items(), key=lambda answer: -answer[1])
    ordinary = sum(told.answers.get(label, 0.0) for label in _NO_EMOTION)
    return [
        (
            f'Speech of other people, who acted no emotion and whom the model never heard ({", ".join(told.speech)};'
            f' {told.recordings} recordings, at most {told.longest_seconds:.1f} s of each): '
            f'**{percent(ordinary)}** of it is called {" or ".join(_NO_EMOTION)} '
            f'({", ".join(f"{label} {percent(share)}" for label, share in answers)}).'
        ),
    ]
