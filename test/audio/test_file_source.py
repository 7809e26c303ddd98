# SPDX-License-Identifier: Apache-2.0
"""The file source: any format gives the same sound, paced as asked, and bad files give one sentence."""

import itertools
import time

import numpy as np
import pytest
import soundfile

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.audio.file import FileSource, check_recording, read_recording
from ser_ros.audio.source import EndOfAudio

DURATION = 0.5
FORMATS = [('wav', subtype) for subtype in ('PCM_16', 'PCM_24', 'FLOAT', 'DOUBLE')]
FORMATS += [('flac', subtype) for subtype in ('PCM_16', 'PCM_24')]


def read_all(source, timeout=1.0):
    blocks = []
    while True:
        try:
            block = source.read(timeout)
        except EndOfAudio:
            return blocks
        if block is not None:
            blocks.append(block)


def opened(path, **options):
    source = FileSource(path, **{'realtime': False, **options})
    source.open()
    source.start()
    return source


@pytest.fixture
def wav(tmp_path):
    """Return write(samples, rate, subtype): a WAV file's path."""

    def write(samples, rate=SAMPLE_RATE, subtype='FLOAT', name='sound.wav'):
        soundfile.write(tmp_path / name, samples, rate, subtype=subtype)
        return tmp_path / name

    return write


@pytest.mark.parametrize('channels', [1, 2])
@pytest.mark.parametrize(('extension', 'subtype'), FORMATS)
@pytest.mark.parametrize('rate', [8_000, 16_000, 22_050, 44_100, 48_000])
def test_every_format_gives_the_same_sound_at_16_khz(made_sound, tmp_path, rate, extension, subtype, channels):
    sound = made_sound('chord', DURATION, rate=rate)
    path = tmp_path / f'sound.{extension}'
    soundfile.write(path, np.column_stack([sound, -sound][:channels]), rate, subtype=subtype)
    blocks = read_all(opened(path))
    heard = np.concatenate([block.samples for block in blocks])
    assert heard.dtype == np.float32
    assert len(heard) == DURATION * SAMPLE_RATE
    np.testing.assert_allclose(heard, made_sound('chord', DURATION), atol=5e-4)


@pytest.mark.parametrize('rate', [8_000, 16_000, 22_050, 48_000])
def test_capture_times_begin_at_the_clock_and_have_no_gaps(made_sound, wav, rate):
    blocks = read_all(opened(wav(made_sound('tone', DURATION, rate=rate), rate), clock=lambda: 1234.5))
    assert blocks[0].start_time == pytest.approx(1234.5, abs=1e-9)
    for block, following in itertools.pairwise(blocks):
        assert following.start_time == pytest.approx(block.start_time + block.duration, abs=1e-6)
    assert blocks[-1].start_time + blocks[-1].duration == pytest.approx(1234.5 + DURATION, abs=1e-4)


def test_channel_picks_one_and_minus_one_is_the_mean(made_sound, wav):
    left, right = made_sound('tone', DURATION), made_sound('white noise', DURATION)
    path = wav(np.column_stack([left, right]))
    np.testing.assert_array_equal(read_recording(path, channel=0), left)
    np.testing.assert_array_equal(read_recording(path, channel=1), right)
    np.testing.assert_allclose(read_recording(path, channel=-1), (left + right) / 2, atol=1e-7)


@pytest.mark.parametrize('channel', [2, 7, -2])
def test_a_channel_that_does_not_exist_is_refused(made_sound, wav, refuses, channel):
    path = wav(np.column_stack([made_sound('tone', DURATION)] * 2))
    with refuses(str(path), '2 channel(s)', f'audio.channel {channel}', '0..1'):
        FileSource(path, channel=channel).open()


@pytest.mark.parametrize('timeout', [0.005, 10.0])
def test_real_time_is_paced_and_says_so_between_blocks(made_sound, wav, timeout):
    path = wav(made_sound('tone', 0.3))
    started = time.monotonic()
    source = opened(path, realtime=True)
    waits, heard = 0, 0.0
    while True:
        try:
            block = source.read(timeout)
        except EndOfAudio:
            break
        if block is None:
            waits += 1
            continue
        heard += block.duration
        assert time.monotonic() - started >= heard - 1e-6
    assert heard == pytest.approx(0.3)
    assert (waits > 0) == (timeout < 0.032)
    assert source.live


def test_real_time_arrivals_are_those_of_a_microphone(made_sound, wav):
    blocks = read_all(opened(wav(made_sound('tone', 0.1)), realtime=True))
    for block, following in itertools.pairwise(blocks):
        assert following.arrival - block.arrival == pytest.approx(following.duration, abs=1e-6)


def test_as_fast_as_it_goes_never_sleeps(made_sound, wav, monkeypatch):
    source = opened(wav(made_sound('tone', 2.0)))
    monkeypatch.setattr(time, 'sleep', lambda seconds: pytest.fail(f'slept {seconds} s'))
    assert sum(block.duration for block in read_all(source)) == pytest.approx(2.0)
    assert not source.live


def test_the_end_stays_the_end(made_sound, wav):
    source = opened(wav(made_sound('tone', 0.1)))
    read_all(source)
    for _ in range(2):
        with pytest.raises(EndOfAudio):
            source.read(0.0)


@pytest.mark.parametrize('rate', [16_000, 44_100])
def test_it_can_be_closed_opened_and_started_again(made_sound, wav, rate):
    source = opened(wav(made_sound('chord', DURATION, rate=rate), rate))
    first = np.concatenate([block.samples for block in read_all(source)])
    source.start()
    source.read(0.0)
    source.close()
    source.close()
    source.open()
    source.open()
    source.start()
    np.testing.assert_array_equal(np.concatenate([block.samples for block in read_all(source)]), first)


def test_a_closed_source_can_be_closed(tmp_path):
    FileSource(tmp_path / 'nowhere.wav').close()


def test_read_recording_is_what_the_blocks_hold(made_sound, wav):
    path = wav(made_sound('chord', DURATION, rate=44_100), 44_100)
    blocks = read_all(opened(path))
    np.testing.assert_array_equal(read_recording(path), np.concatenate([block.samples for block in blocks]))


def test_sound_louder_than_full_scale_is_left_alone(wav):
    sound = np.linspace(-3, 3, 1600, dtype=np.float32)
    np.testing.assert_array_equal(read_recording(wav(sound)), sound)


def test_description_names_the_file(tmp_path):
    source = FileSource(tmp_path / 'talk.wav')
    assert source.description == f'file {tmp_path / "talk.wav"}'
    assert source.losses == {}


def missing(folder):
    return folder / 'nowhere.wav', 'does not exist'


def a_folder(folder):
    return folder, 'is not a file'


def empty(folder):
    (folder / 'empty.wav').touch()
    return folder / 'empty.wav', 'it is empty'


def truncated_header(folder):
    soundfile.write(folder / 'whole.wav', np.zeros(1600), SAMPLE_RATE)
    (folder / 'cut.wav').write_bytes((folder / 'whole.wav').read_bytes()[:20])
    return folder / 'cut.wav', 'cannot be read as sound'


def text_named_wav(folder):
    (folder / 'letter.wav').write_text('Dear robot,\nhow do you feel?\n')
    return folder / 'letter.wav', 'cannot be read as sound'


def zero_frames(folder):
    soundfile.write(folder / 'zero.wav', np.zeros(0), SAMPLE_RATE)
    return folder / 'zero.wav', 'holds no samples'


def not_a_number(value, subtype):
    def make(folder):
        sound = np.zeros(40_000)
        sound[-1] = value
        soundfile.write(folder / 'broken.wav', sound, SAMPLE_RATE, subtype=subtype)
        return folder / 'broken.wav', 'NaN or infinite'

    make.__name__ = f'{value}_in_{subtype}'
    return make


BAD_FILES = [missing, a_folder, empty, truncated_header, text_named_wav, zero_frames]
BAD_FILES += [not_a_number(value, subtype) for value in (np.nan, np.inf, -np.inf) for subtype in ('FLOAT', 'DOUBLE')]


@pytest.mark.parametrize('make', BAD_FILES, ids=lambda make: make.__name__)
def test_a_bad_file_is_refused_in_one_sentence(tmp_path, refuses, make):
    path, fact = make(tmp_path)
    with refuses(str(path), fact):
        FileSource(path).open()


def test_a_source_that_was_refused_is_refused_again(made_sound, wav, refuses):
    source = FileSource(wav(made_sound('tone', DURATION)), channel=1)
    for _ in range(2):
        with refuses('audio.channel 1 does not exist'):
            source.open()


@pytest.mark.parametrize('keep', [0.3, 0.9])
def test_a_flac_file_that_breaks_off_plays_what_is_there_and_tells(made_sound, tmp_path, keep):
    sound = made_sound('white noise', 3.0)
    soundfile.write(tmp_path / 'whole.flac', sound, SAMPLE_RATE)
    content = (tmp_path / 'whole.flac').read_bytes()
    path = tmp_path / 'cut.flac'
    path.write_bytes(content[: int(len(content) * keep)])
    source = opened(path)
    assert source.remark == ''
    heard = np.concatenate([block.samples for block in read_all(source)])
    assert (keep - 0.1) * 3.0 * SAMPLE_RATE < len(heard) < keep * 3.0 * SAMPLE_RATE
    np.testing.assert_allclose(heard, sound[: len(heard)], atol=1e-4)
    assert 'breaks off at' in source.remark and 'of the 3.0 s that it announces' in source.remark
    assert source.problem == ''


def test_a_wav_file_that_breaks_off_plays_what_is_there_and_tells(made_sound, tmp_path, wav):
    sound = made_sound('white noise', 1.0)
    content = wav(sound, subtype='FLOAT').read_bytes()
    path = tmp_path / 'cut.wav'
    path.write_bytes(content[: len(content) // 2])
    remarks = []
    heard = read_recording(path, remarks=remarks)
    assert 0.4 * len(sound) < len(heard) <= 0.5 * len(sound)
    np.testing.assert_array_equal(heard, sound[: len(heard)])
    assert remarks == ['breaks off at 0.5 s of the 1.0 s that it announces; what is there is read']


@pytest.mark.parametrize('rate', [1, 10, 15, 16, 100, 1_234, 3_999, 400_000, 10_000_000, 2**31 - 1])
def test_a_rate_that_no_sound_has_is_refused(wav, refuses, rate):
    path = wav(np.zeros(1600), rate)
    for read in (lambda: FileSource(path).open(), lambda: read_recording(path), lambda: check_recording(path)):
        with refuses(str(path), f'rate of {rate:g} Hz', '4000..384000'):
            read()
