# SPDX-License-Identifier: Apache-2.0
"""Sound files whose headers announce what is not there: what is there is read, what is missing is told."""

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from sound_files import RATE, announcing, noise, sound_file

from ser_ros.audio.file import FileSource, check_recording, read_recording
from ser_ros.audio.reader import SoundReader
from ser_ros.audio.source import EndOfAudio
from ser_ros.errors import SerError

FRAMES = 3 * RATE
SIZED = ('WAV', 'RF64', 'W64', 'AIFF', 'AU', 'CAF')
"""Containers that announce bytes."""
SIZE = 2 * FRAMES
UNKNOWN = {'WAV': (0x7FFFFFFF, 0xFFFFFFFF), 'RF64': (2**63 - 1, 2**64 - 1), 'AU': (0xFFFFFFFF,), 'FLAC': (0,)}
"""What writes that do not know the length yet."""


@pytest.fixture(scope='module')
def path(tmp_path_factory):
    return tmp_path_factory.mktemp('lengths') / 'sound'


def read(path, content):
    """Return the samples and the remarks of `content`, as each way to read it gives them."""
    path.write_bytes(content)
    remarks = []
    samples = read_recording(path, remarks=remarks)
    source = FileSource(path, realtime=False)
    source.open()
    source.start()
    blocks = []
    with pytest.raises(EndOfAudio):
        while True:
            blocks.append(source.read(0.0).samples)
    np.testing.assert_array_equal(np.concatenate(blocks), samples)
    assert source.remark == '; '.join(f'{path} {remark}' for remark in remarks)
    assert check_recording(path) == pytest.approx(len(samples) / RATE)
    return samples, remarks


def whole(container):
    sound = noise(FRAMES)
    return sound.ravel(), sound_file(sound, container, 'PCM_16')


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    container=st.sampled_from((*SIZED, 'FLAC')),
    announced=st.one_of(st.integers(0, 4 * FRAMES), st.integers(0, 2**36), st.integers(0, 2**64)),
)
def test_whatever_is_announced_all_that_is_there_is_read(path, container, announced):
    sound, content = whole(container)
    there = FRAMES if container == 'FLAC' else SIZE
    samples, remarks = read(path, announcing(content, container, announced))
    if container != 'FLAC' and there - 4096 <= announced < there and announced:
        np.testing.assert_array_equal(samples, sound[: announced // 2])  # padding, for all one can know
    else:
        np.testing.assert_array_equal(samples, sound)
    if container == 'FLAC' and announced % 2**36 == 0:
        assert remarks == []
    assert len(remarks) <= 1 and all('that it announces' in one or 'announces' in one for one in remarks)


@pytest.mark.parametrize('container', [*SIZED, 'FLAC'])
def test_a_true_length_is_not_remarkable(path, container):
    sound, content = whole(container)
    samples, remarks = read(path, content)
    np.testing.assert_array_equal(samples, sound)
    assert remarks == []


@pytest.mark.parametrize(('container', 'length'), [(kind, length) for kind in UNKNOWN for length in UNKNOWN[kind]])
def test_a_recording_of_open_length_is_whole(path, container, length):
    sound, content = whole(container)
    samples, remarks = read(path, announcing(content, container, length))
    np.testing.assert_array_equal(samples, sound)
    assert remarks == []


@pytest.mark.parametrize('container', SIZED)
def test_a_recorder_without_power_has_recorded_all_the_same(path, container):
    sound, content = whole(container)
    samples, remarks = read(path, announcing(content, container, 0))
    np.testing.assert_array_equal(samples, sound)
    assert remarks == ['announces 0.0 s, but 3.0 s are there; all of it is read']


@pytest.mark.parametrize('length', [0, 2**32 - 1])
def test_a_wav_of_more_than_its_header_can_say_is_read_whole(tmp_path, length):
    path = tmp_path / 'array.wav'
    path.write_bytes(announcing(sound_file(noise(100, 8), 'WAV', 'PCM_16'), 'WAV', length))
    with path.open('r+b') as file:
        file.truncate(5 << 30)  # holes, which take no room
    with SoundReader(path) as reader:
        assert reader.count_frames() == (5 << 30) // 16 - 3
        reader.seek(300_000_000)
        assert len(reader.read(1000)) == 1000


def test_a_header_of_a_second_ago_ends_nothing(path):
    sound, content = whole('WAV')
    samples, remarks = read(path, announcing(content, 'WAV', 2 * RATE))
    np.testing.assert_array_equal(samples, sound)
    assert remarks == ['announces 1.0 s, but 3.0 s are there; all of it is read']


@pytest.mark.parametrize(
    'behind', [b'LIST\x04\0\0\0INFO', b'id3 \x02\0\0\0ab', b'TAG' + bytes(125), bytes(9000), b'APETAGEX' + bytes(9000)]
)
@pytest.mark.parametrize('announced', [None, 0])
def test_what_stands_behind_the_sound_is_no_sound(path, refuses, behind, announced):
    sound, content = whole('WAV')
    if announced is None:
        samples, remarks = read(path, content + behind)
        np.testing.assert_array_equal(samples, sound)
        assert remarks == []
    elif behind.strip(b'\0'):
        path.write_bytes(announcing(content, 'WAV', 0)[:-SIZE] + behind)
        with refuses('holds no samples'):
            read_recording(path)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(container=st.sampled_from((*SIZED, 'FLAC')), share=st.floats(0.0, 1.0), is_open=st.booleans())
def test_cut_anywhere_what_is_there_is_read_and_the_rest_is_told(path, container, share, is_open):
    sound, content = whole(container)
    is_open = is_open and container == 'FLAC'
    if is_open:
        content = announcing(content, container, 0)
    content = content[: round(share * len(content))]
    try:
        samples, remarks = read(path, content)
    except SerError as error:
        assert len(content) < 8300 and str(path) in str(error)  # less than the first frame of FLAC
        return
    np.testing.assert_array_equal(samples, sound[: len(samples)])
    if container != 'FLAC':
        assert len(samples) >= (len(content) - 4200) / 2  # the longest header is that of CAF
    if len(samples) < len(sound):
        (remark,) = remarks
        assert remark.startswith('breaks off at') and remark.endswith('what is there is read')
        assert is_open or '3.0' in remark
    else:
        assert remarks == []


@pytest.mark.parametrize('subtype', ['VORBIS', 'OPUS'])
@pytest.mark.parametrize('keep', [0.4, 0.9, 1.0])
def test_ogg_that_breaks_off_is_told(path, made_sound, subtype, keep):
    content = sound_file(made_sound('pink noise', 6.0), 'OGG', subtype)
    samples, remarks = read(path, content[: int(keep * len(content))])
    assert len(samples) > (keep - 0.4) * 6.0 * RATE
    assert len(samples) < 6.0 * RATE or keep == 1.0
    assert [remark.startswith('breaks off at') for remark in remarks] == [True] * (keep < 1.0)


def test_a_second_stream_of_ogg_is_told(path, made_sound):
    content = sound_file(made_sound('pink noise', 1.0), 'OGG', 'VORBIS')
    assert read(path, 2 * content)[1] == ['holds more than one stream; only the first 1.0 s are read']


@pytest.mark.parametrize('rate', [RATE, 48_000])
@pytest.mark.parametrize('is_open', [False, True])
def test_a_second_flac_is_told(path, made_sound, rate, is_open):
    first = announcing(sound_file(made_sound('pink noise', 1.0), 'FLAC', 'PCM_16'), 'FLAC', 0 if is_open else RATE)
    second = io.BytesIO()
    soundfile.write(second, made_sound('white noise', 1.0, rate=rate), rate, format='FLAC')
    samples, remarks = read(path, first + second.getvalue())
    assert len(samples) == RATE
    assert remarks[-1] == 'holds more than one stream; only the first 1.0 s are read'


def mp3(sound, mode='VARIABLE'):
    file = io.BytesIO()
    options = {'format': 'MP3', 'bitrate_mode': mode, 'compression_level': 0.5}
    with soundfile.SoundFile(file, 'w', RATE, 1, **options) as written:
        written.write(sound)
    return file.getvalue()


@pytest.mark.parametrize('mode', ['VARIABLE', 'CONSTANT'])
@pytest.mark.parametrize('loud', ['first', 'last'])
def test_an_mp3_is_read_to_its_end_whether_or_not_it_counts_its_frames(path, made_sound, mode, loud):
    sound = np.concatenate([made_sound('white noise', 3.0), np.zeros(3 * RATE, dtype=np.float32)])
    content = mp3(sound if loud == 'first' else sound[::-1].copy(), mode)
    for file in (content, content[content.index(b'\xff\xf3', 4) :]):
        samples, remarks = read(path, file)
        assert len(samples) == pytest.approx(6.0 * RATE, abs=0.2 * RATE)
        assert remarks == []


def test_an_mp3_that_breaks_off_is_told(path, made_sound):
    content = mp3(made_sound('white noise', 6.0))
    samples, (remark,) = read(path, content[: len(content) // 2])
    assert 2.0 * RATE < len(samples) < 4.0 * RATE
    assert 'breaks off at' in remark and 'of the 6.0 s' in remark


def test_joined_mp3s_are_read_to_the_end_of_the_last(path, made_sound):
    first, second = mp3(made_sound('white noise', 3.0)), mp3(made_sound('pink noise', 2.0))
    samples, remarks = read(path, first + second)
    assert len(samples) == pytest.approx(5.0 * RATE, abs=0.3 * RATE)
    assert remarks[0].startswith('announces 3.0 s, but ')
    np.testing.assert_array_equal(samples[: 2 * RATE], read(path, first)[0][: 2 * RATE])


@pytest.mark.parametrize(
    ('container', 'length'), [('WAV', SIZE), ('WAV', 0), ('AIFF', SIZE), ('AU', 0), ('FLAC', FRAMES)]
)
def test_a_file_that_shrinks_while_it_is_read_is_told(path, container, length):
    content = announcing(whole(container)[1], container, length)
    path.write_bytes(content)
    with SoundReader(path) as reader:
        with path.open('r+b') as file:
            file.truncate(len(content) // 2)
        assert len(reader.read(FRAMES)) < FRAMES
        (remark,) = reader.remarks
        assert remark.startswith('breaks off at') and 'of the 3.0 s' in remark


@pytest.mark.parametrize('counts_frames', [True, False])
@pytest.mark.parametrize(
    'behind', [b'TAG' + bytes(125), b'APETAGEX' + bytes(3000), b'APETAGEX' + 600 * b'cover' + b'TAG' + bytes(125)]
)
def test_what_players_append_to_an_mp3_is_neither_sound_nor_a_fault(path, made_sound, counts_frames, behind):
    content = mp3(made_sound('white noise', 3.0))
    content = content if counts_frames else content[content.index(b'\xff\xf3', 4) :]
    whole, _ = read(path, content)
    samples, remarks = read(path, content + behind)
    np.testing.assert_array_equal(samples, whole)
    assert remarks == []


def test_damage_inside_an_mp3_costs_only_what_is_damaged(path, made_sound):
    content = mp3(made_sound('white noise', 6.0))
    middle = len(content) // 2
    samples, remarks = read(path, content[:middle] + 3000 * b'\x55' + content[middle:])
    assert len(samples) == pytest.approx(6.0 * RATE, abs=0.2 * RATE)
    assert remarks == ['is damaged; what can be decoded is read']


@pytest.mark.parametrize('subtype', ['GSM610', 'G721_32', 'NMS_ADPCM_16', 'NMS_ADPCM_24', 'NMS_ADPCM_32'])
@pytest.mark.parametrize('damage', ['none', 'cut', 'no length'])
def test_formats_that_cannot_go_back_are_read_again_and_again(path, made_sound, subtype, damage):
    content = sound_file(made_sound('chord', 2.0), 'WAV', subtype)
    if damage == 'cut':
        content = content[: len(content) // 2]
    elif damage == 'no length':
        content = announcing(content, 'WAV', 0)
    samples, remarks = read(path, content)
    assert len(samples) == pytest.approx((1.0 if damage == 'cut' else 2.0) * RATE, abs=0.05 * RATE)
    assert len(remarks) == (damage != 'none')


def test_flac_that_begins_with_another_block_is_read_without_a_false_claim(path):
    sound, content = whole('FLAC')
    samples, remarks = read(path, content[:4] + b'\x01\0\0\x40' + 64 * b'\xff' + content[4:])
    np.testing.assert_array_equal(samples, sound)
    assert remarks == []


def test_a_name_that_ends_in_raw_hides_no_sound(tmp_path):
    sound, content = whole('WAV')
    samples, _ = read(tmp_path / 'sound.raw', content)
    np.testing.assert_array_equal(samples, sound)


def test_ctrl_c_is_not_lost_while_libsndfile_reads(path, monkeypatch):
    path.write_bytes(announcing(whole('WAV')[1], 'WAV', 0))
    with SoundReader(path) as reader:
        monkeypatch.setattr('os.pread', lambda *place: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            reader.read(RATE)


@pytest.mark.parametrize('count', [1, 100, 20_000, FRAMES])
def test_a_place_in_the_file_is_found_in_every_format(path, count):
    for container, subtype in (('WAV', 'PCM_16'), ('FLAC', 'PCM_16'), ('WAV', 'G721_32'), ('AU', 'PCM_16')):
        path.write_bytes(announcing(sound_file(noise(FRAMES), container, subtype), container, 0))
        with SoundReader(path) as reader:
            expected = reader.read(FRAMES)[count : count + 50]
            reader.seek(count)
            np.testing.assert_array_equal(reader.read(50), expected)
