# SPDX-License-Identifier: Apache-2.0
"""Real MP3, made here, is told from samples, which may look like its header."""

import io

import numpy as np
import pytest
import soundfile

from ser_ros.audio.mp3 import _frame_length, is_mp3


def mp3(made_sound, rate: int) -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, made_sound('pink noise', 1.0, rate=rate), rate, format='MP3')
    return stream.getvalue()


@pytest.mark.parametrize('rate', [8_000, 16_000, 22_050, 44_100, 48_000])
def test_every_frame_of_an_mp3_is_found_alone_or_with_others(made_sound, rate):
    data = mp3(made_sound, rate)
    begin = next(at for at in range(len(data)) if is_mp3(data[at:]))
    frames = []
    while begin < len(data) and (length := _frame_length(data[begin:])):
        frames.append(data[begin : begin + length])
        begin += length
    assert len(frames) > 10 and all(is_mp3(frame) for frame in frames)
    assert is_mp3(b''.join(frames[3:6]))


@pytest.mark.parametrize('kind', ['silence', 'white noise', 'pink noise', 'hum', 'tone'])
def test_samples_are_not_mp3(made_sound, kind):
    levels = (made_sound(kind, 4.0) * 32767).astype('<i2').tobytes()
    assert not any(is_mp3(levels[at : at + 2048]) for at in range(0, len(levels), 2))


@pytest.mark.parametrize('level', [-1, -2, -5, -1025, -3073])
def test_samples_that_begin_as_a_header_does_are_not_mp3(level):
    assert not is_mp3(np.full(1024, level, dtype='<i2').tobytes())


@pytest.mark.parametrize('data', [b'', b'\xff', b'\xff\xfb', b'\xff\xfb\x90', b'ID3'])
def test_what_is_too_short_is_not(data):
    assert not is_mp3(data)
