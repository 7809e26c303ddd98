# SPDX-License-Identifier: Apache-2.0
"""Where labels and answers lie on the scales of valence and arousal."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_ros.affect import COORDINATES, valence_arousal
from ser_ros.emotions import LABELS, UNKNOWN
from ser_ros.training.data.corpora.by_key import SCHEMES

RATED = {
    'neutral': (5.5, 3.45),
    'calm': (6.89, 1.67),
    'happy': (8.47, 6.05),
    'sad': (2.1, 3.49),
    'angry': (2.53, 6.2),
    'fearful': (2.66, 5.45),
    'disgust': (3.32, 5.0),
    'surprised': (6.57, 5.95),
}
"""As published, 1..9."""


def one_hot(label):
    return [float(label == other) for other in LABELS]


@pytest.mark.parametrize('label', LABELS)
def test_a_certain_answer_lies_where_its_word_was_rated(label):
    valence, arousal = RATED[label]
    assert valence_arousal(LABELS, one_hot(label)) == pytest.approx(((valence - 5) / 4, (arousal - 5) / 4))


def test_an_answer_in_doubt_lies_between():
    valence, arousal = valence_arousal(['sad', 'happy'], [0.25, 0.75])
    assert valence == pytest.approx((0.25 * 2.1 + 0.75 * 8.47 - 5) / 4)
    assert arousal == pytest.approx((0.25 * 3.49 + 0.75 * 6.05 - 5) / 4)


def test_every_word_has_a_place_within_the_scales_and_is_found_as_it_is_written():
    for label, place in COORDINATES.items():
        assert label == label.strip().casefold()
        assert all(-1.0 <= value <= 1.0 for value in place)


def test_every_label_of_a_published_corpus_has_a_place():
    labels = {label for scheme in SCHEMES.values() for label in scheme.codes.get('emotion', {}).values()} - {''}
    assert labels >= set(LABELS)
    assert labels - set(COORDINATES) == set()


@pytest.mark.parametrize('said', ['Angry', 'ANGRY', ' angry ', 'aNgRy'])
def test_case_and_blanks_do_not_matter(said):
    assert valence_arousal([said, 'Sad'], [1.0, 0.0]) == COORDINATES['angry']


def test_the_short_names_of_other_models_are_known():
    assert valence_arousal(['neu', 'hap', 'ang', 'sad'], [0.0, 1.0, 0.0, 0.0]) == COORDINATES['happy']


@pytest.mark.parametrize('strange', ['other', UNKNOWN, 'LABEL_0', '', '喜び', 'speaker 3'])
def test_a_label_without_a_place_makes_both_unknown_if_it_has_any_weight(strange):
    assert all(math.isnan(value) for value in valence_arousal([strange, 'happy'], [1e-6, 1 - 1e-6]))
    assert valence_arousal([strange, 'happy'], [0.0, 1.0]) == COORDINATES['happy']


@pytest.mark.parametrize(('labels', 'probabilities'), [([], []), (['sad', 'happy'], [0.0, 0.0])])
def test_no_answer_has_no_place(labels, probabilities):
    assert all(math.isnan(value) for value in valence_arousal(labels, probabilities))


def test_a_probability_that_is_no_number_makes_both_unknown():
    assert all(math.isnan(value) for value in valence_arousal(['sad', 'happy'], [math.nan, 1.0]))


@pytest.mark.parametrize('probabilities', [[1.0], [0.5, 0.25, 0.25], [[0.5, 0.5]]])
def test_as_many_probabilities_as_labels(probabilities):
    with pytest.raises(ValueError, match='2 label'):
        valence_arousal(['sad', 'happy'], probabilities)


@given(st.lists(st.floats(0.0, 1.0, width=32), min_size=8, max_size=8).filter(lambda weights: sum(weights) > 1e-3))
def test_an_answer_lies_within_its_labels_and_does_not_depend_on_their_order(weights):
    place = valence_arousal(LABELS, np.float32(weights))
    for value, values in zip(place, zip(*(COORDINATES[label] for label in LABELS), strict=True), strict=True):
        assert min(values) - 1e-6 <= value <= max(values) + 1e-6
    turned = valence_arousal(LABELS[::-1], np.float32(weights)[::-1])
    assert turned == pytest.approx(place, abs=1e-6)
