# SPDX-License-Identifier: Apache-2.0
"""How well a model answers the streams that a robot meets, with and without getting used to them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import recall_score

from ser_ros.recognition.adaptation import ORDINARY, AdaptationConfig
from ser_ros.recognition.adaptation_prior import AdaptationPrior
from ser_ros.training.evaluation.adapted import answer_stream
from ser_ros.training.evaluation.calibration import calibration_error
from ser_ros.training.evaluation.conditions import CONDITION_NAMES, ROOM
from ser_ros.training.evaluation.coverage import coverage, ordinary_called_emotion
from ser_ros.training.evaluation.scores import StreamFigures
from ser_ros.training.evaluation.spoken import Outputs, Spoken
from ser_ros.training.evaluation.streams import (
    Stream,
    balanced,
    by_voice,
    by_voice_met,
    change_of_room,
    in_turn,
    mostly_ordinary,
    one_emotion,
)

_SEED = 0
"""Of the order of every stream."""


MOSTLY_ORDINARY = '70 % ordinary'
"""Name of the kind that is most like what a robot hears."""


@dataclass(frozen=True, eq=False)
class _Kind:
    """A kind of stream, and how it is heard."""

    name: str
    streams: Sequence[Stream]
    outputs: Outputs
    voices: Sequence[str] | np.ndarray = ()
    learns: np.ndarray | None = None


def score_streams(
    spoken: Spoken, prior: AdaptationPrior, temperature: float, config: AdaptationConfig | None = None
) -> tuple[StreamFigures, ...]:
    """Return the figures of each kind of stream that these clips can make; see answer_stream."""
    return tuple(
        _score(kind, spoken, prior, temperature, config)
        for kind in _kinds(spoken)
        if any(stream.counted.any() for stream in kind.streams)
    )


def _kinds(spoken: Spoken) -> list[_Kind]:
    truth, labels, voices, outputs = spoken.truth, spoken.labels, spoken.voices, spoken.utterance
    is_ordinary = np.isin(labels[truth], ORDINARY)
    two = in_turn(voices, 2, _SEED)
    kinds = [
        _Kind('all clips, shuffled', balanced(truth, _SEED), outputs),
        _Kind(MOSTLY_ORDINARY, mostly_ordinary(truth, labels, 0.7, _SEED), outputs),
        _Kind('90 % ordinary', mostly_ordinary(truth, labels, 0.9, _SEED), outputs),
        _Kind('one voice alone', by_voice(voices, _SEED), outputs),
        _Kind('two voices in turn', two, outputs),
        _Kind('two voices in turn, known by name', two, outputs, voices),
        _Kind('four voices in turn', in_turn(voices, 4, _SEED), outputs),
        _Kind('one emotion 20 times', one_emotion(truth, labels, _SEED), outputs),
        _Kind(
            'the same, learning from ordinary speech only (by its true label)',
            one_emotion(truth, labels, _SEED),
            outputs,
            learns=is_ordinary,
        ),
    ]
    if spoken.met is not None:
        known = by_voice_met(voices, spoken.met_voices, _SEED)
        kinds.append(_Kind('one voice alone, after its clips that trained', known, outputs.followed_by(spoken.met)))
    kinds += [
        _Kind(f'all clips, shuffled: {CONDITION_NAMES[name]}', balanced(truth, _SEED), heard)
        for name, heard in spoken.conditions.items()
    ]
    if ROOM in spoken.conditions:
        both = outputs.followed_by(spoken.conditions[ROOM])
        changing, all_along = change_of_room(truth, _SEED)
        kinds += [
            _Kind('in a room, ten utterances after entering it', changing, both),
            _Kind('the same, in that room all along', all_along, both),
        ]
    return kinds


def _score(
    kind: _Kind, spoken: Spoken, prior: AdaptationPrior, temperature: float, config: AdaptationConfig | None
) -> StreamFigures:
    heard = np.concatenate([stream.order[stream.counted] for stream in kind.streams])
    clips = heard % len(spoken.truth)
    answers = [
        answer_stream(kind.outputs, temperature, stream, prior, config, voices=kind.voices, learns=kind.learns)[
            stream.counted
        ]
        for stream in kind.streams
    ]
    said = np.concatenate(answers)
    adapted = spoken.restrict(said, clips)
    plain = spoken.restrict(kind.outputs.probabilities(temperature)[heard], clips)
    truth, is_ordinary = spoken.truth[clips], np.isin(spoken.labels, ORDINARY)
    return StreamFigures(
        name=kind.name,
        utterances=len(heard),
        unweighted_recall=_recall(truth, adapted),
        calibration_error=calibration_error(adapted, truth),
        ordinary_called_emotion=ordinary_called_emotion(adapted, truth, is_ordinary),
        all_labels_recall=_all_labels_recall(said, clips, spoken, np.array(prior.labels)),
        plain_unweighted_recall=_recall(truth, plain),
        plain_calibration_error=calibration_error(plain, truth),
        plain_ordinary_called_emotion=ordinary_called_emotion(plain, truth, is_ordinary),
        coverage=coverage(adapted, truth, is_ordinary),
    )


def _all_labels_recall(said: np.ndarray, clips: np.ndarray, spoken: Spoken, labels: np.ndarray) -> float:
    """Return the unweighted recall of answers (n, model labels) to `clips`, each with any of the model's `labels`."""
    answered, truth = said.argmax(axis=-1), spoken.truth[clips]
    wanted, is_ordinary = spoken.columns[truth], np.isin(labels, ORDINARY)
    possible = np.zeros(said.shape, dtype=bool)
    possible[:, spoken.columns] = spoken.possible[clips]
    as_good = is_ordinary[answered] & is_ordinary[wanted] & ~possible[np.arange(len(clips)), answered]
    right = (answered == wanted) | as_good
    return float(np.mean([right[truth == label].mean() for label in np.unique(truth)]))


def _recall(truth: np.ndarray, probabilities: np.ndarray) -> float:
    present = sorted(set(truth.tolist()))
    answered = probabilities.argmax(axis=-1)
    return float(recall_score(truth, answered, labels=present, average='macro', zero_division=0.0))
