# SPDX-License-Identifier: Apache-2.0
"""Folders of audio become pieces: cut, named, and decoded as training clips are."""

import numpy as np
import pytest
import soundfile
from sound_files import announcing, sound_file

from ser_ros.audio.file import read_recording
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


@pytest.mark.parametrize('container', ['flac', 'wav', 'mp3', 'ogg'])
@pytest.mark.parametrize('lie', ['open', 'cut'])
def test_no_announced_length_is_believed(tmp_path, made_sound, capsys, container, lie):
    kind = {'flac': 'FLAC', 'wav': 'WAV', 'mp3': 'MP3', 'ogg': 'OGG'}[container]
    content = sound_file(made_sound('white noise', 9.0), kind)
    if lie == 'cut':
        content = content[: len(content) * 2 // 3]
    elif kind in ('FLAC', 'WAV'):
        content = announcing(content, kind, 0)
    path = tmp_path / 'speech' / f'sound.{container}'
    path.parent.mkdir()
    path.write_bytes(content)
    capsys.readouterr()
    pieces = find_pieces([path.parent], Pieces(longest=2.0, shortest=0.1))
    told = capsys.readouterr().err.count(str(path))
    assert told == (lie == 'cut' or kind == 'WAV')
    whole = read_recording(path)
    assert sum(piece.duration for piece in pieces) == pytest.approx(len(whole) / 16_000, abs=0.1)
    assert len(whole) / 16_000 == pytest.approx(9.0 if lie == 'open' else 6.0, abs=1.5)
    for piece in pieces:
        samples = piece.read()
        assert len(samples) == pytest.approx(piece.duration * 16_000, abs=1)
        if kind in ('FLAC', 'WAV'):
            start = round(piece.start * 16_000)
            np.testing.assert_array_equal(samples, whole[start : start + len(samples)])


def test_integers_saved_as_float_are_scaled_in_each_piece(write, tmp_path, made_sound, capsys):
    sound = made_sound('chord', 3.0)
    path = write('scaled.wav', sound=32768 * sound, subtype='FLOAT')
    pieces = find_pieces([tmp_path / 'speech'], Pieces(longest=1.0, shortest=0.1))
    np.testing.assert_array_equal(np.concatenate([piece.read() for piece in pieces]), sound)
    assert f'{path} has samples up to' in capsys.readouterr().err


def test_a_rate_that_no_sound_has_is_told(write, tmp_path, refuses):
    path = write('slow.wav', rate=10, sound=np.zeros(1000))
    with refuses(str(path), 'rate of 10 Hz', 'remove them'):
        find_pieces([tmp_path / 'speech'], Pieces())


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
