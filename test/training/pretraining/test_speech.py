# SPDX-License-Identifier: Apache-2.0
"""Folders of audio become pieces: cut, named, and decoded as training clips are."""

import numpy as np
import pytest
import soundfile

from ser_ros.training.data.clip import Clip
from ser_ros.training.data.recordings import load_recordings
from ser_ros.training.pretraining.pretraining_recipe import Pieces
from ser_ros.training.pretraining.speech import find_pieces, hours


@pytest.fixture
def write(tmp_path, made_sound):
    def write(name, duration=1.0, *, rate=16_000, channels=1, sound=None, subtype=None):
        path = tmp_path / 'speech' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        samples = made_sound('chord', duration, rate=rate) if sound is None else sound
        soundfile.write(path, np.stack([samples] * channels, axis=1), rate, subtype=subtype)
        return path

    return write


def test_long_files_are_cut_and_short_rests_left_out(write, tmp_path):
    write('long.wav', 9.3)
    write('nested/rest.flac', 4.6)
    write('nested/short.wav', 0.3)
    pieces = find_pieces([tmp_path / 'speech'], Pieces(longest=4.0, shortest=0.5))
    assert [piece.name for piece in pieces] == [
        'speech/long.wav@0',
        'speech/long.wav@4',
        'speech/long.wav@8',
        'speech/nested/rest.flac@0',
        'speech/nested/rest.flac@4',
    ]
    assert [piece.duration for piece in pieces] == pytest.approx([4.0, 4.0, 1.3, 4.0, 0.6])
    assert hours(pieces) == pytest.approx(13.9 / 3600)


def test_pieces_of_a_file_join_to_the_file(write, tmp_path, made_sound):
    noise = made_sound('white noise', 2.5)
    write('noise.wav', sound=noise, subtype='FLOAT')
    pieces = find_pieces([tmp_path / 'speech'], Pieces(longest=1.0, shortest=0.1))
    np.testing.assert_array_equal(np.concatenate([piece.read() for piece in pieces]), noise)


@pytest.mark.parametrize('rate', [8_000, 16_000, 44_100])
def test_rates_and_channels_are_brought_to_one(write, tmp_path, made_sound, rate):
    write('sound.wav', rate=rate, channels=2)
    (piece,) = find_pieces([tmp_path / 'speech'], Pieces())
    samples = piece.read()
    assert samples.dtype == np.float32 and len(samples) == 16_000
    np.testing.assert_allclose(samples, made_sound('chord', 1.0), atol=3e-3)


@pytest.mark.parametrize('rate', [16_000, 48_000])
def test_a_stereo_file_sounds_as_it_does_to_train(tmp_path, made_sound, rate):
    path = tmp_path / 'speech' / 'stereo.wav'
    path.parent.mkdir()
    left, right = made_sound('chord', 1.0, rate=rate), made_sound('white noise', 1.0, rate=rate)
    soundfile.write(path, np.stack([left, right], axis=1), rate)
    (piece,) = find_pieces([path.parent], Pieces())
    (recording,) = load_recordings([Clip(path=path, name='stereo', emotion='')])
    np.testing.assert_array_equal(piece.read(), recording.samples)


@pytest.mark.parametrize('rate', [16_000, 44_100])
@pytest.mark.parametrize('bad', [np.nan, np.inf])
def test_a_sample_that_is_no_number_spoils_nothing_else(write, tmp_path, made_sound, rate, bad):
    sound = made_sound('chord', 1.0, rate=rate)
    sound[rate // 2] = bad
    write('broken.wav', rate=rate, sound=sound, subtype='FLOAT')
    (piece,) = find_pieces([tmp_path / 'speech'], Pieces())
    samples = piece.read()
    assert np.abs(samples).max() <= 1.0
    np.testing.assert_allclose(samples[:7_000], made_sound('chord', 1.0)[:7_000], atol=3e-3)
    np.testing.assert_allclose(samples[9_000:], made_sound('chord', 1.0)[9_000:], atol=3e-3)


def test_what_cannot_be_heard_is_refused(write, tmp_path, refuses):
    empty = tmp_path / 'empty'
    empty.mkdir()
    with refuses(str(empty), 'holds no audio file'):
        find_pieces([empty], Pieces())
    with refuses('is not a folder'):
        find_pieces([tmp_path / 'nowhere'], Pieces())
    write('short.wav', 0.2)
    with refuses('shorter than 0.5 s'):
        find_pieces([tmp_path / 'speech'], Pieces())
    (tmp_path / 'speech' / 'text.wav').write_text('no sound')
    with pytest.raises(Exception, match=r'text\.wav'):
        find_pieces([tmp_path / 'speech'], Pieces())


def test_a_file_that_is_gone_is_told(write, tmp_path, refuses):
    path = write('gone.wav')
    (piece,) = find_pieces([tmp_path / 'speech'], Pieces())
    path.unlink()
    with refuses(str(path), '--resume'):
        piece.read()
