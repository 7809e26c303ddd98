# SPDX-License-Identifier: Apache-2.0
"""The noise floor, and what is too quiet for it or no voice, on made sound with a scripted detector."""

import dataclasses
import time

import numpy as np
import pytest

from ser_ros.audio.block import SAMPLE_RATE, AudioBlock
from ser_ros.speech.noise_floor import NoiseFloor
from ser_ros.speech.rejection import Judge, Rejection, RejectionConfig
from ser_ros.speech.segmenter import SegmentationConfig, Segmenter, SpeechState
from ser_ros.speech.vad import CHUNK_SAMPLES

NO, YES = 0.0, 1.0


def at(level, sound):
    """Return `sound` with a root mean square of `level` dBFS."""
    return (sound / np.sqrt(np.mean(np.square(sound))) * 10 ** (level / 20)).astype(np.float32)


def hiss(level, duration):
    return at(level, np.random.default_rng(3).standard_normal(round(duration * SAMPLE_RATE)))


def silence(duration):
    return np.zeros(round(duration * SAMPLE_RATE), dtype=np.float32)


def seconds(duration):
    return np.arange(round(duration * SAMPLE_RATE)) / SAMPLE_RATE


def tone(level, duration, pitch=440):
    return at(level, np.sin(2 * np.pi * pitch * seconds(duration)))


def chord(level, duration):
    return at(level, sum(np.sin(2 * np.pi * pitch * seconds(duration)) for pitch in (262, 330, 392, 523)))


def voice(level, duration, *, pitch=120, soft=1.0):
    """Return harmonics of a falling pitch whose two formants and loudness go through four syllables a second."""
    time = seconds(duration)
    glide = pitch * (1.2 - 0.4 * time / duration)
    phase = 2 * np.pi * np.cumsum(glide) / SAMPLE_RATE
    syllable = np.sin(2 * np.pi * 2 * time) ** 2
    sound = np.zeros_like(time)
    for number in range(1, 30):
        frequency = number * glide
        first, second = 300 + 500 * syllable, 2200 - 1200 * np.cos(2 * np.pi * 1.5 * time) ** 2
        gain = np.exp(-(((frequency - first) / 150) ** 2)) + 0.5 * np.exp(-(((frequency - second) / 250) ** 2))
        sound += gain * np.sin(number * phase)
    return at(level, sound * (0.05 + soft * syllable))


def listen(*parts, config=None, floor=None, judge=None, verified=YES, **segmentation):
    """Hear (sound, speech probability) after one another; return floor, judge and (utterance, judgement) for each.

    `verified`: how probable the verifier finds it that a person spoke.
    """
    floor = floor or NoiseFloor()
    judge = judge or Judge(config, lambda utterance: verified)
    segmenter = Segmenter(SegmentationConfig(**segmentation))
    heard = []

    def note(utterances):
        heard.extend((utterance, judge.judge(utterance, floor.level)) for utterance in utterances)

    for sound, probability in parts:
        for start in range(0, len(sound) - CHUNK_SAMPLES + 1, CHUNK_SAMPLES):
            chunk = sound[start : start + CHUNK_SAMPLES]
            utterances = segmenter.push(AudioBlock(chunk, 0.0, 0.0), probability)
            floor.hear(chunk, probability, segmenter.state)
            note(utterances)
    note(segmenter.flush())
    return floor, judge, heard


def judgements(*parts, **options):
    return [judgement for _, judgement in listen(*parts, **options)[2]]


@pytest.mark.parametrize('level', [-70.0, -50.0, -20.0])
def test_the_floor_is_the_level_of_the_background(level):
    floor, *_ = listen((hiss(level, 3.0), NO))
    assert floor.level == pytest.approx(level, abs=0.5)


def test_digital_silence_is_as_loud_as_one_step_of_a_16_bit_sample():
    floor, *_ = listen((silence(3.0), NO))
    assert floor.level == -90.0


def test_an_offset_is_not_loud():
    floor, *_ = listen((hiss(-60, 3.0) + np.float32(0.3), NO))
    assert floor.level == pytest.approx(-60, abs=0.5)


def test_the_floor_follows_a_fan_that_starts_and_one_that_stops():
    floor, *_ = listen((hiss(-60, 5.0), NO), (hiss(-30, 1.5), NO))
    assert floor.level < -55
    listen((hiss(-30, 1.5), NO), floor=floor)
    assert floor.level == pytest.approx(-30, abs=0.5)
    listen((hiss(-60, 1.0), NO), floor=floor)
    assert floor.level == pytest.approx(-60, abs=0.5)


def test_knocks_do_not_raise_the_floor():
    sound = hiss(-60, 6.0)
    for start in range(0, len(sound), SAMPLE_RATE // 2):
        sound[start : start + 1000] += hiss(-15, 1000 / SAMPLE_RATE)
    assert listen((sound, NO))[0].level == pytest.approx(-60, abs=0.7)


def test_speech_does_not_raise_the_floor():
    floor, _, heard = listen((hiss(-60, 3.0), NO), (voice(-20, 9.0), YES), (hiss(-60, 0.7), NO))
    assert floor.level == pytest.approx(-60, abs=0.5)
    assert [judgement for _, judgement in heard] == [None]


def test_a_voice_that_is_too_soft_for_the_detector_does_not_raise_the_floor():
    floor, *_ = listen((hiss(-70, 3.0), NO), (voice(-50, 6.0), 0.3))
    assert floor.level == pytest.approx(-70, abs=0.5)


def test_the_floor_falls_even_where_the_detector_half_hears_a_voice():
    floor, *_ = listen((hiss(-30, 3.0), NO), (hiss(-60, 3.0), 0.3))
    assert floor.level == pytest.approx(-60, abs=0.5)


def test_the_background_is_forgotten_at_a_reset():
    floor, *_ = listen((hiss(-30, 3.0), NO))
    floor.reset()
    assert floor.level == -90.0


def test_nothing_is_too_quiet_before_the_background_was_heard():
    assert judgements((voice(-75, 1.0), YES)) == [None]


@pytest.mark.parametrize(('level', 'expected'), [(-42, None), (-60, Rejection.TOO_QUIET)])
def test_speech_must_be_louder_than_the_background(level, expected):
    background = hiss(-50, 4.0)
    speech = voice(level, 1.5) + hiss(-50, 1.5)
    assert judgements((background, NO), (speech, YES), (background, NO)) == [expected]


def test_a_fan_that_runs_is_too_quiet_whatever_the_detector_says():
    assert judgements((hiss(-40, 3.0), NO), (hiss(-40, 1.0), YES)) == [Rejection.TOO_QUIET]


def test_the_margin_is_the_users():
    parts = (hiss(-50, 3.0), NO), (voice(-40, 1.5), YES)
    assert judgements(*parts, config=RejectionConfig(noise_margin=6.0)) == [None]
    assert judgements(*parts, config=RejectionConfig(noise_margin=30.0)) == [Rejection.TOO_QUIET]
    judge = Judge(RejectionConfig(noise_margin=30.0), lambda utterance: YES)
    judge.configure(RejectionConfig(noise_margin=6.0))
    assert judgements(*parts, judge=judge) == [None]


@pytest.mark.parametrize('level', [-60, -30, -10])
@pytest.mark.parametrize('pitch', [70, 120, 250, 400])
@pytest.mark.parametrize('duration', [0.3, 1.0, 4.0])
def test_a_voice_is_answered(level, pitch, duration):
    assert judgements((silence(1.0), NO), (voice(level, duration, pitch=pitch), 0.9)) == [None]


def test_a_voice_in_noise_at_10_db_is_answered():
    noise = hiss(-40, 4.0)
    assert judgements((noise, NO), (voice(-30, 2.0) + hiss(-40, 2.0), 0.9), (noise, NO)) == [None]


def test_a_voice_on_an_offset_is_answered():
    offset = np.float32(0.2)
    assert judgements((silence(3.0) + offset, NO), (voice(-40, 1.5) + offset, 0.9)) == [None]


@pytest.mark.parametrize('probability', [0.5, 1.0])
@pytest.mark.parametrize('duration', [0.3, 1.0, 8.0])
@pytest.mark.parametrize('kind', ['white noise', 'pink noise', 'hum', 'tone'])
def test_steady_sound_that_begins_and_that_the_detector_takes_for_speech_is_noise(
    made_sound, kind, duration, probability
):
    sound = made_sound(kind, duration)
    assert judgements((silence(1.0), NO), (sound, probability)) == [Rejection.NOISE]


@pytest.mark.parametrize('sound', [tone(-20, 2.0), tone(-20, 2.0, pitch=2000), chord(-20, 2.0)])
def test_music_that_stands_still_is_noise(sound):
    assert judgements((hiss(-60, 2.0), NO), (sound + hiss(-60, 2.0), YES)) == [Rejection.NOISE]


@pytest.mark.parametrize('min_voice', [0.2, 0.5, 0.9])
@pytest.mark.parametrize(('above', 'expected'), [(0.05, None), (-0.05, Rejection.NOISE)])
def test_the_verifier_must_be_sure_of_a_person(min_voice, above, expected):
    parts = (silence(1.0), NO), (voice(-30, 1.0), YES)
    assert judgements(*parts, config=RejectionConfig(min_voice=min_voice), verified=min_voice + above) == [expected]


def test_the_level_of_the_voice_is_that_of_its_vowels():
    _, judge, _ = listen((silence(1.0), NO))
    assert judge.voice_level == -90.0
    listen((voice(-30, 2.0), YES), judge=judge)
    assert judge.voice_level == pytest.approx(-27, abs=2)


def test_the_softest_is_answered_where_the_user_wants_it():
    _, judge, ((softest, _),) = listen((silence(1.0), NO), (voice(-60, 1.5), YES))
    assert judge.judge(softest, noise_floor=-30.0) is Rejection.TOO_QUIET
    judge.configure(RejectionConfig(noise_margin=0.0))
    assert judge.judge(softest, noise_floor=-30.0) is None


def test_noise_is_answered_where_the_user_wants_it():
    parts = (silence(1.0), NO), (hiss(-20, 1.0), YES)
    assert judgements(*parts, config=RejectionConfig(min_voice=0.0)) == [None]


def test_interim_utterances_are_judged_too():
    parts = (silence(1.0), NO), (hiss(-20, 2.0), YES)
    heard = listen(*parts, interim_period=0.5)[2]
    assert [utterance.is_final for utterance, _ in heard] == [False] * 3 + [True]
    assert {judgement for _, judgement in heard} == {Rejection.NOISE}


@pytest.mark.parametrize('count', [0, 1, 300, 511, 512, 1023])
def test_an_utterance_of_any_length_is_judged(count):
    _, judge, ((utterance, _),) = listen((voice(-30, 1.0), YES))
    short = dataclasses.replace(utterance, samples=utterance.samples[:count], onset=0, duration=count / SAMPLE_RATE)
    assert judge.judge(short, noise_floor=-90.0) in (None, Rejection.TOO_QUIET, Rejection.NOISE)


def test_hearing_and_judging_take_a_small_part_of_the_time_that_they_judge():
    floor, judge, ((utterance, _),) = listen((hiss(-60, 3.0), NO), (voice(-20, 10.0), YES))
    chunk = hiss(-60, 0.032)
    assert fastest(lambda: floor.hear(chunk, NO, SpeechState.QUIET)) < 0.01
    assert fastest(lambda: judge.judge(utterance, floor.level)) < 1.0


def fastest(work):
    """Return the least of ten times in seconds: the machine may be busy."""
    times = []
    for _ in range(10):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)
