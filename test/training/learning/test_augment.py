# SPDX-License-Identifier: Apache-2.0
"""Augmentation: what is varied, by how much, nothing else, and the same generator gives the same variant."""

import dataclasses

import numpy as np
import pytest
import soxr

from ser_ros.training.learning.augment import (
    Band,
    Variation,
    coloured_noise,
    draw_variation,
    vary_sound,
    vary_surroundings,
    vary_voice,
)
from ser_ros.training.learning.recipe import Augmentation

RATE = 16_000
WHOLE = Augmentation(whole_clip_probability=1.0)


@pytest.fixture
def generator():
    return np.random.default_rng(5)


def vary(sound, speech, augmentation, generator):
    variation = draw_variation(len(sound) / RATE, speech, augmentation, generator)
    varied = vary_sound(sound, variation, generator)
    assert varied.dtype == np.float32
    assert len(varied) == pytest.approx(variation.duration * RATE, abs=2)
    return varied


def decibels(power: float, reference: float) -> float:
    return 10 * np.log10(power / reference)


def power(sound: np.ndarray) -> float:
    return float(np.mean(np.square(sound, dtype=np.float64)))


def pitch(sound: np.ndarray) -> float:
    """Return the strongest frequency in Hz."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 16 * len(sound)))
    return spectrum.argmax() * RATE / (16 * len(sound))


def unvaried(duration: float, **changes) -> Variation:
    return Variation(**{'start': 0.0, 'end': duration, 'speed': 1.0, **changes})


def test_a_clip_is_cut_at_the_drawn_margins(made_sound, generator):
    sound = made_sound('white noise', 4.0)
    lengths = set()
    for _ in range(20):
        cut = vary(sound, (1.0, 3.0), Augmentation(margin_before=(0.1, 0.3), margin_after=(0.0, 0.5)), generator)
        assert 2.1 * RATE - 1 <= len(cut) <= 2.8 * RATE + 1
        lengths.add(len(cut))
    assert len(lengths) > 10


def test_margins_beyond_the_clip_end_with_it(made_sound, generator):
    sound = made_sound('white noise', 2.0)
    wide = Augmentation(margin_before=(5.0, 5.0), margin_after=(5.0, 5.0))
    np.testing.assert_array_equal(vary(sound, (0.5, 1.5), wide, generator), sound)


def test_a_cut_leaves_enough_for_features(made_sound, generator):
    clipped = Augmentation(margin_before=(-0.5, -0.5), margin_after=(-0.5, -0.5))
    assert len(vary(made_sound('white noise', 2.0), (0.5, 1.0), clipped, generator)) >= 0.29 * RATE


@pytest.mark.parametrize('speech', [(0.0, 0.5), (1.5, 2.0), (1.9, 2.0)])
def test_a_cut_that_would_begin_beyond_the_end_leaves_enough_too(made_sound, generator, speech):
    beyond = Augmentation(margin_before=(-5.0, -5.0), margin_after=(-5.0, 5.0))
    assert len(vary(made_sound('white noise', 2.0), speech, beyond, generator)) == pytest.approx(0.3 * RATE, abs=1)


def test_clips_stay_whole_as_often_as_asked(made_sound, generator):
    sound = made_sound('white noise', 2.0)
    half = Augmentation(whole_clip_probability=0.5)
    whole = sum(len(vary(sound, (0.5, 1.5), half, generator)) == len(sound) for _ in range(60))
    assert 15 <= whole <= 45


def test_speed_moves_tempo_and_pitch_together(made_sound, generator):
    fast = dataclasses.replace(WHOLE, speed=(1.25, 1.25))
    faster = vary(made_sound('tone', 2.0), (0.0, 2.0), fast, generator)
    assert len(faster) == pytest.approx(2.0 / 1.25 * RATE, abs=2)
    assert pitch(faster) == pytest.approx(1250, abs=2)


@pytest.mark.parametrize('semitones', [-3, -1, 1, 2])
def test_pitch_moves_alone(made_sound, generator, semitones):
    sound = made_sound('tone', 1.0)
    shifted = vary_sound(sound, unvaried(1.0, semitones=semitones), generator)
    assert len(shifted) == len(sound)
    assert pitch(shifted) == pytest.approx(1000 * 2 ** (semitones / 12), rel=0.003)


@pytest.mark.parametrize('snr', [0.0, 12.5, 30.0])
@pytest.mark.parametrize('colour', [0.0, 1.0, 2.0])
def test_noise_is_as_loud_as_asked(made_sound, generator, snr, colour):
    sound = made_sound('tone', 1.0)
    noise = vary_sound(sound, unvaried(1.0, snr=snr, noise_colour=colour), generator).astype(np.float64) - sound
    assert decibels(power(sound), power(noise)) == pytest.approx(snr, abs=0.05)


@pytest.mark.parametrize('colour', [0.0, 1.0, 2.0])
def test_noise_has_unit_power_and_the_asked_colour(generator, colour):
    noise = coloured_noise(4 * RATE, colour, generator)
    assert noise.dtype == np.float32 and power(noise) == pytest.approx(1.0, abs=1e-3)
    density = np.abs(np.fft.rfft(noise)) ** 2
    low, high = density[400:800].mean(), density[4000:8000].mean()
    assert np.log10(low / high) == pytest.approx(colour, abs=0.15)


def test_octaves_raise_the_noise_where_they_say(generator):
    raised = coloured_noise(4 * RATE, 0.0, generator, octaves=(0.0, 0.0, 0.0, 0.0, 20.0, 0.0, 0.0, 0.0))
    assert raised.dtype == np.float32 and power(raised) == pytest.approx(1.0, abs=1e-3)
    density = np.abs(np.fft.rfft(raised)) ** 2
    at_1_khz, below, above = density[3800:4200].mean(), density[800:1600].mean(), density[12000:24000].mean()
    assert decibels(at_1_khz, below) == pytest.approx(20.0, abs=2.0)
    assert decibels(at_1_khz, above) == pytest.approx(20.0, abs=2.0)


def test_noise_is_as_uneven_as_asked(generator):
    uneven = Augmentation(noise_probability=1.0, noise_unevenness=8.0)
    drawn = np.array([draw_variation(2.0, (0.5, 1.5), uneven, generator).noise_octaves for _ in range(50)])
    assert drawn.std() == pytest.approx(8.0, abs=1.0) and abs(drawn.mean()) < 1.5
    assert not draw_variation(2.0, (0.5, 1.5), Augmentation(noise_unevenness=8.0), generator).noise_octaves


@pytest.mark.parametrize('seconds', [0.2, 0.6])
def test_reverberation_falls_by_60_db_in_the_asked_time(generator, seconds):
    click = np.zeros(RATE, dtype=np.float32)
    click[0] = 1.0
    room = vary_sound(click, unvaried(1.0, reverberation=seconds), generator)
    assert len(room) == len(click)
    assert room[0] == pytest.approx(1.0, abs=1e-4)  # the direct sound comes at once and unchanged
    assert decibels(1.0, np.sum(room[1:] ** 2)) == pytest.approx(6.0, abs=0.2)
    tenth = round(seconds * RATE / 10)
    early, late = power(room[1 : 1 + tenth]), power(room[5 * tenth : 6 * tenth])
    assert decibels(early, late) == pytest.approx(30.0, abs=2.0)  # half of the 60 dB in half of the time
    assert power(room[round(seconds * RATE) + 1 :]) < 1e-9


@pytest.mark.parametrize('gain', [-12.0, 6.0])
def test_gain_is_in_decibels(made_sound, generator, gain):
    sound = made_sound('white noise', 0.5)
    louder = vary_sound(sound, unvaried(0.5, gain=gain), generator)
    np.testing.assert_allclose(louder, sound * 10 ** (gain / 20), rtol=1e-5)


VARIED = {
    'snr': Augmentation(noise_probability=0.5, noise_snr=(10.0, 20.0)),
    'semitones': Augmentation(pitch_probability=0.5, pitch=(1.0, 4.0)),
    'reverberation': Augmentation(reverberation_probability=0.5, reverberation_time=(0.2, 0.4)),
}


@pytest.mark.parametrize('field', VARIED)
def test_a_variation_comes_as_often_as_asked_within_its_range_and_alone(generator, field):
    drawn = [draw_variation(2.0, (0.5, 1.5), VARIED[field], generator) for _ in range(100)]
    neutral = dataclasses.replace(drawn[0], snr=None, semitones=0, reverberation=0.0)
    values = [getattr(variation, field) for variation in drawn if getattr(variation, field)]
    low, high = {'snr': (10, 20), 'semitones': (1, 4), 'reverberation': (0.2, 0.4)}[field]
    assert 30 <= len(values) <= 70 and len(set(values)) > 2
    assert low <= min(values) and max(values) <= high
    for variation in drawn:
        changes = {field: getattr(variation, field), 'noise_colour': variation.noise_colour}
        assert variation == dataclasses.replace(neutral, **changes)


def test_gain_is_drawn_from_its_range_and_pitch_in_whole_semitones(generator):
    wide = Augmentation(gain=(-6.0, 3.0), pitch_probability=1.0)
    drawn = [draw_variation(2.0, (0.5, 1.5), wide, generator) for _ in range(50)]
    assert -6.0 <= min(one.gain for one in drawn) < -3.0 and 0.0 < max(one.gain for one in drawn) <= 3.0
    assert {one.semitones for one in drawn} == {-2, -1, 0, 1, 2}


def test_without_augmentation_only_the_utterance_is_cut(made_sound, generator):
    sound = made_sound('white noise', 2.0)
    same = vary(sound, (0.5, 1.5), Augmentation(), generator)
    np.testing.assert_array_equal(same, sound[int(0.2 * RATE) : int(1.5 * RATE)])
    np.testing.assert_array_equal(vary(sound, (0.5, 1.5), WHOLE, generator), sound)


def test_the_clip_itself_is_never_changed(made_sound, generator):
    sound = made_sound('white noise', 1.0)
    before = sound.copy()
    sound.flags.writeable = False  # as the cache's file is mapped
    everything = unvaried(1.0, speed=1.1, snr=10.0, semitones=1, reverberation=0.3, gain=3.0)
    vary_sound(sound, everything, generator)
    vary_sound(sound, unvaried(1.0), generator)[:] = 0.0
    np.testing.assert_array_equal(sound, before)


def test_a_variant_that_is_too_long_loses_its_start_and_end(made_sound, generator):
    sound = made_sound('white noise', 2.0)
    starts = set()
    for _ in range(10):
        part = vary_sound(sound, unvaried(2.0), generator, longest=RATE)
        (start,) = np.flatnonzero(sound[: RATE + 1] == part[0])
        np.testing.assert_array_equal(part, sound[start : start + RATE])
        starts.add(start)
    assert len(starts) > 5
    np.testing.assert_array_equal(vary_sound(sound, unvaried(2.0), generator, longest=2 * RATE), sound)


def test_the_same_seed_gives_the_same_sound_and_another_seed_another(made_sound):
    sound = made_sound('chord', 1.5)
    everything = Augmentation(
        margin_before=(0.0, 0.5),
        speed=(0.9, 1.1),
        pitch_probability=1.0,
        pitch=(1.0, 2.0),
        reverberation_probability=1.0,
        noise_probability=1.0,
        gain=(-6.0, 6.0),
    )
    first, again, other = (vary(sound, (0.5, 1.0), everything, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert len(first) != len(other) or not np.array_equal(first, other)


def test_a_new_kind_of_variation_leaves_the_draws_of_the_others_as_they_were(made_sound):
    """The default model must come out again bit for bit: margins and speed are drawn first, in this order."""
    sound = made_sound('white noise', 3.0)
    augmentation = Augmentation(margin_before=(0.0, 1.1), margin_after=(-0.15, 1.1), speed=(0.85, 1.15))
    for seed in range(20):
        draws = np.random.default_rng(seed)
        draws.random()  # whether the clip stays whole
        start = max(0.8 - draws.uniform(0.0, 1.1), 0.0)
        end = min(2.2 + draws.uniform(-0.15, 1.1), 3.0)
        speed = draws.uniform(0.85, 1.15)
        cut = sound[int(start * RATE) : round(end * RATE)]
        expected = soxr.resample(cut, RATE * speed, RATE, quality='LQ')
        actual = vary(sound, (0.8, 2.2), augmentation, np.random.default_rng(seed))
        np.testing.assert_array_equal(actual, expected)


def test_voice_and_surroundings_together_are_the_variant(made_sound):
    sound = made_sound('chord', 1.0)
    variation = unvaried(0.8, speed=1.1, snr=5.0, reverberation=0.2, semitones=1, gain=-3.0)
    whole = vary_sound(sound, variation, np.random.default_rng(1))
    rng = np.random.default_rng(1)
    voice = vary_voice(sound, variation, rng)
    np.testing.assert_array_equal(vary_surroundings(voice, variation, rng), whole)
    unmoved = dataclasses.replace(variation, snr=None, reverberation=0.0, gain=0.0)
    np.testing.assert_array_equal(voice, vary_sound(sound, unmoved, np.random.default_rng(1)))


def test_a_band_takes_away_what_lies_outside(made_sound, generator):
    sound = made_sound('white noise', 2.0)
    heard = vary_sound(sound, unvaried(2.0, band=Band(300.0, 3400.0, order=4, hiss=90.0)), generator)
    frequencies = np.fft.rfftfreq(len(sound), 1 / RATE)
    change = np.abs(np.fft.rfft(heard)) ** 2, np.abs(np.fft.rfft(sound)) ** 2

    def gain_between(low, high):
        chosen = (frequencies > low) & (frequencies < high)
        return decibels(change[0][chosen].sum(), change[1][chosen].sum())

    assert gain_between(600, 2000) == pytest.approx(0.0, abs=0.5)
    assert gain_between(20, 140) < -25.0 and gain_between(6900, 7900) < -22.0  # 24 dB for each octave


def test_a_digital_line_leaves_nothing_above_its_band_and_little_noise_within(generator):
    noise = generator.standard_normal(32_000).astype(np.float32)
    by_bits = [
        vary_sound(noise, unvaried(2.0, band=Band(20.0, 3400.0, order=10, hiss=150.0, bits=bits)), generator)
        for bits in (None, 12.0, 6.0)
    ]
    spectra = [np.abs(np.fft.rfft(heard)) ** 2 for heard in by_bits]
    frequencies = np.fft.rfftfreq(32_000, 1 / 16_000)
    above = [spectrum[frequencies > 4200].sum() / spectrum.sum() for spectrum in spectra]
    assert above[0] > 1e-4 and max(above[1:]) < 1e-5
    errors = [np.mean((heard - by_bits[0]) ** 2) / np.mean(by_bits[0] ** 2) for heard in by_bits[1:]]
    assert errors[0] + 0.001 < errors[1] < 0.02 and len(by_bits[1]) == 32_000


def test_surroundings_are_left_out_as_often_as_asked(generator):
    noisy = Augmentation(noise_probability=1.0, reverberation_probability=1.0, band_probability=1.0)
    drawn = {
        share: [
            draw_variation(2.0, (0.5, 1.5), dataclasses.replace(noisy, surroundings_probability=share), generator)
            for _ in range(400)
        ]
        for share in (0.0, 0.5, 1.0)
    }
    left_alone = {share: np.mean([each.snr is None for each in variations]) for share, variations in drawn.items()}
    assert left_alone[0.0] == 1.0 and left_alone[1.0] == 0.0 and 0.4 < left_alone[0.5] < 0.6
    assert all((each.snr is None) == (each.band is None) == (each.reverberation == 0.0) for each in drawn[0.5])


def test_a_microphone_of_a_band_hisses_as_loud_as_asked(made_sound, generator):
    sound = made_sound('tone', 1.0)
    silent, noisy = (
        vary_sound(sound, unvaried(1.0, band=Band(50.0, 7900.0, order=8, hiss=hiss)), generator)
        for hiss in (200.0, 30.0)
    )
    noise = noisy - silent
    assert decibels(power(silent), power(noise)) == pytest.approx(30.0, abs=0.2)


def test_bands_come_as_often_as_asked_within_their_ranges(generator):
    augmentation = Augmentation(band_probability=0.5, band_low=(100.0, 200.0), band_high=(4000.0, 5000.0))
    bands = [draw_variation(1.0, (0.0, 1.0), augmentation, generator).band for _ in range(100)]
    drawn = [band for band in bands if band]
    assert 30 <= len(drawn) <= 70
    assert all(100 <= band.low <= 200 and 4000 <= band.high <= 5000 for band in drawn)


@pytest.mark.parametrize('level', [-3.0, 0.0, 12.0])
def test_the_room_is_as_loud_as_asked(generator, level):
    click = np.zeros(RATE, dtype=np.float32)
    click[0] = 1.0
    room = vary_sound(click, unvaried(1.0, reverberation=0.3, direct_to_reverberant=level), generator)
    assert decibels(1.0, np.sum(room[1:] ** 2)) == pytest.approx(level, abs=0.2)
