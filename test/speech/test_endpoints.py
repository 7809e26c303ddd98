# SPDX-License-Identifier: Apache-2.0
"""Endpoints to the sample: made bursts of sound, and the same speech at other places in the stream."""

import numpy as np
import pytest

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.speech.endpoints import sharpen_end, sharpen_start, window_power
from ser_ros.speech.recording import segment_recording

BEGIN, FINISH, COUNT = 12_000, 28_000, 40_000
MARGIN = 0.1
WINDOW = 200
"""Samples by which the loudness window sees a burst before it begins, and after it has ended."""


def burst(*, floor: float = 1e-4) -> np.ndarray:
    """Soft noise with a loud second in its middle."""
    sound = np.random.default_rng(0).normal(scale=floor, size=COUNT).astype(np.float32)
    sound[BEGIN:FINISH] += 0.5 * np.sin(np.arange(FINISH - BEGIN) * 0.2).astype(np.float32)
    return sound


@pytest.mark.parametrize('found', [BEGIN - 3_000, BEGIN - 512, BEGIN, BEGIN + 700, BEGIN + 1_300])
def test_the_start_is_where_the_sound_begins_wherever_the_detector_found_it(found):
    assert sharpen_start(window_power(burst()), found, FINISH, margin=MARGIN) == pytest.approx(BEGIN, abs=WINDOW)


@pytest.mark.parametrize('found', [FINISH - 1_300, FINISH - 512, FINISH, FINISH + 512, FINISH + 3_000])
def test_the_end_is_where_the_sound_ends_wherever_the_detector_found_it(found):
    assert sharpen_end(window_power(burst()), BEGIN, found, margin=MARGIN) == pytest.approx(FINISH, abs=WINDOW)


@pytest.mark.parametrize('sound', [np.zeros(COUNT, np.float32), burst(floor=0.2)], ids=['silence', 'loud noise'])
def test_where_loudness_tells_nothing_the_detector_has_the_word(sound):
    assert sharpen_start(window_power(sound), BEGIN, FINISH, margin=MARGIN) == BEGIN
    assert sharpen_end(window_power(sound), BEGIN, FINISH, margin=MARGIN) == FINISH


@pytest.mark.parametrize('offset', [-0.3, 0.01, 0.1])
def test_an_offset_moves_nothing(offset):
    sound = burst() + np.float32(offset)
    assert sharpen_start(window_power(sound), BEGIN - 1_000, FINISH, margin=MARGIN) == pytest.approx(BEGIN, abs=WINDOW)
    assert sharpen_end(window_power(sound), BEGIN, FINISH + 1_000, margin=MARGIN) == pytest.approx(FINISH, abs=WINDOW)


def test_the_start_does_not_wander_far_from_the_detector():
    """A click a second before the words, or words that swell slowly, move nothing."""
    sound = burst()
    assert sharpen_start(window_power(sound), BEGIN - 9_000, FINISH, margin=MARGIN) == BEGIN - 9_000
    assert sharpen_start(window_power(sound), BEGIN + 9_000, FINISH, margin=MARGIN) == BEGIN + 9_000
    assert sharpen_end(window_power(sound), BEGIN, FINISH + 9_000, margin=MARGIN) == FINISH + 9_000
    assert sharpen_end(window_power(sound), BEGIN, FINISH - 9_000, margin=MARGIN) == FINISH - 9_000


@pytest.mark.parametrize('shift', [1, 100, 255, 400, 511])
def test_the_same_speech_is_cut_alike_wherever_the_chunks_lie(demo_sound, shift):
    """A microphone's blocks begin anywhere: the cut, and so the answer, must not hang on it."""
    shifted = segment_recording(np.concatenate([np.zeros(shift, np.float32), demo_sound]))
    unshifted = segment_recording(demo_sound)
    assert len(shifted) == len(unshifted)
    for there, here in zip(shifted, unshifted, strict=True):
        assert there.start_time - shift / SAMPLE_RATE == pytest.approx(here.start_time, abs=0.005)
        assert there.duration == pytest.approx(here.duration, abs=0.01)
