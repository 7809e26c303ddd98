# SPDX-License-Identifier: Apache-2.0
"""Sound files whose bytes were changed, cut and put in: a SerError, or finite sound of a length that can be."""

import io
import struct

import numpy as np
import pytest
import soundfile
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.audio.file import check_recording, read_recording
from ser_ros.audio.resampling import HIGHEST_RATE, LOWEST_RATE
from ser_ros.errors import SerError

LONGEST = 60.0
"""Seconds that a file of a few kilobytes may announce and hold; FLAC packs a constant well."""


def made_file(container: str, subtype: str) -> bytes:
    sound = 0.3 * np.sin(np.arange(800) / 5)
    file = io.BytesIO()
    soundfile.write(file, np.stack([sound, -sound], axis=1), 8_000, format=container, subtype=subtype)
    return file.getvalue()


KINDS = [('WAV', 'PCM_16'), ('WAV', 'FLOAT'), ('FLAC', 'PCM_16'), ('WAV', 'MS_ADPCM'), ('RF64', 'PCM_16')]
KINDS += [('W64', 'PCM_16'), ('AIFF', 'PCM_24'), ('AU', 'ULAW'), ('CAF', 'ALAC_16'), ('NIST', 'PCM_16')]
KINDS += [('OGG', 'VORBIS'), ('OGG', 'OPUS'), ('MP3', 'MPEG_LAYER_III')]
FILES = [made_file(*kind) for kind in KINDS]


def with_number(content: bytes, at: int, kind: str, value: int) -> bytes:
    packed = struct.pack(kind, value & (256 ** struct.calcsize(kind) - 1))
    return content[:at] + packed + content[at + len(packed) :]


@st.composite
def damaged(draw) -> bytes:
    """A real file with up to eight faults, most of them in the header."""
    content = draw(st.sampled_from(FILES))
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.one_of(st.integers(0, 60), st.integers(0, len(content))))
        fault = draw(st.sampled_from(['byte', 'number', 'cut', 'put in', 'repeat']))
        if fault == 'byte':
            content = content[:at] + draw(st.binary(min_size=1, max_size=1)) + content[at + 1 :]
        elif fault == 'number':
            value = draw(st.sampled_from([0, 1, -1, 2**31 - 1, 2**31, 2**32 - 1, 3, 65535]))
            content = with_number(content, at, draw(st.sampled_from(['<H', '<I', '>I'])), value)
        elif fault == 'cut':
            content = content[:at]
        elif fault == 'put in':
            content = content[:at] + draw(st.binary(max_size=20)) + content[at:]
        else:
            content = content[:at] + content[max(at - 30, 0) :]
    return content


@settings(max_examples=400, deadline=None, derandomize=True)
@given(content=st.one_of(damaged(), st.binary(max_size=200)))
@example(content=b'')
@example(content=b'RIFF')
@example(content=FILES[0][:44])
def test_a_damaged_file_is_refused_or_gives_finite_sound(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / 'damaged.wav'
    path.write_bytes(content)
    remarks: list[str] = []
    try:
        samples = read_recording(path, remarks=remarks)
    except SerError as error:
        assert '\n' not in str(error) and len(str(error)) < 500
        with pytest.raises(SerError):
            check_recording(path)
    else:
        assert 0.0 < check_recording(path) < LONGEST
        assert len(remarks) <= 3
        assert samples.dtype == np.float32 and samples.ndim == 1
        assert np.isfinite(samples).all()
        assert len(samples) < LONGEST * SAMPLE_RATE


@pytest.mark.parametrize('content', FILES, ids=['-'.join(kind) for kind in KINDS])
def test_the_files_are_whole_before_they_are_damaged(tmp_path, content):
    path = tmp_path / 'whole.wav'
    path.write_bytes(content)
    remarks: list[str] = []
    # Some formats fill their last block.
    assert len(read_recording(path, remarks=remarks)) == pytest.approx(0.1 * SAMPLE_RATE, abs=0.03 * SAMPLE_RATE)
    assert remarks == []


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    rate=st.one_of(st.integers(0, 2**32 - 1), st.integers(3_990, 4_010), st.integers(383_990, 384_010)),
    channels=st.one_of(st.integers(0, 2**16 - 1), st.integers(0, 20)),
    kind=st.sampled_from([('WAV', 'PCM_16'), ('WAV', 'FLOAT')]),
)
def test_whatever_rate_and_channels_are_announced_it_ends(tmp_path_factory, rate, channels, kind):
    path = tmp_path_factory.getbasetemp() / 'lying.wav'
    content = with_number(made_file(*kind), 24, '<I', rate)
    path.write_bytes(with_number(content, 22, '<H', channels))
    try:
        seconds = len(read_recording(path)) / SAMPLE_RATE
    except SerError as error:
        assert str(path) in str(error)
        # libsndfile compares the channels with those of the peaks that it writes into float files.
        assert kind[1] == 'FLOAT' or not (LOWEST_RATE <= rate <= HIGHEST_RATE and 1 <= channels <= 16)
    else:
        assert LOWEST_RATE <= rate <= HIGHEST_RATE
        assert seconds == pytest.approx(1600 / channels / rate, abs=1 / rate + 2 / SAMPLE_RATE)
