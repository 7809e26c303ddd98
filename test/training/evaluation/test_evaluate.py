# SPDX-License-Identifier: Apache-2.0
"""Scores against figures worked out by hand, and evaluation against the classifier that the node uses."""

from dataclasses import replace

import numpy as np
import pytest

from ser_ros.emotions import LABELS as EMOTIONS
from ser_ros.recognition.classifier import Classifier
from ser_ros.training.data.clip import Clip
from ser_ros.training.data.recordings import Recording
from ser_ros.training.evaluation.conditions import CONDITIONS, in_condition
from ser_ros.training.evaluation.evaluate import Answers, evaluate, score
from ser_ros.training.evaluation.label_map import match_labels
from ser_ros.training.evaluation.scores import Group

LABELS = ('neutral', 'angry', 'sad')
TRUTH = [0] * 6 + [1] * 2
ANSWERS = [0] * 5 + [2] + [1, 0]


def clip(number, emotion='neutral', **known):
    return Clip(path=f'{number}.wav', name=str(number), emotion=emotion, **known)


def answers(truth, answered, *, confidence=0.8, clips=(), temperature=1.0):
    probabilities = np.full((len(truth), 3), (1 - confidence) / 2, dtype=np.float32)
    probabilities[np.arange(len(truth)), answered] = confidence
    clips = tuple(clips) or tuple(map(clip, range(len(truth))))
    return Answers(clips, LABELS, np.array(truth), probabilities, np.full_like(probabilities, True, bool), temperature)


def test_scores_are_what_they_are_by_hand():
    scores = score(answers(TRUTH, ANSWERS))
    assert scores.clips == 8
    assert scores.accuracy == pytest.approx(6 / 8)
    assert scores.unweighted_recall == pytest.approx((5 / 6 + 1 / 2) / 2)
    f1_neutral, f1_angry = 2 * 5 / (2 * 5 + 1 + 1), 2 * 1 / (2 * 1 + 0 + 1)
    assert scores.macro_f1 == pytest.approx((f1_neutral + f1_angry) / 2)
    assert scores.confusion == ((5, 0, 1), (1, 1, 0), (0, 0, 0))
    assert 'neutral' in scores.report and 'sad' not in scores.report
    assert scores.confidence == pytest.approx(0.8)
    assert scores.calibration_error == pytest.approx(0.8 - 6 / 8, abs=1e-6)
    assert scores.uncalibrated_error is None and scores.groups == {}


def test_perfect_answers_score_one():
    scores = score(answers(TRUTH, TRUTH, confidence=1.0))
    assert (scores.accuracy, scores.unweighted_recall, scores.macro_f1) == (1.0, 1.0, 1.0)
    assert scores.calibration_error == 0.0


def test_speakers_and_intensities_are_told_also_where_all_are_alike():
    clips = [clip(number, speaker=number // 4, intensity='strong') for number in range(8)]
    assert score(answers(TRUTH, ANSWERS, clips=clips)).groups == {
        'speaker': {
            '0': Group(clips=4, accuracy=1.0, by_label={'neutral': (4, 4)}),
            '1': Group(clips=4, accuracy=0.5, by_label={'neutral': (2, 1), 'angry': (2, 1)}),
        },
        'intensity': {'strong': Group(clips=8, accuracy=0.75, by_label={'neutral': (6, 5), 'angry': (2, 1)})},
    }


def test_the_recall_of_a_group_is_over_the_labels_that_it_has():
    clips = [clip(number, sex='male') for number in range(8)]
    scores = score(answers(TRUTH, ANSWERS, clips=clips))
    assert scores.groups['sex']['male'].unweighted_recall == pytest.approx(scores.unweighted_recall)
    assert Group(clips=1, accuracy=1.0, by_label={}).unweighted_recall is None


def test_the_recall_has_an_interval_over_speakers():
    clips = [clip(number, speaker=number % 4) for number in range(8)]
    scores = score(answers(TRUTH, ANSWERS, clips=clips))
    interval = scores.recall_interval
    assert interval.speakers == 4 and interval.low <= scores.unweighted_recall <= interval.high
    assert scores == score(answers(TRUTH, ANSWERS, clips=clips))
    assert score(answers(TRUTH, ANSWERS)).recall_interval is None


def test_chance_is_that_of_the_labels_that_could_be_the_answer():
    both = answers([0, 1], [0, 1])
    assert score(both).chance == pytest.approx(1 / 3)
    possible = np.array([[True, True, False], [True, True, True]])
    assert score(replace(both, possible=possible)).chance == pytest.approx((1 / 2 + 1 / 3) / 2)


def test_the_temperature_is_undone_for_the_error_without_it():
    logits = np.random.default_rng(0).normal(scale=3.0, size=(50, 3))
    warm, plain = (np.exp(logits / t) / np.exp(logits / t).sum(1, keepdims=True) for t in (2.5, 1.0))
    truth = logits.argmax(1)
    truth[::3] = 0
    clips = tuple(map(clip, range(50)))
    possible = np.full((50, 3), True)
    calibrated = Answers(clips, LABELS, truth, warm.astype(np.float32), possible, 2.5)
    np.testing.assert_allclose(np.exp(calibrated.log_probabilities), plain, atol=1e-5)
    before = score(Answers(clips, LABELS, truth, plain.astype(np.float32), possible))
    assert score(calibrated).uncalibrated_error == pytest.approx(before.calibration_error, abs=1e-4)


def test_an_answer_of_no_probability_is_not_minus_infinity():
    assert np.isfinite(answers([0], [0], confidence=1.0).log_probabilities).all()


@pytest.fixture
def recordings(made_sound):
    """Return six recordings, whose utterances are shorter than they are, of emotions that the models know."""
    return [
        Recording(clip(number, emotion), made_sound(kind, 1.6, level=0.1 * (number + 1)), (0.5, 1.0))
        for number, (emotion, kind) in enumerate(
            zip(('neutral', 'happy', 'sad') * 2, ('chord', 'white noise', 'hum') * 2, strict=True)
        )
    ]


def test_each_clip_is_answered_alone_and_as_the_node_answers(random_weight_model, recordings):
    measured = evaluate(random_weight_model, recordings, device='cpu')
    classifier = Classifier.load(random_weight_model, 'cpu')
    for index, recording in enumerate(recordings):
        whole, cut = (classifier.classify(sound).probabilities for sound in (recording.samples, recording.utterance))
        np.testing.assert_allclose(measured.whole_clip_answers.probabilities[index], whole, atol=1e-6)
        np.testing.assert_allclose(measured.utterance_answers.probabilities[index], cut, atol=1e-6)
    assert measured.utterance_answers.labels == EMOTIONS
    assert measured.utterance_answers.truth.tolist() == [0, 2, 3] * 2
    assert measured.utterance_answers.probabilities.dtype == np.float32
    assert measured.evaluation.whole_clip.clips == measured.evaluation.utterance.clips == 6


def test_conditions_are_measured_only_where_they_are_asked_for(random_weight_model, recordings):
    plain = evaluate(random_weight_model, recordings, device='cpu').evaluation
    assert plain.conditions == {}
    evaluation = evaluate(random_weight_model, recordings, device='cpu', conditions=True).evaluation
    assert evaluation.utterance.accuracy == plain.utterance.accuracy
    classifier = Classifier.load(random_weight_model, 'cpu')
    for name, scores in evaluation.conditions.items():
        answers = [classifier.classify(in_condition(recording, name).utterance).label for recording in recordings]
        right = [answer == recording.clip.emotion for answer, recording in zip(answers, recordings, strict=True)]
        assert scores.accuracy == pytest.approx(np.mean(right))
    assert list(evaluation.conditions) == list(CONDITIONS)


def test_another_corpus_is_answered_in_the_labels_that_it_has(random_weight_model, recordings):
    label_map = match_labels(('neutral', 'happy', 'sad'), EMOTIONS)
    measured = evaluate(Classifier.load(random_weight_model, 'cpu'), recordings, label_map=label_map)
    assert measured.evaluation.whole_clip.labels == ('neutral', 'happy', 'sad')
    np.testing.assert_allclose(measured.whole_clip_answers.probabilities.sum(axis=1), 1.0, atol=1e-6)


def test_what_cannot_be_evaluated_is_refused(random_weight_model, recordings, refuses):
    with refuses('no clip to evaluate on'):
        evaluate(random_weight_model, [])
    strange = Recording(clip(9, 'bored'), recordings[0].samples, (0.0, 1.0))
    with refuses("a clip of 'bored'", 'the model cannot say', 'neutral, calm'):
        evaluate(random_weight_model, [*recordings, strange], device='cpu')
