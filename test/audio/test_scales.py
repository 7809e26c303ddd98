# SPDX-License-Identifier: Apache-2.0
"""Float samples are taken as they are, or as integers that were saved as float, which is told; none vanish."""

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from sound_files import RATE, noise

from ser_ros.audio.file import FileSource, read_recording
from ser_ros.audio.source import EndOfAudio
from ser_ros.errors import SerError


@pytest.fixture(scope='module')
def path(tmp_path_factory):
    return tmp_path_factory.mktemp('scales') / 'sound.wav'


def read(path, sound, subtype='FLOAT'):
    soundfile.write(path, sound, RATE, subtype=subtype)
    remarks = []
    return read_recording(path, remarks=remarks), remarks


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    bits=st.sampled_from([16, 24, 32]),
    loudness=st.floats(-35.0, 5.0),
    silence=st.floats(0.0, 0.99),
    channels=st.integers(1, 3),
    subtype=st.sampled_from(['FLOAT', 'DOUBLE']),
)
def test_integers_saved_as_float_are_scaled_back_and_told(path, bits, loudness, silence, channels, subtype):
    sound = noise(4000, channels) / np.abs(noise(4000, channels)).max() * 10 ** (loudness / 20)
    sound[: int(silence * len(sound))] = 0.0
    full_scale = 2 ** (bits - 1)
    samples, (remark,) = read(path, full_scale * sound, subtype)
    np.testing.assert_allclose(samples, sound[:, 0], atol=1e-6)
    assert f'integers of {bits} bits' in remark and f'divided by {full_scale}' in remark


@settings(max_examples=50, deadline=None, derandomize=True)
@given(peak=st.floats(1e-6, 30.0), subtype=st.sampled_from(['FLOAT', 'DOUBLE']))
def test_a_recording_beyond_full_scale_is_left_alone(path, peak, subtype):
    sound = noise(4000) / np.abs(noise(4000)).max() * np.float32(peak)
    samples, remarks = read(path, sound, subtype)
    np.testing.assert_array_equal(samples, sound[:, 0])
    assert remarks == []


@pytest.mark.parametrize('peak', [1e3, 1e6, 1e30])
def test_a_few_samples_that_no_sound_has_are_silence_and_told(path, peak):
    sound = noise(4000)
    sound[[7, 500, 3999]] = 2 * peak
    samples, remarks = read(path, sound)
    np.testing.assert_array_equal(samples, np.where(sound > 1, 0.0, sound)[:, 0])
    assert remarks == ['has 3 sample(s) that no sound has; they are read as silence']


@pytest.mark.parametrize('factor', [1e12, 1e30])
def test_what_is_no_sound_at_all_is_refused(path, refuses, factor):
    soundfile.write(path, factor * noise(4000), RATE, subtype='DOUBLE')
    with refuses(str(path), 'times full scale'):
        read_recording(path)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(values=st.lists(st.floats(width=32), min_size=1, max_size=200))
def test_whatever_the_samples_are_they_become_sound_or_are_told(path, values):
    soundfile.write(path, np.array(values, dtype=np.float32), RATE, subtype='FLOAT')
    remarks = []
    try:
        samples = read_recording(path, remarks=remarks)
    except SerError as error:
        assert str(path) in str(error)
    else:
        assert np.isfinite(samples).all() and np.abs(samples).max() <= 1000.0
        assert remarks or np.array_equal(samples, np.array(values, dtype=np.float32))


def test_the_node_hears_it_scaled_and_says_so_from_the_start(path):
    sound = noise(4000)
    soundfile.write(path, 32768 * sound, RATE, subtype='FLOAT')
    source = FileSource(path, realtime=False)
    source.open()
    assert source.remark.startswith(f'{path} has samples up to') and 'divided by 32768' in source.remark
    source.start()
    heard = []
    with pytest.raises(EndOfAudio):
        while True:
            heard.append(source.read(0.0).samples)
    np.testing.assert_array_equal(np.concatenate(heard), sound[:, 0])
    assert source.losses == {}
