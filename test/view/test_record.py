# SPDX-License-Identifier: Apache-2.0
"""What is kept of what came, and what of it is shown; the parameter file; the names; without ROS and without a page."""

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ser_ros.colours import colours
from ser_ros.emotions import LABELS
from ser_ros.view.charts import hearing_data, mood_data
from ser_ros.view.followed import Followed
from ser_ros.view.record import CURVE_SECONDS, MOOD_SECONDS, Answer, Light, Mood, Reading, Record, shown_mood
from ser_ros.view.settings import Setting, as_yaml


def reading(time, level=-30.0):
    return Reading(time, level, -60.0, 0.5, 'quiet', '')


def answer(utterance, *, is_final=True, latency=0.1):
    return Answer(utterance, is_final, 0.0, 1.0, latency, 'sad', 0.6, ('sad', 'happy'), (0.6, 0.4))


def mood(came, word='sad', *, utterances=1, voice='', labels=('sad', 'happy')):
    return Mood(came, word, came, 0.6, utterances, labels, (0.6, 0.4), voice)


@given(st.lists(st.floats(0.0, 10_000.0, width=32), max_size=800))
def test_however_stamps_jump_the_curve_runs_forward_and_is_not_longer_than_its_window(stamps):
    record = Record()
    for stamp in stamps:
        record.add_reading(reading(stamp))
    times = [shown.time for shown in record.snapshot(0.0).readings]
    assert times == sorted(times)
    assert not times or times[-1] == stamps[-1]
    assert not times or times[-1] - times[0] <= CURVE_SECONDS


def test_a_curve_of_hours_is_bounded():
    record = Record()
    for at in range(100_000):
        record.add_reading(reading(at / 10))
    shown = record.snapshot(0.0).readings
    assert len(shown) == 10 * CURVE_SECONDS + 1
    (level, *_) = hearing_data(shown)['series']
    assert level['data'][-1] == (0.0, -30.0) and level['data'][0] == (-CURVE_SECONDS, -30.0)


def test_a_final_answer_takes_the_place_of_its_interim_ones_and_of_no_other():
    record = Record()
    for number, is_final in ((1, False), (1, False), (1, True), (2, False), (3, True), (3, True)):
        record.add_answer(answer(number, is_final=is_final))
    kept = [(shown.utterance, shown.is_final) for shown in record.snapshot(0.0).answers]
    assert kept == [(1, True), (2, False), (3, True), (3, True)]
    assert len(record.snapshot(0.0).latencies) == 3


def test_a_node_that_says_nothing_for_three_seconds_is_gone_and_comes_back():
    record = Record()
    assert not record.snapshot(1000.0).is_there
    record.set_lights({'gate': Light(0, 'open')}, {}, 1000.0)
    assert record.snapshot(1002.9).is_there
    assert not record.snapshot(1003.1).is_there
    assert record.snapshot(1003.1).lights == {'gate': Light(0, 'open')}
    record.set_lights({}, {}, 1010.0)
    assert record.snapshot(1010.5).is_there


def test_the_moods_shown_are_those_of_one_voice_with_the_one_in_which_the_window_begins():
    record = Record()
    for came, voice in ((0.0, 'a'), (10.0, 'a'), (20.0, 'b'), (400.0, 'a')):
        record.add_mood(mood(came, voice=voice))
    assert [shown.came for shown in record.snapshot(500.0).moods] == [10.0, 400.0]


def test_the_chart_of_the_mood_holds_each_until_the_next_and_the_last_until_now():
    now = 600.0
    series = mood_data((mood(0.0), mood(540.0, utterances=0), mood(570.0)), now)['series']
    assert [line['name'] for line in series] == ['sad', 'happy']
    assert series[0]['data'] == [(-MOOD_SECONDS / 60, 0.6), (-1.0, 0.0), (-0.5, 0.6), (0.0, 0.6)]
    assert mood_data((), now) == {'series': []}


def test_moods_of_a_model_with_other_labels_are_not_mixed():
    series = mood_data((mood(0.0, labels=('bored', 'glad')), mood(1.0)), 2.0)['series']
    assert [len(line['data']) for line in series] == [2, 2]


def test_a_mood_is_told_in_words():
    assert shown_mood(()) == shown_mood((mood(0.0, 'unknown'),)) == 'unknown'
    assert shown_mood((mood(0.0),)) == 'sad 60%'


def test_each_emotion_has_a_colour_of_its_own_and_other_labels_have_one_too():
    assert len(set(colours(LABELS))) == len(LABELS)
    assert colours(['happy', 'sad']) == [colours(LABELS)[LABELS.index(label)] for label in ('happy', 'sad')]
    assert len(set(colours(['bored', 'glad', 'unknown']))) == 3
    assert len(colours([str(number) for number in range(30)])) == 30


@pytest.mark.parametrize(
    ('minimum', 'maximum', 'value', 'step'),
    [
        (0.05, 0.95, 0.5, 0.01),
        (0.0, 40.0, 4.0, 0.1),
        (0.0, 3600.0, 30.0, 10.0),
        (4, 100_000, 200, 1000.0),
        (0, 3, 1, 1.0),
    ],
)
def test_a_slider_has_some_hundred_steps_and_whole_numbers_stay_whole(minimum, maximum, value, step):
    setting = Setting('a', '', minimum, maximum, value)
    assert setting.step == pytest.approx(step)
    assert type(setting.typed(float(maximum))) is type(value)


@given(value=st.floats(allow_nan=False), minimum=st.floats(-1e6, 1e6), width=st.floats(0.0, 1e6))
def test_what_a_page_gives_ends_within_the_range(value, minimum, width):
    setting = Setting('a', '', minimum, minimum + width, 0.5)
    assert math.isclose(setting.typed(value), min(max(value, minimum), minimum + width), abs_tol=1e-6)
    assert setting.step > 0.0


def test_the_file_is_one_that_ros_takes():
    settings = [
        Setting('vad.threshold', '', 0.0, 1.0, 1.0),
        Setting('vad.a', '', 0, 9, 3),
        Setting('on', '', None, None, True),
    ]
    text = as_yaml('/robot/ser', settings)
    assert '/robot/ser' in text.splitlines()[0]
    assert yaml.safe_load(text) == {'/**': {'ros__parameters': {'vad': {'threshold': 1.0, 'a': 3}, 'on': True}}}
    assert 'threshold: 1.0' in text, 'ROS refuses a whole number for a parameter that has a decimal point'


@pytest.mark.parametrize(('given_name', 'name', 'namespace'), [('ser', '/ser', '/'), ('/a/b/ser', '/a/b/ser', '/a/b/')])
def test_a_node_is_followed_by_its_name(given_name, name, namespace):
    followed = Followed.named(given_name)
    assert (followed.name, followed.namespace) == (name, namespace)
    assert followed.diagnostics[0] == f'{namespace}diagnostics'
    assert followed.status_prefix == f'{name[1:]}: ser_ros: '


@pytest.mark.parametrize('name', ['', '/', 'a b', 'ser/', '//ser', '1ser', 'sér', 'a/-b', '~ser', 'ser\n'])
def test_what_is_no_name_of_a_node_is_refused(refuses, name):
    with refuses('is not the name of a node', 'robot/ser'):
        Followed.named(name)
