# SPDX-License-Identifier: Apache-2.0
"""The script that lists microphones."""

import os
import subprocess
import sys

import pytest

from ser_ros.cli.devices import main


def test_microphones_are_listed_with_what_audio_device_takes(sounddevice, capsys):
    sounddevice.add('Speakers', channels=0)
    sounddevice.add('USB Audio', channels=2, rate=44_100)
    sounddevice.add('Head Array', channels=16)
    assert main([]) == 0
    header, *rows = [line.split(maxsplit=4) for line in capsys.readouterr().out.splitlines()]
    assert header == ['index', 'channels', 'rate', 'name']
    assert rows == [['1', '2', '44100', 'Hz', 'USB Audio'], ['2', '16', '48000', 'Hz', 'Head Array']]


def test_no_microphone_is_one_sentence_and_exit_code_1(sounddevice, capsys):
    sounddevice.add('Speakers', channels=0)
    assert main([]) == 1
    out, err = capsys.readouterr()
    assert out == ''
    assert err == 'devices: PortAudio sees no microphone; connect one, or start PulseAudio or PipeWire\n'


def test_no_portaudio_is_one_sentence_with_the_apt_command(no_portaudio, capsys):
    assert main([]) == 1
    assert capsys.readouterr().err.count('\n') == 1


def test_run_as_a_module_it_still_says_its_name(tmp_path):
    (tmp_path / 'sounddevice.py').write_text("raise OSError('PortAudio library not found')\n")
    environment = os.environ | {'PYTHONPATH': os.pathsep.join([str(tmp_path), *filter(None, sys.path)])}
    done = subprocess.run(
        [sys.executable, '-m', 'ser_ros.cli.devices'], capture_output=True, text=True, env=environment, check=False
    )
    assert (done.returncode, done.stdout) == (1, '')
    assert done.stderr.startswith('devices: PortAudio') and done.stderr.count('\n') == 1


def test_help_holds_an_example(capsys):
    with pytest.raises(SystemExit) as ended:
        main(['--help'])
    assert ended.value.code == 0
    assert 'ros2 run ser_ros devices' in capsys.readouterr().out
