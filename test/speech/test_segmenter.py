# SPDX-License-Identifier: Apache-2.0
"""The segmenter on scripted probabilities: every transition, and where utterances begin and end."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_ros.audio.block import AudioBlock
from ser_ros.speech.segmenter import SegmentationConfig, Segmenter, SpeechState

QUIET, STARTING, SPEAKING, STOPPING = SpeechState
CHUNK = 512
SECONDS = 0.032
LAG = 1
"""Chunks from the speech's first to the one at which the detector notices it."""

DEFAULT = SegmentationConfig(pre_roll=0.32, post_roll=0.0)
MIN_SPEECH, END_SILENCE, PRE_ROLL, MAX_UTTERANCE = 8, 16, 10, 313
"""These settings (0.25, 0.5, 0.32 and 10 s) in chunks, rounded up."""

FIRST = 2**22
"""Number of the first sample: so high that the stream is equally loud everywhere, and endpoints stay between chunks."""

SIGNS = np.tile(np.array([1, -1], dtype=np.float32), CHUNK // 2)
"""Every second sample is negative, so that the stream has no offset."""

NO, YES = 0.0, 1.0


def numbered_chunk(index):
    """Return chunk `index` of a stream whose samples count up, so that each can be told from all others."""
    samples = SIGNS * np.arange(FIRST + index * CHUNK, FIRST + (index + 1) * CHUNK, dtype=np.float32)
    return AudioBlock(samples, start_time=1000 + index * SECONDS, arrival=7 + index * SECONDS)


def play(probabilities, config=DEFAULT, *, flush=False):
    """Return the utterances and the state after each chunk."""
    segmenter = Segmenter(config)
    utterances, states = [], []
    for index, probability in enumerate(probabilities):
        utterances += segmenter.push(numbered_chunk(index), probability)
        states.append(segmenter.state)
    return utterances + (segmenter.flush() if flush else []), states


def numbers(samples):
    """Return the places of `samples` in the stream, from 0."""
    return np.abs(samples) - FIRST


def first_chunk(utterance):
    return numbers(utterance.samples)[0] / CHUNK


def last_chunk(utterance):
    return (numbers(utterance.samples)[-1] + 1) / CHUNK - 1


def onset_chunk(utterance):
    return (utterance.start_time - 1000) / SECONDS


def config(**changes):
    return dataclasses.replace(DEFAULT, **changes)


@pytest.mark.parametrize(
    ('probabilities', 'expected'),
    [
        ([NO], QUIET),
        ([0.49], QUIET),
        ([0.5], STARTING),
        ([YES] * (MIN_SPEECH - 1), STARTING),
        ([YES] * MIN_SPEECH, SPEAKING),
        ([YES] + [NO] * 4, STARTING),
        ([YES] + [NO] * 5, QUIET),
        ([YES] * MIN_SPEECH + [NO], STOPPING),
        ([YES] * MIN_SPEECH + [NO] * (END_SILENCE - 1), STOPPING),
        ([YES] * MIN_SPEECH + [NO] * END_SILENCE, QUIET),
        ([YES] * MIN_SPEECH + [NO] * (END_SILENCE - 1) + [YES], SPEAKING),
        ([YES] * MIN_SPEECH + [NO] * END_SILENCE + [YES], STARTING),
    ],
)
def test_transition(probabilities, expected):
    assert play(probabilities)[1][-1] is expected


def test_a_whole_utterance_goes_through_the_four_states_in_order():
    _, states = play([NO] * 3 + [YES] * 20 + [NO] * 20)
    assert states == [QUIET] * 3 + [STARTING] * 7 + [SPEAKING] * 13 + [STOPPING] * 15 + [QUIET] * 5


@pytest.mark.parametrize('probability', [0.36, 0.49])
def test_a_voice_that_has_begun_goes_on_down_to_015_below_the_threshold(probability):
    assert play([YES] * MIN_SPEECH + [probability])[1][-1] is SPEAKING
    assert play([YES] + [probability] * (MIN_SPEECH - 1))[1][-1] is SPEAKING


def test_a_voice_stops_more_than_015_below_the_threshold():
    assert play([YES] * MIN_SPEECH + [0.34])[1][-1] is STOPPING
    assert play([YES] * MIN_SPEECH + [0.64], config(threshold=0.8))[1][-1] is STOPPING


def test_a_voice_that_is_stopping_needs_the_threshold_to_come_back():
    assert play([YES] * MIN_SPEECH + [NO, 0.45])[1][-1] is STOPPING
    assert play([YES] * MIN_SPEECH + [NO, 0.5])[1][-1] is SPEAKING


def test_a_low_threshold_still_lets_silence_end_the_utterance():
    utterances, _ = play([YES] * 10 + [NO] * END_SILENCE, config(threshold=0.05))
    assert len(utterances) == 1


def test_start_is_stamped_where_the_detector_began_to_hear_it_and_duration_ends_with_the_speech():
    ((utterance,), _) = play([NO] * 50 + [YES] * 20 + [NO] * END_SILENCE)
    assert onset_chunk(utterance) == pytest.approx(50 - LAG)
    assert utterance.duration == pytest.approx((20 + LAG) * SECONDS)
    assert utterance.end_arrival == pytest.approx(7 + 69 * SECONDS)
    assert (utterance.number, utterance.is_final) == (1, True)


def test_samples_are_exactly_the_pre_roll_and_the_speech():
    ((utterance,), _) = play([NO] * 50 + [YES] * 20 + [NO] * END_SILENCE)
    expected = np.arange((50 - LAG - PRE_ROLL) * CHUNK, 70 * CHUNK, dtype=np.float32)
    np.testing.assert_array_equal(numbers(utterance.samples), expected)
    assert utterance.samples.dtype == np.float32


@pytest.mark.parametrize(('pre_roll', 'chunks'), [(0.0, 0), (0.032, 1), (0.096, 3), (0.96, 30)])
def test_pre_roll_has_the_asked_length(pre_roll, chunks):
    ((utterance,), _) = play([NO] * 50 + [YES] * 20 + [NO] * END_SILENCE, config(pre_roll=pre_roll))
    assert first_chunk(utterance) == 50 - LAG - chunks
    assert onset_chunk(utterance) == pytest.approx(50 - LAG)


def test_post_roll_follows_the_speech_that_ended_and_not_what_goes_on():
    cut, ended = play([YES] * 40 + [NO] * END_SILENCE, config(post_roll=0.128, max_utterance=1.0))[0]
    assert last_chunk(cut) == 31
    assert last_chunk(ended) == 39 + 4
    assert ended.duration == pytest.approx(8 * SECONDS)


@pytest.mark.parametrize('silence', [0, 1, LAG, 5, LAG + PRE_ROLL, LAG + PRE_ROLL + 1, 20])
def test_at_the_start_of_the_stream_the_pre_roll_is_what_there_is(silence):
    ((utterance,), _) = play([NO] * silence + [YES] * 20 + [NO] * END_SILENCE)
    assert onset_chunk(utterance) == pytest.approx(max(silence - LAG, 0))
    assert first_chunk(utterance) == max(silence - LAG - PRE_ROLL, 0)


def test_a_blip_shorter_than_min_speech_gives_nothing():
    utterances, states = play([NO] * 20 + [YES] * (MIN_SPEECH - 1) + [NO] * 60, flush=True)
    assert utterances == []
    assert SPEAKING not in states


def test_blips_far_apart_do_not_add_up():
    assert play(([YES] * 3 + [NO] * 5) * 20, flush=True)[0] == []


@pytest.mark.parametrize('dip', [1, 4])
def test_a_dip_while_starting_is_tolerated_and_the_onset_stays(dip):
    ((utterance,), _) = play([NO] * 20 + [YES] * 4 + [NO] * dip + [YES] * 4 + [NO] * END_SILENCE)
    assert onset_chunk(utterance) == pytest.approx(20 - LAG)
    assert last_chunk(utterance) == 20 + 8 + dip - 1


def test_a_blip_before_the_speech_is_part_of_its_pre_roll():
    ((utterance,), _) = play([NO] * 20 + [YES] * 2 + [NO] * 5 + [YES] * 20 + [NO] * END_SILENCE)
    assert onset_chunk(utterance) == pytest.approx(27 - LAG)
    assert first_chunk(utterance) == 27 - LAG - PRE_ROLL


def test_a_pause_shorter_than_end_silence_does_not_split():
    ((utterance,), _) = play([YES] * 20 + [NO] * (END_SILENCE - 1) + [YES] * 20 + [NO] * END_SILENCE)
    assert (first_chunk(utterance), last_chunk(utterance)) == (0, 20 + 15 + 20 - 1)


def test_end_silence_splits():
    first, second = play([YES] * 20 + [NO] * END_SILENCE + [YES] * 20 + [NO] * END_SILENCE)[0]
    assert (first.number, second.number) == (1, 2)
    assert last_chunk(first) == 19
    assert onset_chunk(second) == pytest.approx(36 - LAG)


@pytest.mark.parametrize(('end_silence', 'chunks'), [(0.1, 4), (0.5, 16), (1.0, 32)])
def test_end_silence_has_the_asked_length(end_silence, chunks):
    speech = [YES] * 20
    assert play(speech + [NO] * (chunks - 1), config(end_silence=end_silence))[0] == []
    assert len(play(speech + [NO] * chunks, config(end_silence=end_silence))[0]) == 1


@pytest.mark.parametrize('end_silence', [0.1, 0.5, 1.0])
def test_the_latency_is_what_passes_from_the_end_of_the_speech_to_its_utterance(end_silence):
    settings = config(end_silence=end_silence)
    _, states = play([YES] * 20 + [NO] * 100, settings)
    waited = (states.index(QUIET, 20) - 19) * SECONDS
    assert waited - SECONDS < settings.latency <= waited


def test_max_utterance_cuts_and_the_next_begins_with_the_very_next_sample():
    first, second, third = play([NO] * 20 + [YES] * (2 * MAX_UTTERANCE + 20) + [NO] * END_SILENCE)[0]
    assert [utterance.number for utterance in (first, second, third)] == [1, 2, 3]
    assert first.duration == second.duration == pytest.approx(MAX_UTTERANCE * SECONDS)
    assert second.start_time == pytest.approx(first.start_time + first.duration)
    assert third.start_time == pytest.approx(second.start_time + second.duration)
    together = np.concatenate([first.samples, second.samples, third.samples])
    expected = np.arange((20 - LAG - PRE_ROLL) * CHUNK, (20 + 2 * MAX_UTTERANCE + 20) * CHUNK, dtype=np.float32)
    np.testing.assert_array_equal(numbers(together), expected)


def test_after_a_cut_a_voice_below_the_threshold_still_goes_on():
    first, second = play([YES] * MAX_UTTERANCE + [0.4] * 20 + [NO] * END_SILENCE)[0]
    assert second.start_time == pytest.approx(first.start_time + first.duration)
    assert second.duration == pytest.approx(20 * SECONDS)


@pytest.mark.parametrize('dip', [1, 3, 10])
def test_a_cut_that_falls_into_a_dip_loses_nothing_and_gives_nothing_twice(dip):
    lead = MAX_UTTERANCE - 1
    first, second = play([YES] * lead + [NO] * dip + [YES] * 40 + [NO] * END_SILENCE)[0]
    assert last_chunk(first) == lead - 1
    assert second.start_time >= first.start_time + first.duration - 1e-6
    together = np.concatenate([first.samples, second.samples])
    np.testing.assert_array_equal(numbers(together), np.arange((lead + dip + 40) * CHUNK, dtype=np.float32))


def test_the_pre_roll_does_not_reach_into_the_utterance_before():
    pause = 5
    speech = [YES] * 20 + [NO] * pause
    first, second = play(speech + speech, config(end_silence=0.1, pre_roll=1.0))[0]
    assert last_chunk(first) == 19
    assert (first_chunk(second), onset_chunk(second)) == (20, pytest.approx(20 + pause - LAG))


def test_a_few_chunks_after_a_cut_are_no_utterance_of_their_own():
    utterances, _ = play([YES] * (MAX_UTTERANCE + MIN_SPEECH - 1) + [NO] * 40, flush=True)
    assert len(utterances) == 1


@pytest.mark.parametrize('silence', [0, 5])
def test_flush_ends_what_is_under_way(silence):
    ((utterance,), _) = play([NO] * 20 + [YES] * 20 + [NO] * silence, flush=True)
    assert utterance.is_final
    assert last_chunk(utterance) == 39


@pytest.mark.parametrize('probabilities', [[], [NO] * 30, [YES] * (MIN_SPEECH - 1)])
def test_flush_gives_nothing_where_nobody_has_spoken(probabilities):
    assert play(probabilities, flush=True)[0] == []


def test_flush_forgets_what_was_heard():
    segmenter = Segmenter(DEFAULT)
    for index in range(20):
        segmenter.push(numbered_chunk(index), YES)
    assert len(segmenter.flush()) == 1
    assert segmenter.state is QUIET
    for index in range(100, 120):
        segmenter.push(numbered_chunk(index), YES)
    (utterance,) = segmenter.flush()
    assert (utterance.number, first_chunk(utterance)) == (2, 100)


def test_interim_utterances_grow_and_share_the_number_of_the_final_one():
    utterances, _ = play([NO] * 20 + [YES] * 60 + [NO] * END_SILENCE, config(interim_period=0.5))
    *interim, final = utterances
    assert [utterance.is_final for utterance in utterances] == [False] * 3 + [True]
    assert {utterance.number for utterance in utterances} == {1}
    assert {utterance.start_time for utterance in utterances} == {final.start_time}
    assert [utterance.duration for utterance in interim] == pytest.approx([0.512, 1.024, 1.536])
    for utterance in interim:
        np.testing.assert_array_equal(utterance.samples, final.samples[: len(utterance.samples)])


def test_interim_utterances_begin_anew_after_a_cut():
    utterances, _ = play([YES] * 70, config(interim_period=0.5, max_utterance=1.0))
    kinds = [(utterance.number, utterance.is_final) for utterance in utterances]
    assert kinds == [(1, False), (1, True), (2, False), (2, True)]


def test_without_an_interim_period_there_are_none():
    assert all(utterance.is_final for utterance in play([YES] * 600 + [NO] * END_SILENCE)[0])


def test_no_interim_utterance_while_silence_lasts():
    utterances, _ = play([YES] * 15 + [NO] * 15, config(interim_period=0.5))
    assert utterances == []


def test_configure_takes_effect_in_the_middle_of_an_utterance():
    segmenter = Segmenter(DEFAULT)
    probabilities = [YES] * 20 + [NO] * 6
    for index, probability in enumerate(probabilities):
        assert segmenter.push(numbered_chunk(index), probability) == []
    segmenter.configure(config(end_silence=0.1))
    (utterance,) = segmenter.push(numbered_chunk(26), NO)
    assert last_chunk(utterance) == 19
    assert segmenter.state is QUIET


def test_a_higher_threshold_holds_from_the_next_chunk_on():
    segmenter = Segmenter(DEFAULT)
    segmenter.configure(config(threshold=0.9))
    segmenter.push(numbered_chunk(0), 0.8)
    assert segmenter.state is QUIET
    segmenter.configure(DEFAULT)
    segmenter.push(numbered_chunk(1), 0.8)
    assert segmenter.state is STARTING


def test_utterances_are_counted_when_they_begin():
    segmenter = Segmenter(DEFAULT)
    for index in range(MIN_SPEECH):
        assert segmenter.utterances == 0
        segmenter.push(numbered_chunk(index), YES)
    assert segmenter.utterances == 1


def test_memory_does_not_grow_while_nobody_speaks():
    segmenter = Segmenter(DEFAULT)
    for index in range(2000):
        segmenter.push(numbered_chunk(index), NO)
    for index in range(2000, 2000 + MIN_SPEECH):
        segmenter.push(numbered_chunk(index), YES)
    (utterance,) = segmenter.flush()
    assert len(utterance.samples) == (PRE_ROLL + LAG + MIN_SPEECH) * CHUNK


def test_the_onset_is_where_the_speech_begins_in_the_samples():
    ((utterance,), _) = play([NO] * 20 + [YES] * 20 + [NO] * END_SILENCE)
    assert utterance.onset == PRE_ROLL * CHUNK
    assert len(utterance.speech) == round(utterance.duration * 16_000)
    assert numbers(utterance.speech)[0] == numbers(utterance.samples)[0] + PRE_ROLL * CHUNK
    assert utterance.speech[-1] == utterance.samples[-1]


def test_the_onset_is_less_where_less_was_heard_before():
    ((utterance,), _) = play([NO] * 3 + [YES] * 20, flush=True)
    assert utterance.onset == (3 - LAG) * CHUNK


def test_the_post_roll_is_no_speech():
    ((utterance,), _) = play([NO] * 20 + [YES] * 20 + [NO] * END_SILENCE, config(post_roll=0.1))
    assert len(utterance.samples) - utterance.onset - len(utterance.speech) == 1600


def test_the_speech_probability_is_the_mean_over_the_speech():
    ((utterance,), _) = play([NO] * 20 + [0.6] * 10 + [1.0] * 10 + [NO] * END_SILENCE)
    assert utterance.speech_probability == pytest.approx((10 * 0.6 + 10 * 1.0) / (LAG + 20))


def test_each_part_of_a_cut_utterance_has_its_own_speech_probability():
    probabilities = [0.9] * MAX_UTTERANCE + [0.6] * MAX_UTTERANCE + [0.7] * 20
    first, second, third = play(probabilities, flush=True)[0]
    heard = [utterance.speech_probability for utterance in (first, second, third)]
    assert heard == pytest.approx([0.9, 0.6, 0.7])
    assert [utterance.onset for utterance in (first, second, third)] == [0, 0, 0]


def count_too_short(probabilities, config=DEFAULT, *, flush=False):
    segmenter = Segmenter(config)
    for index, probability in enumerate(probabilities):
        segmenter.push(numbered_chunk(index), probability)
    if flush:
        segmenter.flush()
    return segmenter.too_short


@pytest.mark.parametrize(
    ('probabilities', 'flush', 'expected'),
    [
        ([NO] * 50, True, 0),
        ([YES] * (MIN_SPEECH - 1) + [NO] * 4, False, 0),
        ([YES] * (MIN_SPEECH - 1) + [NO] * 5, False, 1),
        ([YES] * (MIN_SPEECH - 1), True, 1),
        (([YES] + [NO] * 20) * 3, True, 3),
        ([YES] * MIN_SPEECH + [NO] * END_SILENCE, True, 0),
        ([YES] * MIN_SPEECH, True, 0),
    ],
)
def test_a_voice_that_ends_before_min_speech_is_counted_once(probabilities, flush, expected):
    assert count_too_short(probabilities, flush=flush) == expected


@pytest.mark.parametrize(('tail', 'flush'), [(1, True), (MIN_SPEECH - 1, True), (1, False), (MIN_SPEECH - 1, False)])
def test_the_rest_of_a_cut_utterance_is_counted_where_it_is_too_short(tail, flush):
    silence = [] if flush else [NO] * 40
    assert count_too_short([YES] * (MAX_UTTERANCE + tail) + silence, flush=flush) == 1


@pytest.mark.parametrize('flush', [True, False])
def test_an_utterance_that_ends_where_it_is_cut_has_no_rest(flush):
    silence = [] if flush else [NO] * 40
    assert count_too_short([YES] * MAX_UTTERANCE + silence, flush=flush) == 0


RUNS = st.lists(st.tuples(st.sampled_from([0.0, 0.3, 0.4, 0.5, 0.6, 1.0]), st.integers(1, 60)), max_size=25)
CONFIGS = st.builds(
    SegmentationConfig,
    threshold=st.sampled_from([0.05, 0.5, 0.95]),
    min_speech=st.sampled_from([0.05, 0.1, 0.25]),
    end_silence=st.floats(0.1, 1.0),
    pre_roll=st.floats(0.0, 2.0),
    post_roll=st.just(0.0),
    max_utterance=st.floats(1.5, 4.0),
    interim_period=st.sampled_from([0.0, 0.3, 1.0]),
)


@settings(max_examples=500, deadline=None, derandomize=True, database=None)
@given(runs=RUNS, config=CONFIGS)
def test_for_any_probabilities_utterances_are_ordered_apart_numbered_and_bounded(runs, config):
    probabilities = [probability for probability, length in runs for _ in range(length)]
    utterances, _ = play(probabilities, config, flush=True)
    finals = [utterance for utterance in utterances if utterance.is_final]
    assert [utterance.number for utterance in finals] == list(range(1, len(finals) + 1))
    assert [utterance.number for utterance in utterances] == sorted(utterance.number for utterance in utterances)
    for utterance in utterances:
        assert (np.diff(numbers(utterance.samples)) == 1).all()
        assert config.min_speech <= utterance.duration <= config.max_utterance + SECONDS
        assert len(utterance.samples) >= round(utterance.duration / SECONDS) * CHUNK
    for utterance, following in itertools.pairwise(finals):
        assert following.start_time >= utterance.start_time + utterance.duration - 1e-6
        assert numbers(following.samples)[0] > numbers(utterance.samples)[-1]
