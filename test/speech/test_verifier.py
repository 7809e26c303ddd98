# SPDX-License-Identifier: Apache-2.0
"""The second look at an utterance, on real speech and on made sound."""

from dataclasses import replace

import numpy as np
import pytest

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.speech.recording import segment_recording
from ser_ros.speech.segmenter import Utterance
from ser_ros.speech.verifier import features, voice_probability


@pytest.fixture(scope='module')
def utterances(demo_sound):
    return segment_recording(demo_sound)


def utterance_of(samples, *, onset=0, speech_probability=0.9):
    """Return what a detector that is sure of `samples` would make of them."""
    duration = (len(samples) - onset) / SAMPLE_RATE
    return Utterance(1, samples, 0.0, duration, 0.0, is_final=True, onset=onset, speech_probability=speech_probability)


@pytest.mark.parametrize('gain', [0.003, 0.1, 1.0])
@pytest.mark.parametrize('offset', [0.0, 0.1])
def test_speech_is_a_persons_at_any_level_and_off_centre(utterances, gain, offset):
    heard = [replace(u, samples=u.samples * np.float32(gain) + np.float32(gain * offset)) for u in utterances]
    assert min(voice_probability(u) for u in heard) > 0.8


# Steady noise is rejected before, by its level (test_rejection.py): to the networks it is what a whisper is made of.
@pytest.mark.parametrize('kind', ['hum', 'tone', 'silence'])
def test_steady_sound_is_nobodys_whatever_the_detector_says(made_sound, kind):
    assert voice_probability(utterance_of(made_sound(kind, 2.0), onset=4000)) < 0.5


def test_level_and_offset_do_not_matter(utterances):
    for utterance in utterances:
        changed = replace(utterance, samples=utterance.samples * np.float32(0.01) + np.float32(0.005))
        assert voice_probability(changed) == pytest.approx(voice_probability(utterance), abs=0.01)


def test_it_remembers_nothing(utterances):
    first, *_, last = utterances
    alone = voice_probability(first)
    voice_probability(last)
    assert voice_probability(first) == alone


def test_what_lies_before_the_onset_is_heard_but_not_judged(utterances):
    utterance = utterances[0]
    knock = np.zeros_like(utterance.samples)
    knock[: utterance.onset // 2] = 0.2
    loud_before = replace(utterance, samples=utterance.samples + knock)
    assert np.abs(features(loud_before) - features(utterance))[2:].mean() < 0.1


@pytest.mark.parametrize('count', [1, 399, 400, 700])
def test_sound_of_any_length_is_judged(count):
    sound = np.random.default_rng(0).standard_normal(count).astype(np.float32) * np.float32(0.03)
    assert 0.0 <= voice_probability(utterance_of(sound, onset=min(count - 1, 300))) <= 1.0
