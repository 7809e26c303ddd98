# SPDX-License-Identifier: Apache-2.0
"""Measures a model as the robot runs it: one unpadded utterance at a time, through the node's own classifier."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from sklearn.metrics import accuracy_score, classification_report, confusion_matrix, f1_score, recall_score
from tqdm.auto import tqdm

from ser_ros.recognition.classifier import Classifier
from ser_ros.training.dataset import Recording


@dataclass(frozen=True)
class Scores:
    """How well a model answered; shares are 0..1.

    unweighted_recall: mean of the recalls of all labels, however rare (the field's UAR).
    confusion: rows are the true labels, columns the answers, both in the order of `labels`.
    report: scikit-learn's classification report.
    """

    clips: int
    accuracy: float
    unweighted_recall: float
    macro_f1: float
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    report: str

    def as_dict(self) -> dict:
        """Return plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Evaluation:
    """The same test clips heard in two ways.

    whole_clip: the recording as it was published, the figure that others can be compared with.
    utterance: cut as the node cuts it: pre-roll, speech, post-roll.
    """

    whole_clip: Scores
    utterance: Scores

    def as_dict(self) -> dict:
        """Return plain values for JSON."""
        return {'whole_clip': self.whole_clip.as_dict(), 'utterance': self.utterance.as_dict()}


def evaluate(model_folder: Path, recordings: list[Recording], *, device: str = 'auto') -> Evaluation:
    """Load the model as the node does and classify every recording, with a progress bar. Raises SerError."""
    classifier = Classifier.load(model_folder, device)
    truth, whole, cut = [], [], []
    for recording in tqdm(recordings, desc='evaluating', unit='clip'):
        truth.append(recording.clip.emotion)
        whole.append(classifier.classify(recording.samples).label)
        cut.append(classifier.classify(recording.utterance).label)
    return Evaluation(score(truth, whole, classifier.labels), score(truth, cut, classifier.labels))


def score(truth: list[str], answers: list[str], labels: tuple[str, ...]) -> Scores:
    """Compare the answers with the truth. A label with no true clip counts in no mean."""
    present = [label for label in labels if label in set(truth)]
    means = {'labels': present, 'average': 'macro', 'zero_division': 0.0}
    return Scores(
        clips=len(truth),
        accuracy=float(accuracy_score(truth, answers)),
        unweighted_recall=float(recall_score(truth, answers, **means)),
        macro_f1=float(f1_score(truth, answers, **means)),
        labels=labels,
        confusion=tuple(map(tuple, np.asarray(confusion_matrix(truth, answers, labels=list(labels))).tolist())),
        report=classification_report(truth, answers, labels=present, zero_division=0.0, digits=3),
    )
