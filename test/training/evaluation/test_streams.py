# SPDX-License-Identifier: Apache-2.0
"""Streams as a robot meets them, and their answers."""

import dataclasses

import numpy as np
import pytest

from ser_ros.recognition.adaptation import AdaptationConfig
from ser_ros.training.evaluation.adapted import answer_stream
from ser_ros.training.evaluation.spoken import Outputs, Spoken
from ser_ros.training.evaluation.stream_scores import score_streams
from ser_ros.training.evaluation.streams import (
    RUN,
    WARM_UP,
    balanced,
    by_voice,
    by_voice_met,
    in_turn,
    mostly_ordinary,
    one_emotion,
)
from ser_ros.training.learning.fit_prior import fit_prior

LABELS = ('neutral', 'happy', 'angry', 'calm')
VOICES, CLIPS = 6, 9


@pytest.fixture
def truth():
    return np.tile(np.repeat(np.arange(4), CLIPS), VOICES)


@pytest.fixture
def voices():
    return [f'voice{index}' for index in np.repeat(np.arange(VOICES), 4 * CLIPS)]


def test_the_same_seed_gives_the_same_stream_and_another_seed_another(truth):
    (one,), (same,), (other,) = balanced(truth, 0), balanced(truth, 0), balanced(truth, 1)
    assert (one.order == same.order).all()
    assert (one.order != other.order).any()
    assert sorted(one.order) == list(range(len(truth)))


@pytest.mark.parametrize('share', [0.7, 0.9])
def test_a_mostly_ordinary_stream_has_that_share_after_its_warm_up(truth, share):
    (stream,) = mostly_ordinary(truth, LABELS, share, 0)
    ordinary = np.isin(truth[stream.order], (0, 3))
    assert ordinary[:WARM_UP].all()
    assert not stream.counted[:WARM_UP].any()
    assert stream.counted[WARM_UP:].all()
    assert ordinary[WARM_UP:].mean() == pytest.approx(share, abs=0.01)
    assert set(stream.order[~ordinary]) == set(np.flatnonzero(~np.isin(truth, (0, 3))))


def test_no_ordinary_clips_make_no_mostly_ordinary_stream(truth):
    assert mostly_ordinary(truth, ('sad', 'happy', 'angry', 'fearful'), 0.7, 0) == []


def test_one_emotion_comes_in_a_row_after_as_many_ordinary_ones(truth):
    for stream in one_emotion(truth, LABELS, 0):
        heard = truth[stream.order]
        assert np.isin(heard[:RUN], (0, 3)).all()
        assert len(set(heard[RUN:])) == 1
        assert heard[RUN] in (1, 2)
        assert stream.counted.sum() == RUN


def test_each_voice_has_a_stream_of_its_own(truth, voices):
    streams = by_voice(voices, 0)
    assert [len({voices[clip] for clip in stream.order}) for stream in streams] == [1] * VOICES
    assert sorted(np.concatenate([stream.order for stream in streams])) == list(range(len(truth)))


def test_a_voice_that_was_met_comes_after_all_that_it_said_before(voices):
    met = ['voice1', 'voice0', 'stranger', 'voice1', '']
    streams = by_voice_met(voices, met, 0)
    assert [stream.counted.sum() for stream in streams] == [4 * CLIPS] * 2
    for stream, alone, before in zip(streams, by_voice(voices, 0), ([1], [0, 3]), strict=False):
        assert sorted(stream.order[~stream.counted] - len(voices)) == before
        assert stream.order[stream.counted].tolist() == alone.order.tolist()
        assert stream.counted[len(before) :].all()


def test_clips_of_unknown_voices_are_in_no_stream_of_voices(voices):
    unknown = [voice if voice != 'voice0' else '' for voice in voices]
    streams = [*by_voice(unknown, 0), *in_turn(unknown, 2, 0)]
    assert len(streams) == VOICES - 1 + (VOICES - 1) // 2
    assert all(unknown[clip] for stream in streams for clip in stream.order)


@pytest.mark.parametrize(('together', 'count'), [(2, 3), (4, 1), (7, 0)])
def test_voices_take_turns(voices, together, count):
    streams = in_turn(voices, together, 0)
    assert len(streams) == count
    for stream in streams:
        turns = [voices[clip] for clip in stream.order]
        assert len(set(turns)) == together
        assert turns[:together] == turns[together : 2 * together]


def ones(rows):
    return np.ones(len(rows), dtype=np.float32)


@pytest.fixture
def known(truth, voices):
    """Outputs of a linear model for voices that differ, and what adaptation starts from."""
    draw = np.random.default_rng(0)
    centroids = 2.0 * np.eye(4)
    offsets = draw.normal(scale=1.2, size=(VOICES, 4))
    pooled = centroids[truth] + offsets[np.repeat(np.arange(VOICES), 4 * CLIPS)]
    pooled += draw.normal(scale=0.3, size=pooled.shape)
    weights = 2.0 * np.eye(4)
    outputs = Outputs(
        (pooled @ weights.T).astype(np.float32),
        pooled.astype(np.float32),
        np.zeros(len(pooled), dtype=bool),
        ones(pooled),
    )
    return outputs, fit_prior(pooled, truth, voices, ones(pooled), LABELS, weights)


def test_the_first_answer_is_the_models_own_and_the_order_decides_the_others(known, truth):
    outputs, prior = known
    (stream,) = balanced(truth, 0)
    answers = answer_stream(outputs, 1.5, stream, prior)
    np.testing.assert_allclose(answers[0], outputs.probabilities(1.5)[stream.order[0]], rtol=1e-5)
    again = answer_stream(outputs, 1.5, dataclasses.replace(stream, order=stream.order[::-1]), prior)
    assert np.abs(again[::-1] - answers).max() > 0.01
    np.testing.assert_allclose(answers.sum(axis=1), 1.0, rtol=1e-5)


def test_an_outlier_is_answered_with_nothing_and_teaches_nothing(known, truth):
    outputs, prior = known
    (stream,) = balanced(truth, 0)
    is_laugh = np.arange(len(truth)) == stream.order[3]
    laughing = answer_stream(dataclasses.replace(outputs, outlier=is_laugh), 1.5, stream, prior)
    silent = answer_stream(outputs, 1.5, stream, prior, learns=~is_laugh)
    assert laughing[3].tolist() == [0.25] * 4
    np.testing.assert_array_equal(np.delete(laughing, 3, axis=0), np.delete(silent, 3, axis=0))


def test_voices_that_are_known_are_answered_better(known, truth, voices):
    outputs, prior = known

    def later_half(stream, answers):
        half = len(stream.order) // 2
        return (answers.argmax(axis=1) == truth[stream.order])[half:].mean()

    plain = (outputs.probabilities(1.5).argmax(axis=1) == truth).mean()
    alone = [later_half(stream, answer_stream(outputs, 1.5, stream, prior)) for stream in by_voice(voices, 0)]
    assert np.mean(alone) > plain
    (stream,) = balanced(truth, 0)
    named = later_half(stream, answer_stream(outputs, 1.5, stream, prior, voices=voices))
    assert named > later_half(stream, answer_stream(outputs, 1.5, stream, prior))


def test_what_may_not_be_learned_from_changes_nothing(known, truth):
    outputs, prior = known
    (stream,) = balanced(truth, 0)
    answers = answer_stream(outputs, 1.5, stream, prior, learns=np.zeros(len(truth), dtype=bool))
    np.testing.assert_allclose(answers, outputs.probabilities(1.5)[stream.order], rtol=1e-4)


def test_an_ear_that_is_told_how_much_is_ordinary_calls_less_of_it_an_emotion(known, truth, voices):
    outputs, prior = known
    labels = np.array(LABELS)
    spoken = Spoken(
        labels=labels,
        columns=np.arange(len(labels)),
        truth=truth,
        possible=np.ones((len(truth), len(labels)), dtype=bool),
        voices=np.array(voices),
        utterance=outputs,
        conditions={},
    )
    half, most = (
        next(figures for figures in score_streams(spoken, prior, 1.5, config) if figures.name == '90 % ordinary')
        for config in (None, AdaptationConfig(ordinary_share=0.9))
    )
    assert most.ordinary_called_emotion < half.ordinary_called_emotion
    assert most.plain_ordinary_called_emotion == half.plain_ordinary_called_emotion > 0.0
    shares = [point.ordinary_called_emotion for point in half.coverage]
    assert shares[0] == half.ordinary_called_emotion and shares == sorted(shares, reverse=True)


@pytest.mark.parametrize(('has_calm', 'recall'), [(False, 0.75), (True, 0.5)])
def test_on_a_robot_any_label_may_be_the_answer_and_calm_is_neutral_where_a_corpus_has_no_calm(known, has_calm, recall):
    """Half of the neutral clips are answered calm, half of the happy ones angry; the right label comes second."""
    _, prior = known
    truth = np.repeat([0, 1], 8)
    logits = np.float32([[2.0, 0.0, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0]]).repeat(8, axis=0)
    logits[:4, 3] = 3.0
    logits[8:12, 2] = 3.0
    outputs = Outputs(logits, np.zeros((16, 4), dtype=np.float32), np.zeros(16, dtype=bool), ones(logits))
    spoken = Spoken(
        labels=np.array(LABELS),
        columns=np.arange(4),
        truth=truth,
        possible=np.tile([True, True, False, has_calm], (16, 1)),
        voices=np.array([''] * 16),
        utterance=outputs,
        conditions={},
    )
    figures = score_streams(spoken, prior, 1.0, AdaptationConfig(enabled=False))[0]
    assert figures.all_labels_recall == recall
    assert figures.unweighted_recall == (0.75 if has_calm else 1.0)
