# SPDX-License-Identifier: Apache-2.0
"""Measures a model as the robot runs it: one unpadded utterance at a time, through the node's own classifier."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.metrics import accuracy_score, classification_report, confusion_matrix, f1_score, recall_score
from tqdm.auto import tqdm

from ser_ros.errors import SerError
from ser_ros.recognition.adaptation import AdaptationConfig
from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.estimate import Estimate
from ser_ros.training.data.clip import Clip
from ser_ros.training.data.recordings import Recording
from ser_ros.training.evaluation.calibration import calibration_error, log_probabilities
from ser_ros.training.evaluation.conditions import CONDITIONS, in_condition
from ser_ros.training.evaluation.ensemble import Ensemble
from ser_ros.training.evaluation.intervals import recall_interval
from ser_ros.training.evaluation.label_map import LabelMap
from ser_ros.training.evaluation.scores import ConditionFigures, Evaluation, Group, Groups, Scores
from ser_ros.training.evaluation.spoken import Outputs, Spoken
from ser_ros.training.evaluation.stream_scores import score_streams

_GROUPS = ('corpus', 'speaker', 'sex', 'intensity')


@dataclass(frozen=True, eq=False)
class Answers:
    """A model's answer to each clip.

    Attributes:
        clips: In the order of the rows.
        labels: In the order of the columns.
        truth: int64, shape (clips,), index of each clip's label in `labels`.
        probabilities: float32, shape (clips, labels), rows sum to 1.
        possible: bool, of the same shape: which labels could be the answer.
        temperature: That at which the probabilities were made.
    """

    clips: tuple[Clip, ...]
    labels: tuple[str, ...]
    truth: np.ndarray
    probabilities: np.ndarray
    possible: np.ndarray
    temperature: float = 1.0

    @property
    def log_probabilities(self) -> np.ndarray:
        """As they would be at temperature 1: float64, shape (clips, labels)."""
        return log_probabilities(self.probabilities, self.temperature)


@dataclass(frozen=True, eq=False)
class Measured:
    """The figures of a model on test clips, and the answers that they come from."""

    evaluation: Evaluation
    whole_clip_answers: Answers
    utterance_answers: Answers
    spoken: Spoken


def evaluate(
    model: Path | Classifier | Ensemble,
    recordings: Sequence[Recording],
    *,
    device: str = 'auto',
    label_map: LabelMap | None = None,
    known_labels: Mapping[str, Sequence[str]] | None = None,
    conditions: bool = False,
    met: Sequence[Recording] = (),
    adaptation: AdaptationConfig | None = None,
) -> Measured:
    """Classify every recording, with a progress bar.

    Args:
        model: A folder, which is loaded onto `device` as by the node, or a loaded model.
        recordings: Of the test clips.
        device: As of `Classifier.load`.
        label_map: For a corpus with other labels; without it the answer may be any of the model's labels.
        known_labels: The labels that may be the answer for a clip, by the name of its corpus; all for a corpus that is
            not named.
        conditions: Whether to measure all CONDITIONS as well, which takes three times as long.
        met: What the same people said in clips that trained the model: a robot that knows them has heard that before.
        adaptation: How it gets used to the utterances of a stream; None for the defaults.

    Raises:
        SerError: There is no recording, one has a label that the model does not have, or the model cannot be used.
    """
    if not recordings:
        raise SerError('there is no clip to evaluate on; give at least one')
    classifier = Classifier.load(model, device) if isinstance(model, Path) else model
    if label_map is None:
        label_map = LabelMap(classifier.labels, {label: label for label in classifier.labels}, ())
    clips = tuple(recording.clip for recording in recordings)
    truth = label_map.truth(clips)
    measured_conditions = tuple(CONDITIONS) if conditions else ()
    said: dict[str, list[Estimate]] = defaultdict(list)
    for recording in tqdm(recordings, desc='evaluating', unit='clip'):
        said['whole_clip'].append(classifier.classify(recording.samples))
        said['utterance'].append(classifier.classify(recording.utterance))
        for name in measured_conditions:
            said[name].append(classifier.classify(in_condition(recording, name).utterance))
    before = [classifier.classify(one.utterance) for one in tqdm(met, desc='meeting known voices', unit='clip')]
    possible = _possible(clips, label_map.labels, known_labels or {})
    answers = {
        name: Answers(
            clips,
            label_map.labels,
            truth,
            _restrict(label_map.restrict(_probabilities(estimates)), possible),
            possible,
            classifier.temperature,
        )
        for name, estimates in said.items()
    }
    spoken = Spoken(
        labels=np.array(label_map.labels),
        columns=np.array([label_map.model_labels.index(label) for label in label_map.labels]),
        truth=truth,
        possible=possible,
        voices=np.array([clip.voice for clip in clips]),
        utterance=Outputs.of(said['utterance'], classifier.temperature),
        conditions={name: Outputs.of(said[name], classifier.temperature) for name in measured_conditions},
        met=Outputs.of(before, classifier.temperature) if before else None,
        met_voices=np.array([recording.clip.voice for recording in met], dtype=np.str_),
    )
    scores = {name: score(said_so) for name, said_so in answers.items()}
    return Measured(
        evaluation=Evaluation(
            whole_clip=scores['whole_clip'],
            utterance=scores['utterance'],
            conditions={
                name: ConditionFigures(accuracy=scores[name].accuracy, unweighted_recall=scores[name].unweighted_recall)
                for name in measured_conditions
            },
            streams=(
                score_streams(spoken, classifier.prior, classifier.temperature, adaptation) if classifier.prior else ()
            ),
        ),
        whole_clip_answers=answers['whole_clip'],
        utterance_answers=answers['utterance'],
        spoken=spoken,
    )


def _probabilities(estimates: Sequence[Estimate]) -> np.ndarray:
    return np.stack([estimate.probabilities for estimate in estimates])


def _possible(clips: Sequence[Clip], labels: Sequence[str], known_labels: Mapping[str, Sequence[str]]) -> np.ndarray:
    """Return which labels can be the answer for each clip: bool, shape (clips, labels)."""
    return np.array([[label in known_labels.get(clip.corpus, labels) for label in labels] for clip in clips])


def _restrict(probabilities: np.ndarray, possible: np.ndarray) -> np.ndarray:
    """Return the probabilities of what is possible, 0 for the rest; rows sum to 1."""
    kept = np.where(possible, probabilities, np.float32(0.0))
    return kept / np.maximum(kept.sum(axis=-1, keepdims=True), np.finfo(np.float32).tiny)


def score(answers: Answers) -> Scores:
    """Compare the answers with the truth. A label with no true clip counts in no mean."""
    labels, truth, answered = answers.labels, answers.truth, answers.probabilities.argmax(axis=-1)
    present = sorted(set(truth.tolist()))
    means = {'labels': present, 'average': 'macro', 'zero_division': 0.0}
    names = [labels[index] for index in present]
    groups = _groups(answers, answered == truth)
    return Scores(
        clips=len(truth),
        accuracy=float(accuracy_score(truth, answered)),
        unweighted_recall=float(recall_score(truth, answered, **means)),
        macro_f1=float(f1_score(truth, answered, **means)),
        calibration_error=calibration_error(answers.probabilities, truth),
        uncalibrated_error=(
            None if answers.temperature == 1.0 else calibration_error(np.exp(answers.log_probabilities), truth)
        ),
        confidence=float(answers.probabilities.max(axis=-1).mean()),
        chance=_chance(truth, answers.possible),
        recall_interval=recall_interval(groups.get('speaker', {}), len(truth)),
        labels=labels,
        confusion=tuple(map(tuple, confusion_matrix(truth, answered, labels=range(len(labels))).tolist())),
        report=classification_report(truth, answered, labels=present, target_names=names, zero_division=0.0, digits=3),
        groups=groups,
    )


def _chance(truth: np.ndarray, possible: np.ndarray) -> float:
    """Return the unweighted recall of guesses among what is possible for each clip."""
    guessed = possible[np.arange(len(truth)), truth] / possible.sum(axis=-1)
    return float(np.mean([guessed[truth == label].mean() for label in np.unique(truth)]))


def _groups(answers: Answers, right: np.ndarray) -> Groups:
    groups: Groups = {}
    for kind in _GROUPS:
        values = [getattr(clip, kind) for clip in answers.clips]
        different = sorted(
            {value for value in values if value not in (None, '')}, key=lambda it: (isinstance(it, str), it)
        )
        for value in different:
            chosen = np.array([other == value for other in values])
            groups.setdefault(kind, {})[str(value)] = _group(answers, right, chosen)
    return groups


def _group(answers: Answers, right: np.ndarray, chosen: np.ndarray) -> Group:
    of_label = {label: chosen & (answers.truth == index) for index, label in enumerate(answers.labels)}
    return Group(
        clips=int(chosen.sum()),
        accuracy=float(right[chosen].mean()),
        by_label={label: (int(them.sum()), int(right[them].sum())) for label, them in of_label.items() if them.any()},
    )
