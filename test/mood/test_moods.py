# SPDX-License-Identifier: Apache-2.0
"""Moods from made answers: when one is named, gives way, fades, and whose it is."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_ros.emotions import LABELS, UNKNOWN
from ser_ros.mood.belief import nothing_known, strength, with_answer
from ser_ros.mood.config import MoodConfig
from ser_ros.mood.moods import MOST_VOICES, Moods
from ser_ros.mood.voice_mood import NAMED_FROM, Answer, Mood

MEMORY = MoodConfig().memory
STEP = 6.0
"""Seconds from the end of an utterance to the end of the next."""


def answer(label: str | None = None, at: float = 0.0, *, sure: float = 0.8, duration: float = 2.0, **more) -> Answer:
    """Return an answer that says `label`, or nothing at all; `arrived` is `at` unless told."""
    probabilities = np.full(len(LABELS), 1 / len(LABELS))
    if label is not None:
        probabilities = np.full(len(LABELS), (1 - sure) / (len(LABELS) - 1))
        probabilities[LABELS.index(label)] = sure
    return Answer(probabilities, duration, ended=at, **{'arrived': at, **more})


def hear_all(moods: Moods, labels, start: float = 0.0, **more) -> list[Mood]:
    """Return the mood after each of some answers, STEP seconds apart."""
    return [moods.hear(answer(label, start + STEP * row, **more))[-1] for row, label in enumerate(labels)]


@pytest.fixture
def moods() -> Moods:
    return Moods(LABELS, MoodConfig(), since=-10.0)


def test_nothing_is_known_at_the_beginning(moods):
    (mood,) = moods.forget(0.0)
    assert (mood.label, mood.since, mood.time, mood.confidence, mood.utterances) == (UNKNOWN, -10.0, 0.0, 0.0, 0)
    assert mood.probabilities.tolist() == [1 / len(LABELS)] * len(LABELS)
    assert math.isnan(mood.direction)
    assert not moods.can_fade


@pytest.mark.parametrize('label', LABELS)
def test_what_is_said_again_and_again_is_the_mood_and_is_surer_each_time(moods, label):
    heard = hear_all(moods, [label] * 4)
    assert [mood.label for mood in heard[1:]] == [label] * 3
    assert [mood.utterances for mood in heard] == [1, 2, 3, 4]
    confidences = [mood.confidence for mood in heard]
    assert confidences == sorted(confidences)
    assert confidences[-1] == heard[-1].probabilities[LABELS.index(label)] > 0.6


def test_since_is_the_end_of_the_utterance_that_brought_it_about(moods):
    heard = hear_all(moods, ['angry', 'angry', 'angry'], start=100.0)
    assert [(mood.time, mood.since) for mood in heard] == [(100.0, 100.0), (106.0, 100.0), (112.0, 100.0)]


def test_one_slip_changes_no_mood_but_a_real_change_does(moods):
    heard = hear_all(moods, ['happy'] * 4 + ['angry', 'happy', 'happy'])
    assert {mood.label for mood in heard} == {'happy'}
    heard = hear_all(moods, ['sad'] * 4, start=50.0)
    assert heard[-1].label == 'sad'
    assert heard[-1].since > 50.0


def test_people_speak_ordinarily_in_between(moods):
    heard = hear_all(moods, ['angry', 'angry', 'angry', 'neutral', 'angry', 'calm', 'angry', 'neutral'])
    assert {mood.label for mood in heard} == {'angry'}


def test_who_only_speaks_ordinarily_is_neutral(moods):
    hear_all(moods, ['angry'] * 4)
    heard = hear_all(moods, ['neutral'] * 8, start=30.0)
    assert heard[-1].label == 'neutral'


def test_an_answer_that_could_be_anything_names_nothing(moods):
    (mood,) = moods.hear(answer())
    assert (mood.label, mood.utterances) == (UNKNOWN, 1)


@pytest.mark.parametrize('weaker', [{'sure': 0.4}, {'duration': 0.3}])
def test_an_unsure_or_a_short_answer_counts_less(weaker):
    before = nothing_known(len(LABELS))
    strong, weak = (
        with_answer(before, one.probabilities, LABELS, one.duration, silence=0.0)
        for one in (answer('sad'), answer('sad', **weaker))
    )
    assert strength(strong).max() > strength(weak).max() + 0.05 > 0.05


def test_an_older_answer_counts_less(moods):
    moods.hear(answer('sad'))
    soon = moods.hear(answer(None, 5.0))[-1].confidence
    other = Moods(LABELS, MoodConfig(), since=0.0)
    other.hear(answer('sad'))
    assert other.hear(answer(None, 50.0))[-1].probabilities[LABELS.index('sad')] < soon


def test_with_more_hysteresis_a_mood_gives_way_later():
    def utterances_until_sad(hysteresis: float) -> int:
        moods = Moods(LABELS, MoodConfig(hysteresis=hysteresis), since=0.0)
        heard = hear_all(moods, ['happy'] * 4 + ['sad'] * 10)
        return [mood.label for mood in heard].index('sad')

    assert utterances_until_sad(0.0) < utterances_until_sad(0.8)


def test_silence_ends_it(moods):
    hear_all(moods, ['sad'] * 3, direction=0.5)
    assert moods.can_fade
    last = 2 * STEP
    assert moods.fade(last + MEMORY) == []
    (mood,) = moods.fade(last + MEMORY + 3.0)
    assert (mood.label, mood.time, mood.since) == (UNKNOWN, last + MEMORY, last + MEMORY)
    assert (mood.confidence, mood.utterances) == (0.0, 0)
    assert math.isnan(mood.direction)
    assert not moods.can_fade
    assert moods.fade(last + 10 * MEMORY) == []


def test_what_never_had_a_name_is_forgotten_too(moods):
    moods.hear(answer())
    (mood,) = moods.fade(MEMORY + 3.0)
    assert (mood.label, mood.since, mood.utterances) == (UNKNOWN, -10.0, 0)


def test_after_long_silence_the_fading_comes_before_the_answer(moods):
    hear_all(moods, ['sad'] * 3)
    faded, mood = moods.hear(answer('happy', 1000.0))
    assert (faded.label, faded.time) == (UNKNOWN, 2 * STEP + MEMORY)
    assert (mood.label, mood.since, mood.utterances) == ('happy', 1000.0, 1)


def test_an_answer_that_is_on_its_way_still_prevents_the_fading(moods):
    """Which a robot would notice a little later than when it was said."""
    hear_all(moods, ['sad'] * 3)
    end = 2 * STEP + MEMORY
    assert moods.fade(end + 0.5) == []
    assert [mood.label for mood in moods.hear(answer('sad', end - 0.5))] == ['sad']


@pytest.mark.parametrize('stamps', [lambda row: 7.0, lambda row: -STEP * row], ids=['still', 'back'])
def test_where_stamps_do_not_move_on_time_passes_all_the_same(moods, stamps):
    for row in range(20):
        mood = moods.hear(answer('sad', stamps(row), arrived=STEP * row))[-1]
    assert mood.utterances == MEMORY // STEP
    assert mood.since <= mood.time == stamps(19)
    hear_all(moods, ['sad'] * 3, start=7.0)
    assert moods.fade(20 * STEP + 2 * MEMORY)[-1].label == UNKNOWN


def test_each_voice_has_a_mood_of_its_own(moods):
    for row in range(4):
        at = STEP * row
        anna = moods.hear(answer('angry', at, voice='anna', direction=1.0))[-1]
        ben = moods.hear(answer('happy', at + 1, voice='ben', direction=-1.0))[-1]
        other = moods.hear(answer('sad', at + 2))[-1]
    assert [(mood.voice, mood.label, mood.direction) for mood in (anna, ben)] == [
        ('anna', 'angry', 1.0),
        ('ben', 'happy', -1.0),
    ]
    assert (other.voice, other.label, other.utterances) == ('', 'sad', 4)
    assert {(mood.voice, mood.label) for mood in moods.forget(30.0)} == {(v, UNKNOWN) for v in ('', 'anna', 'ben')}


def test_a_voice_that_has_faded_is_forgotten_while_another_speaks(moods):
    hear_all(moods, ['angry'] * 3, voice='anna')
    *faded, mood = moods.hear(answer('happy', 2 * STEP + MEMORY, voice='ben'))
    assert [(one.voice, one.label) for one in faded] == [('anna', UNKNOWN)]
    assert (mood.voice, mood.label) == ('ben', 'happy')
    assert [one.voice for one in moods.forget(500.0)] == ['', 'ben']


def test_of_too_many_voices_the_one_that_was_silent_longest_is_forgotten(moods):
    moods.hear(answer('sad'))
    for number in range(MOST_VOICES):
        moods.hear(answer('happy', 1.0 + number, voice=str(number)))
    faded, mood = moods.hear(answer('happy', 20.0, voice='new'))
    assert (faded.voice, faded.label, faded.time) == ('0', UNKNOWN, 20.0)
    assert mood.voice == 'new'
    assert len(moods.forget(21.0)) == MOST_VOICES + 1


@pytest.mark.parametrize('labels', [('positive', 'negative'), ('neutral', 'angry'), ('calm', 'neutral', 'a', 'b')])
def test_any_model_has_moods_that_fade(labels):
    moods = Moods(labels, MoodConfig(), since=0.0)
    probabilities = np.array([0.1 / (len(labels) - 1)] * (len(labels) - 1) + [0.9])
    for row in range(4):
        mood = moods.hear(Answer(probabilities, 2.0, STEP * row, STEP * row))[-1]
    assert mood.label == labels[-1]
    assert moods.fade(1000.0)[-1].label == UNKNOWN


def test_a_change_of_memory_holds_at_once(moods):
    hear_all(moods, ['sad'] * 3)
    moods.config = MoodConfig(memory=10.0)
    assert [mood.label for mood in moods.fade(30.0)] == [UNKNOWN]


DISTRIBUTIONS = st.lists(st.floats(0.0, 1.0), min_size=len(LABELS), max_size=len(LABELS)).filter(
    lambda weights: sum(weights) > 0.01
)


@st.composite
def conversations(draw) -> list[Answer]:
    """Draw answers of a few voices, in order."""
    answers, at = [], draw(st.floats(0.0, 1e9))
    for _ in range(draw(st.integers(1, 12))):
        weights = np.array(draw(DISTRIBUTIONS))
        duration = draw(st.floats(0.1, 10.0))
        at += duration + draw(st.floats(0.01, 100.0))
        answers.append(Answer(weights / weights.sum(), duration, at, at, draw(st.sampled_from(['', 'anna', 'ben']))))
    return answers


CONFIGS = st.builds(MoodConfig, memory=st.floats(5.0, 600.0), hysteresis=st.floats(0.0, 1.0))


def told(moods: list[Mood]) -> list[tuple]:
    """Return all that is said, in a form that can be compared."""
    return [
        (mood.voice, mood.label, mood.time, mood.since, mood.utterances, mood.probabilities.tolist()) for mood in moods
    ]


@settings(max_examples=150, deadline=None)
@given(conversations(), CONFIGS)
def test_whatever_is_said_a_mood_is_one(conversation, config):
    moods = Moods(LABELS, config, since=0.0)
    for said in conversation:
        for mood in moods.hear(said):
            assert mood.probabilities.sum() == pytest.approx(1.0)
            assert (mood.probabilities >= 0.0).all()
            assert mood.since <= mood.time
            assert mood.utterances <= len(conversation)
            if mood.label == UNKNOWN:
                assert mood.confidence == 0.0
            else:
                assert mood.confidence == mood.probabilities[LABELS.index(mood.label)]
                assert mood.utterances > 0
                is_weak = strength(mood.probabilities).max() < NAMED_FROM
                assert is_weak or mood.probabilities.max() <= mood.confidence + config.hysteresis + 1e-9
    last = conversation[-1].arrived
    faded = moods.fade(last + config.memory + 3.0)
    assert all(mood.label == UNKNOWN and mood.utterances == 0 for mood in faded)
    assert not moods.can_fade


@settings(max_examples=150, deadline=None)
@given(conversations(), CONFIGS, st.lists(st.floats(0.0, 1.0), min_size=12, max_size=12))
def test_a_file_that_is_read_at_once_gives_the_same_moods_as_one_in_real_time(conversation, config, looks):
    live, at_once = Moods(LABELS, config, since=0.0), Moods(LABELS, config, since=0.0)
    heard_live, heard_at_once = [], []
    for number, said in enumerate(conversation):
        if number:
            before = conversation[number - 1].arrived
            heard_live += live.fade(before + looks[number % len(looks)] * (said.arrived - before))
        heard_live += live.hear(said)
        heard_at_once += at_once.hear(dataclasses.replace(said, arrived=0.001 * number))
    assert told(heard_live) == told(heard_at_once)


@settings(max_examples=150, deadline=None)
@given(conversations(), CONFIGS)
def test_nobody_changes_the_mood_of_another(conversation, config):
    together, alone = Moods(LABELS, config, since=0.0), Moods(LABELS, config, since=0.0)
    heard = [mood for said in conversation for mood in together.hear(said) if mood.voice == 'anna']
    own = [mood for said in conversation if said.voice == 'anna' for mood in alone.hear(said)]
    # Who was silent to the end fades only while others speak.
    assert told(heard)[: len(own)] == told(own)
    assert all(mood.label == UNKNOWN for mood in heard[len(own) :])


@settings(max_examples=100, deadline=None)
@given(conversations(), CONFIGS, st.permutations(range(len(LABELS))))
def test_the_order_of_the_labels_does_not_matter(conversation, config, order):
    plain = Moods(LABELS, config, since=0.0)
    shuffled = Moods([LABELS[index] for index in order], config, since=0.0)
    for said in conversation:
        one = plain.hear(said)[-1]
        other = shuffled.hear(dataclasses.replace(said, probabilities=said.probabilities[list(order)]))[-1]
        assert other.probabilities == pytest.approx(one.probabilities[list(order)])
