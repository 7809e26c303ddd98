# SPDX-License-Identifier: Apache-2.0
"""The streaming resampler and the capture line: block edges leave no trace, and time stays where it was."""

from collections import Counter

import numpy as np
import pytest

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.audio.conversion import BlockConverter, pick_channel
from ser_ros.audio.resampling import StreamResampler

RATES = [8_000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000]


def cut(sound, size):
    return [sound[at : at + size] for at in range(0, len(sound), size)]


def resample(sound, rate, size=None):
    resampler = StreamResampler(rate)
    pieces = cut(sound, size or len(sound))
    last = len(pieces) - 1
    return np.concatenate([resampler.process(piece, last=at == last) for at, piece in enumerate(pieces)])


@pytest.mark.parametrize('size', [7, 113, 512, 1411, 4096])
@pytest.mark.parametrize('rate', RATES)
def test_block_edges_leave_no_trace(made_sound, rate, size):
    sound = made_sound('white noise', 0.5, rate=rate)
    np.testing.assert_allclose(resample(sound, rate, size), resample(sound, rate), atol=1e-6)


@pytest.mark.parametrize('rate', RATES)
def test_the_length_in_seconds_is_kept(made_sound, rate):
    assert len(resample(made_sound('tone', 0.7, rate=rate), rate, 333)) == pytest.approx(0.7 * SAMPLE_RATE, abs=1)


@pytest.mark.parametrize('rate', RATES)
def test_a_click_stays_where_it_is(rate):
    sound = np.zeros(rate, dtype=np.float32)
    position = rate // 3
    sound[position] = 1.0
    heard = np.abs(resample(sound, rate, 480)).argmax()
    assert heard == pytest.approx(position / rate * SAMPLE_RATE, abs=1)


@pytest.mark.parametrize('frequency', [100, 1_000, 6_000])
@pytest.mark.parametrize('rate', [22_050, 44_100, 48_000])
def test_speech_frequencies_keep_their_level(rate, frequency):
    sound = np.sin(2 * np.pi * frequency * np.arange(rate) / rate).astype(np.float32)
    middle = resample(sound, rate, 480)[4000:12000]
    assert np.sqrt(2 * np.mean(middle**2)) == pytest.approx(1.0, abs=0.01)


def test_what_16_khz_cannot_hold_is_removed():
    sound = np.sin(2 * np.pi * 12_000 * np.arange(48_000) / 48_000).astype(np.float32)
    assert np.abs(resample(sound, 48_000, 480)[1000:-1000]).max() < 1e-3


def test_16_khz_passes_untouched(made_sound):
    sound = made_sound('white noise', 0.1)
    assert StreamResampler(SAMPLE_RATE).process(sound) is sound


@pytest.mark.parametrize('size', [160, 480, 1411])
@pytest.mark.parametrize('rate', RATES)
def test_capture_line_stamps_a_click_with_the_time_at_which_it_was_captured(rate, size):
    sound = np.zeros((rate, 2), dtype=np.float32)
    position = rate // 3
    sound[position, 1] = 1.0
    converter = BlockConverter(rate=rate, channel=1, losses=Counter())
    pieces = cut(sound, size)
    blocks = [
        converter.convert(piece, 50.0 + at * size / rate, 0.0, last=at == len(pieces) - 1)
        for at, piece in enumerate(pieces)
    ]
    times = np.concatenate([block.start_time + np.arange(len(block.samples)) / SAMPLE_RATE for block in blocks])
    samples = np.concatenate([block.samples for block in blocks])
    assert times[np.abs(samples).argmax()] == pytest.approx(50.0 + position / rate, abs=1 / SAMPLE_RATE)


def test_capture_line_follows_the_clock_of_the_capture_so_drift_does_not_add_up(made_sound):
    converter = BlockConverter(rate=48_000, channel=0, losses=Counter())
    piece = made_sound('tone', 0.032, rate=48_000)[:, np.newaxis]
    drift = 1.001
    for at in range(1000):
        block = converter.convert(piece, 50.0 + at * 0.032 * drift, 0.0)
    assert block.start_time == pytest.approx(50.0 + 999 * 0.032 * drift, abs=0.01)


def test_capture_line_hands_the_arrival_through(made_sound):
    converter = BlockConverter(rate=SAMPLE_RATE, channel=0, losses=Counter())
    assert converter.convert(made_sound('tone', 0.1)[:, np.newaxis], 5.0, 7.25).arrival == 7.25


def test_picked_channel_is_contiguous_float32():
    frames = np.arange(12, dtype=np.float32).reshape(4, 3)
    picked, mean = pick_channel(frames, 2), pick_channel(frames, -1)
    assert picked.flags['C_CONTIGUOUS'] and picked.tolist() == [2, 5, 8, 11]
    assert mean.dtype == np.float32 and mean.tolist() == [1, 4, 7, 10]


@pytest.mark.parametrize('rate', [0, 1, 10, 3_999, 384_001, 1e12, -16_000, np.nan, np.inf])
def test_a_rate_that_no_sound_has_is_refused(refuses, rate):
    with refuses('rate of', 'Hz', '4000..384000'):
        BlockConverter(rate=rate, channel=0, losses=Counter())
