# SPDX-License-Identifier: Apache-2.0
"""The microphone, on a stand-in for sounddevice whose driver the test plays."""

import types

import numpy as np
import pytest

from ser_ros.audio import microphone
from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.audio.microphone import MicrophoneSource, list_microphones
from ser_ros.audio.source import SourceUnavailable

WALL_CLOCK = 5000.0
MONOTONIC = 100.0


@pytest.fixture
def frozen(monkeypatch):
    """Stop the clocks, so that capture times are exact."""
    monkeypatch.setattr(microphone, 'time', types.SimpleNamespace(monotonic=lambda: MONOTONIC))


def started(sounddevice, device='', **options):
    source = MicrophoneSource(device, clock=lambda: WALL_CLOCK, **options)
    source.open()
    source.start()
    return source, sounddevice.streams[-1]


def read_samples(source):
    blocks = []
    while (block := source.read(timeout=0.0)) is not None:
        blocks.append(block.samples)
    return np.concatenate(blocks)


def test_a_device_that_takes_16_khz_is_opened_at_16_khz(sounddevice, made_sound):
    sounddevice.add('USB Audio')
    source, stream = started(sounddevice)
    sound = made_sound('white noise', 0.032)
    stream.deliver(sound[:, np.newaxis])
    np.testing.assert_array_equal(source.read(timeout=0.0).samples, sound)
    assert (stream.samplerate, stream.blocksize, stream.channels) == (SAMPLE_RATE, 512, 1)
    assert source.description == "microphone 'USB Audio', 16000 Hz"
    assert source.live


@pytest.mark.parametrize('rate', [8_000, 44_100, 48_000])
def test_a_device_that_refuses_16_khz_is_opened_at_its_own_rate_and_resampled(sounddevice, made_sound, rate):
    sounddevice.add('USB Audio', rate=rate, rates=(rate,))
    source, stream = started(sounddevice)
    assert sounddevice.tried_rates == [SAMPLE_RATE, rate]
    assert source.description == f"microphone 'USB Audio', {rate} Hz"
    sound = made_sound('chord', 1.0, rate=rate)
    for at in range(0, len(sound), stream.blocksize):
        stream.deliver(sound[at : at + stream.blocksize, np.newaxis])
    heard = read_samples(source)
    # What is missing is still in the resampler: the microphone has not ended.
    assert 0.9 * SAMPLE_RATE < len(heard) <= SAMPLE_RATE
    np.testing.assert_allclose(heard, made_sound('chord', 1.0)[: len(heard)], atol=5e-4)


@pytest.mark.parametrize(('channel', 'opened', 'expected'), [(0, 1, 0.0), (2, 3, 2.0), (3, 4, 3.0), (-1, 4, 1.5)])
def test_channel_of_an_array(sounddevice, channel, opened, expected):
    sounddevice.add('Array', channels=4)
    source, stream = started(sounddevice, channel=channel)
    assert stream.channels == opened
    stream.deliver(np.tile(np.arange(opened, dtype=np.float32), (512, 1)))
    assert source.read(timeout=0.0).samples.tolist() == [expected] * 512


def test_a_channel_that_the_device_lacks_is_refused(sounddevice, refuses):
    sounddevice.add('Stereo', channels=2)
    with refuses("'Stereo'", '2 channel(s)', 'audio.channel 2', '0..1'):
        MicrophoneSource('', channel=2).open()
    assert sounddevice.streams == []


def test_a_device_that_refuses_every_rate_gives_the_script_that_lists_devices(sounddevice, refuses):
    sounddevice.add('Broken', rate=44_100, rates=())
    with refuses("'Broken'", '16000 and 44100 Hz', 'Invalid sample rate', 'ros2 run ser_ros devices'):
        MicrophoneSource().open()


def test_a_device_in_use_is_refused_and_opens_once_it_is_free(sounddevice, refuses):
    sounddevice.add('USB Audio')
    first, second = MicrophoneSource(), MicrophoneSource()
    first.open()
    with refuses('Device unavailable', 'close other programs'):
        second.open()
    first.close()
    second.open()
    assert not sounddevice.streams[-1].closed


@pytest.mark.parametrize('device', ['Nowhere', '7', '0', '-1'])
def test_a_device_that_is_not_there_is_refused(sounddevice, refuses, device):
    sounddevice.add('Speakers', channels=0)
    sounddevice.add('USB Audio')
    with refuses(f"audio.device '{device}'", 'ros2 run ser_ros devices'):
        MicrophoneSource(device).open()


def test_a_name_that_two_devices_have_is_refused(sounddevice, refuses):
    sounddevice.add('USB Audio left')
    sounddevice.add('USB Audio right')
    with refuses("audio.device 'usb'", 'Multiple input devices', 'only one has', 'ros2 run ser_ros devices'):
        MicrophoneSource('usb').open()


def test_no_microphone_at_all_is_refused(sounddevice, refuses):
    sounddevice.add('Speakers', channels=0)
    with refuses('no default microphone', 'audio.device'):
        MicrophoneSource().open()


@pytest.mark.parametrize('device', ['1', 'head', 'Head Array', ''])
def test_a_device_is_found_by_index_or_part_of_its_name(sounddevice, device):
    sounddevice.add('Speakers', channels=0)
    sounddevice.add('Head Array')
    MicrophoneSource(device).open()
    assert sounddevice.streams[-1].device == 1


def test_without_portaudio_the_apt_command_is_named(no_portaudio, refuses):
    with refuses('PortAudio', 'sudo apt install libportaudio2'):
        MicrophoneSource().open()


def test_a_stream_that_does_not_start_is_refused(sounddevice, refuses):
    sounddevice.add('USB Audio')
    source = MicrophoneSource()
    source.open()
    sounddevice.streams[-1].refuses_to_start = True
    with refuses('did not start', 'Unanticipated host error'):
        source.start()


def test_overflows_of_the_driver_are_counted(sounddevice):
    sounddevice.add('USB Audio')
    source, stream = started(sounddevice)
    for overflow in (False, True, False, True):
        stream.deliver(np.zeros((512, 1)), overflow=overflow)
    assert source.losses['overflows'] == 2
    assert [source.read(timeout=0.0).after_gap for _ in range(4)] == [False, True, False, True]


def test_a_reader_that_stalls_loses_new_sound_and_the_loss_is_counted(sounddevice, monkeypatch):
    monkeypatch.setattr(microphone, '_QUEUE_BLOCKS', 10)
    sounddevice.add('USB Audio')
    source, stream = started(sounddevice)
    for at in range(13):
        stream.deliver(np.full((512, 1), at, dtype=np.float32))
    assert source.losses['overflows'] == 3
    assert sorted(set(read_samples(source))) == list(range(10))
    stream.deliver(np.zeros((512, 1)))
    stream.deliver(np.zeros((512, 1)))
    assert [source.read(timeout=0.0).after_gap for _ in range(2)] == [True, False]


def test_what_the_driver_does_to_its_buffer_afterwards_changes_nothing(sounddevice):
    sounddevice.add('Array', channels=2)
    source, stream = started(sounddevice, channel=1)
    for value in (0.25, 0.5):
        stream.deliver(np.full((512, 2), value, dtype=np.float32))
    assert set(source.read(timeout=0.0).samples) == {0.25}
    assert set(source.read(timeout=0.0).samples) == {0.5}


@pytest.mark.parametrize('delay', [0.032, 0.4, 12.0])
def test_the_capture_time_is_that_of_the_first_sample(sounddevice, frozen, delay):
    sounddevice.add('USB Audio')
    source, stream = started(sounddevice)
    stream.deliver(np.zeros((512, 1)), delay=delay)
    block = source.read(timeout=0.0)
    assert block.start_time == pytest.approx(WALL_CLOCK - delay)
    assert block.arrival == pytest.approx(MONOTONIC - delay + 0.032)


@pytest.mark.parametrize('delay', [-0.5, 0.0, 0.031, 31.0, 1e9, float('nan')])
def test_a_capture_time_that_cannot_be_is_replaced_by_the_length_of_the_block(sounddevice, frozen, delay):
    sounddevice.add('USB Audio')
    source, stream = started(sounddevice)
    stream.deliver(np.zeros((512, 1)), delay=delay)
    assert source.read(timeout=0.0).start_time == pytest.approx(WALL_CLOCK - 0.032)


def test_time_spent_in_the_queue_does_not_move_the_capture_time(sounddevice, monkeypatch):
    now = types.SimpleNamespace(monotonic=lambda: MONOTONIC)
    monkeypatch.setattr(microphone, 'time', now)
    sounddevice.add('USB Audio')
    source = MicrophoneSource(clock=lambda: WALL_CLOCK + now.monotonic())
    source.open()
    source.start()
    sounddevice.streams[-1].deliver(np.zeros((512, 1)), delay=0.1)
    now.monotonic = lambda: MONOTONIC + 3.0
    assert source.read(timeout=0.0).start_time == pytest.approx(WALL_CLOCK + MONOTONIC - 0.1)


def test_read_gives_none_where_no_sound_comes(sounddevice):
    sounddevice.add('USB Audio')
    source, _ = started(sounddevice)
    assert source.read(timeout=0.01) is None


def test_close_lets_go_and_open_works_again(sounddevice):
    sounddevice.add('USB Audio')
    source, stream = started(sounddevice)
    stream.deliver(np.zeros((512, 1)), overflow=True)
    source.open()
    assert len(sounddevice.streams) == 1
    source.close()
    source.close()
    assert stream.closed
    source.open()
    source.start()
    again = sounddevice.streams[-1]
    assert again is not stream and again.started
    assert source.losses['overflows'] == 1
    assert source.read(timeout=0.0) is None
    again.deliver(np.ones((512, 1)))
    assert set(source.read(timeout=0.0).samples) == {1.0}


def test_what_comes_back_is_looked_for_anew_and_by_name_where_it_had_an_index(sounddevice):
    sounddevice.add('Camera')
    sounddevice.add('Head Array')
    source = MicrophoneSource('1')
    source.open()
    source.close()
    assert sounddevice.scans == 1
    sounddevice.devices.clear()
    sounddevice.streams.clear()
    sounddevice.add('Head Array')
    sounddevice.add('Camera')
    source.open()
    assert (sounddevice.scans, sounddevice.initialised) == (2, True)
    assert sounddevice.streams[-1].device == 0


def test_broken_samples_become_silence_and_are_counted(sounddevice):
    sounddevice.add('USB Audio', rate=48_000, rates=(48_000,))
    source, stream = started(sounddevice)
    sound = np.full((stream.blocksize, 1), 0.5, dtype=np.float32)
    sound[10:13] = [[np.nan], [np.inf], [-np.inf]]
    for frames in (sound, np.full_like(sound, 0.5), np.full_like(sound, 1e30)):
        stream.deliver(frames)
    heard = read_samples(source)
    assert np.isfinite(heard).all() and np.abs(heard).max() < 1.5
    assert source.losses['broken samples'] == 3 + stream.blocksize


def test_a_microphone_that_was_never_opened_can_be_closed():
    MicrophoneSource().close()


def test_only_inputs_are_listed(sounddevice):
    sounddevice.add('Speakers', channels=0)
    sounddevice.add('USB Audio', channels=2)
    assert [(info['index'], info['name']) for info in list_microphones()] == [(1, 'USB Audio')]


def test_what_comes_after_the_first_look_is_found_when_it_is_looked_for_again(sounddevice, refuses):
    source = MicrophoneSource('USB')
    with pytest.raises(SourceUnavailable):
        source.open()
    sounddevice.add('USB Audio')
    source.open()
    assert sounddevice.scans == 2 and not sounddevice.streams[-1].closed


def test_a_sound_server_that_fails_to_start_is_tried_again(sounddevice, refuses):
    source = MicrophoneSource()
    with pytest.raises(SourceUnavailable):
        source.open()
    sounddevice.host_runs = False
    for _ in range(2):
        with refuses('PortAudio does not start', 'Unanticipated host error'):
            source.open()
    sounddevice.host_runs = True
    sounddevice.add('USB Audio')
    source.open()
    assert sounddevice.streams[-1].samplerate == 16_000


@pytest.mark.parametrize('fault', ['none', 'busy', 'silent'])
def test_what_may_come_yet_is_told_from_what_is_wrong(sounddevice, fault):
    if fault != 'none':
        sounddevice.add('USB Audio', rates=() if fault == 'busy' else (16_000,))
    source = MicrophoneSource()
    with pytest.raises(SourceUnavailable):
        source.open()
        sounddevice.streams[-1].refuses_to_start = True
        source.start()
