# SPDX-License-Identifier: Apache-2.0
"""Clips are decoded once, exactly as the robot hears them, and what is cached is never stale, half or broken."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_ros.audio.file import read_recording
from ser_ros.errors import SerError
from ser_ros.training.data import recordings
from ser_ros.training.data.clip import Clip
from ser_ros.training.data.recordings import load_recordings


@pytest.fixture
def clips(tmp_path, made_sound):
    """Return three clips: 16 kHz WAV, stereo FLAC at 48 kHz, and a tone that the detector does not take for speech."""
    soundfile.write(tmp_path / 'a.wav', made_sound('chord', 0.7), 16_000)
    stereo = np.stack([made_sound('chord', 0.5, rate=48_000), made_sound('white noise', 0.5, rate=48_000)], axis=1)
    soundfile.write(tmp_path / 'b.flac', stereo, 48_000)
    soundfile.write(tmp_path / 'c.wav', made_sound('tone', 0.3), 16_000)
    return tuple(Clip(tmp_path / name, name, 'happy') for name in ('a.wav', 'b.flac', 'c.wav'))


@pytest.fixture
def decoded(monkeypatch):
    """Return the names of the files that have been decoded, in that order."""
    names = []

    def noted(path, **options):
        names.append(Path(path).name)
        return read_recording(path, **options)

    monkeypatch.setattr(recordings, 'read_recording', noted)
    return names


def test_samples_are_exactly_what_the_robot_hears(clips):
    for _ in ('decoded', 'from the cache'):
        loaded = load_recordings(clips)
        assert [recording.clip for recording in loaded] == list(clips)
        for recording in loaded:
            assert recording.samples.dtype == np.float32
            np.testing.assert_array_equal(recording.samples, read_recording(recording.clip.path))


def test_speech_is_where_the_segmenter_finds_it(clips, monkeypatch):
    class Scripted:
        """Hears speech from the 4th to the 15th chunk of 32 ms of every stream."""

        def __init__(self):
            self.reset()

        def reset(self):
            self.chunks = 0

        def speech_probability(self, chunk):
            self.chunks += 1
            return 0.9 if 4 <= self.chunks <= 15 else 0.0

    monkeypatch.setattr(recordings, 'FusedVad', Scripted)
    a, b, _c = load_recordings(clips)
    assert 0.0 < a.speech[0] < 0.2 and 0.4 < a.speech[1] < 0.7
    assert 0.0 < b.speech[0] < 0.2 and 0.3 < b.speech[1] <= 0.5
    assert 0 < len(a.utterance) <= len(a.samples)
    assert load_recordings(clips[:1])[0].speech == a.speech


def test_a_clip_without_speech_counts_whole(clips):
    (recording,) = load_recordings(clips[2:])
    assert recording.speech == (0.0, 0.3)
    np.testing.assert_array_equal(recording.utterance, recording.samples)


def test_each_file_is_decoded_once_whatever_is_said_of_it(clips, decoded):
    first = load_recordings(clips)
    relabelled = [Clip(clip.path, f'new {clip.name}', 'sad', 'Ann') for clip in reversed(clips)]
    again = load_recordings([*relabelled, relabelled[0]])
    assert decoded == ['a.wav', 'b.flac', 'c.wav']
    assert [recording.clip for recording in again] == [*relabelled, relabelled[0]]
    for recording, as_first in zip(again, [*reversed(first), first[2]], strict=True):
        np.testing.assert_array_equal(recording.samples, as_first.samples)


def test_another_choice_of_corpora_decodes_none_anew(clips, decoded):
    one, other, third = (replace(clip, corpus=clip.name) for clip in clips)
    load_recordings([one, other])
    load_recordings([third, one])
    assert decoded == ['a.wav', 'b.flac', 'c.wav']


def test_samples_are_shared_by_processes_and_cannot_be_changed(clips):
    (recording, *_) = load_recordings(clips)
    with pytest.raises(ValueError, match='read-only'):
        recording.samples[0] = 1.0
    assert not recording.samples.flags.owndata
    assert 'generator-train.arrow' in Path('/proc/self/maps').read_text()


def test_no_clips_are_no_recordings(cache):
    assert load_recordings(()) == [] and not cache.exists()


@pytest.mark.parametrize('change', ['content', 'time', 'package', 'code'])
def test_what_decides_a_recording_makes_it_anew(clips, decoded, change, monkeypatch, tmp_path, made_sound):
    code = tmp_path / 'code.py'
    code.write_text('MARGIN = 0.1')
    monkeypatch.setattr(recordings, '_CODE', (*recordings._CODE, code))
    load_recordings(clips)
    path = clips[0].path
    if change == 'content':
        soundfile.write(path, made_sound('chord', 0.9), 16_000)
    elif change == 'time':
        os.utime(path, ns=(0, 0))
    elif change == 'package':
        monkeypatch.setattr(recordings, 'version', lambda name: '0.0')
    else:
        code.write_text('MARGIN = 0.2')
    assert len(load_recordings(clips)[0].samples) == 16_000 * (0.9 if change == 'content' else 0.7)
    assert decoded == ['a.wav', 'b.flac', 'c.wav'] * 2


def test_the_code_that_cuts_and_decodes_is_watched():
    watched = {
        path.name for source in recordings._CODE for path in ([source] if source.is_file() else source.glob('*'))
    }
    assert {'segmenter.py', 'endpoints.py', 'vad.py', 'file.py', 'resampling.py', 'recordings.py'} <= watched


def test_all_bad_clips_are_told_together_and_nothing_is_kept(clips, tmp_path, decoded, made_sound):
    soundfile.write(tmp_path / 'short.wav', made_sound('chord', 0.09), 16_000)
    (tmp_path / 'text.wav').write_text('no sound')
    soundfile.write(tmp_path / 'slow.wav', made_sound('chord', 0.5), 10)
    bad = [Clip(tmp_path / name, name, 'sad') for name in ('gone.wav', 'short.wav', 'slow.wav', 'text.wav')]
    for _ in ('first', 'again'):
        with pytest.raises(SerError) as caught:
            load_recordings((*bad, *clips))
        headline, *listed = str(caught.value).split('\n')
        assert '4 of 7 clips cannot be used' in headline and 'replace or remove' in headline
        for line, texts in zip(
            listed,
            [
                ('gone.wav does not exist',),
                ('short.wav lasts 0.090 s', '0.1 s'),
                ('slow.wav has a rate of 10 Hz',),
                ('text.wav',),
            ],
            strict=True,
        ):
            assert [text for text in texts if text not in line] == []
    assert len(load_recordings(clips)) == 3


def test_what_is_remarkable_is_told_each_time_and_a_kind_once(clips, tmp_path, capsys, made_sound):
    whole = clips[1].path.read_bytes()
    cut, scaled = [tmp_path / f'cut{number}.flac' for number in range(3)], tmp_path / 'scaled.wav'
    for number, path in enumerate(cut):
        path.write_bytes(whole[: len(whole) * (number + 6) // 9])
    sound = made_sound('chord', 0.7)
    soundfile.write(scaled, 32768 * sound, 16_000, subtype='FLOAT')
    for _ in ('decoded', 'from the cache'):
        capsys.readouterr()
        *_, last = load_recordings([Clip(path, path.name, 'sad') for path in (*cut, scaled)])
        np.testing.assert_array_equal(last.samples, sound)
        told = [line for line in capsys.readouterr().err.splitlines() if str(tmp_path) in line]
        assert len(told) == 2
        assert '3 of 4 files' in told[0] and 'cut0.flac breaks off at' in told[0]
        assert f'{scaled} has samples up to' in told[1] and 'divided by 32768' in told[1]
    load_recordings(clips)
    assert str(tmp_path) not in capsys.readouterr().err


@pytest.mark.parametrize('what', ['no samples', 'short'])
def test_one_bad_clip_is_told_in_one_sentence(refuses, tmp_path, what):
    soundfile.write(tmp_path / 'bad.wav', np.zeros(0 if what == 'no samples' else 100), 16_000)
    with refuses('1 of 1 clips cannot be used', 'bad.wav'):
        load_recordings([Clip(tmp_path / 'bad.wav', 'bad', 'sad')])


def test_an_interrupted_run_leaves_nothing_that_counts(clips, monkeypatch, decoded, cache):
    def interrupt(path, **options):
        if path.endswith('b.flac'):
            raise KeyboardInterrupt
        return read_recording(path, **options)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(recordings, 'read_recording', interrupt)
        load_recordings(clips)
    assert list(cache.rglob('*.arrow')) == []
    assert len(load_recordings(clips)) == 3 and len(decoded) == 3


def test_a_disk_without_room_is_told(clips, cache, refuses, disk_without_room, decoded):
    with disk_without_room(), refuses('cannot be kept in', str(cache), 'free some space', 'SER_ROS_CACHE'):
        load_recordings(clips)
    assert list(cache.rglob('*.arrow')) == []
    assert len(load_recordings(clips)) == 3


def test_a_cache_that_cannot_be_written_is_told(clips, refuses, tmp_path, monkeypatch):
    (tmp_path / 'file').touch()
    monkeypatch.setenv('SER_ROS_CACHE', str(tmp_path / 'file'))
    with refuses('cannot be kept in', 'Not a directory'):
        load_recordings(clips)


@pytest.mark.parametrize('damage', [b'', b'no Arrow file at all'])
def test_a_damaged_cache_is_told(clips, cache, refuses, damage):
    load_recordings(clips)
    (file,) = cache.rglob('*.arrow')
    file.unlink()
    file.write_bytes(damage)
    with refuses('cannot be kept in', str(cache), 'remove that folder if it is damaged'):
        load_recordings(clips)


PROCESS = """
import os, sys
from dataclasses import replace
from pathlib import Path
from ser_ros.training.data import recordings
from ser_ros.training.data.clip import Clip

read = recordings.read_recording
def read_and_tell(path, **options):
    print('decoded', flush=True)
    if 'die' in sys.argv and path.endswith('c.wav'):
        os._exit(9)
    return read(path, **options)
recordings.read_recording = read_and_tell
clips = [Clip(path, path.name, 'sad') for path in sorted(Path(sys.argv[1]).glob('?.*'))]
print('sum', sum(float(recording.samples.sum()) for recording in recordings.load_recordings(clips)))
"""


def start(folder, *arguments):
    return subprocess.Popen([sys.executable, '-c', PROCESS, folder, *arguments], stdout=subprocess.PIPE, text=True)


def test_processes_at_once_after_one_that_was_killed(clips, tmp_path, cache):
    with start(tmp_path, 'die') as killed:
        assert killed.communicate()[0].split() == ['decoded'] * 3
    assert len(list(cache.rglob('*.incomplete'))) == 1
    with start(tmp_path) as one, start(tmp_path) as other:
        said = (one.communicate()[0] + other.communicate()[0]).splitlines()
    assert said.count('decoded') == 3
    expected = sum(float(read_recording(clip.path).sum()) for clip in clips)
    assert [line for line in said if line != 'decoded'] == [f'sum {expected}'] * 2
