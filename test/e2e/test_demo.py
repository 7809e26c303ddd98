# SPDX-License-Identifier: Apache-2.0
"""`demo` as a user runs it."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request

import numpy as np
import pytest
import soundfile

from ser_ros.cli.demo import _compared, _Said, _verdict
from ser_ros.emotions import LABELS, UNKNOWN
from ser_ros.errors import SerError
from ser_ros.resources import share_folder


def demo(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, '-m', 'ser_ros.cli.demo', *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_the_recording_is_answered_message_by_message(ros_domain):
    """On the embedded default model, in real time; what was acted stands beside what was heard."""
    said = json.loads((share_folder() / 'demo' / 'acted.json').read_text())['utterances']
    acted = [one['acted'] for one in said]
    finished = demo()
    assert finished.returncode == 0, finished.stderr
    heads = re.findall(
        r'utterance (\d+): ([A-Z]+) .* latency \d+\.\d\d s, used to (\d+) utterance\(s\)\n    (.*)', finished.stdout
    )
    assert [int(number) for number, *_ in heads] == list(range(1, len(said) + 1))
    told_apart = [label for label in LABELS if label != 'calm']
    assert f"it is told emotion.labels '{', '.join(told_apart)}'" in finished.stdout
    assert {emotion.lower() for _, emotion, *_ in heads} <= {*told_apart, UNKNOWN}
    assert [int(count) for *_, count, _ in heads] == list(range(len(said)))
    for (*_, who), one in zip(heads, said, strict=True):
        assert who == f'{one["person"]}, acting {one["acted"].upper() or "nothing"}'
    for label in LABELS:
        bars = re.findall(rf'^ +{label} +\S+ +\d+\.\d%$', finished.stdout, re.MULTILINE)
        assert len(bars) == (len(said) if label in told_apart else 0)
    right = sum(emotion.lower() == label for (_, emotion, *_), label in zip(heads, acted, strict=True) if label)
    assert f'{right} of {len(list(filter(None, acted)))} acted emotions were heard as acted' in finished.stdout
    assert f'{len(said)} utterance(s) heard, {len(said)} final message(s) received' in finished.stdout


def test_misses_are_shown_beside_what_was_acted():
    said = [_Said('a', 'happy'), _Said('b', ''), _Said('a', 'sad'), _Said('a', 'angry')]
    assert _compared(said, {1: 'happy', 2: 'calm', 3: 'fearful'}).splitlines() == [
        '',
        '  acted      heard',
        '  happy      happy      as acted',
        '  nothing    calm',
        '  sad        fearful    missed',
        '  angry      nothing    missed',
        '1 of 3 acted emotions were heard as acted',
    ]


def test_a_file_without_speech_brings_no_message_and_is_no_failure(ros_domain, tmp_path):
    noise = np.random.default_rng(0).normal(scale=0.01, size=16000).astype(np.float32)
    soundfile.write(tmp_path / 'noise of a fan.wav', noise, 16000)
    finished = demo('--audio', str(tmp_path / 'noise of a fan.wav'))
    assert finished.returncode == 0, finished.stderr
    assert '0 utterance(s) heard, 0 final message(s) received' in finished.stdout


def test_a_missing_file_is_one_sentence_and_non_zero(ros_domain, tmp_path):
    finished = demo('--audio', str(tmp_path / 'nothing.wav'))
    assert finished.returncode == 1
    assert 'nothing.wav does not exist' in finished.stderr
    assert len(finished.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ('answered', 'to_answer', 'said', 'exit_code', 'words'),
    [
        (2, 3, 0, 0, '1 utterance(s) brought no message'),
        (5, 5, 6, 0, 'holds 6 utterances, but 5'),
        (6, 6, 6, 1, 'exit code 1'),
    ],
)
def test_a_lost_message_is_a_failure(answered, to_answer, said, exit_code, words):
    with pytest.raises(SerError, match=re.escape(words)):
        _verdict(answered, to_answer, said=said, complete=True, exit_code=exit_code)


def test_a_microphone_may_be_left_in_the_middle_of_an_utterance():
    assert _verdict(2, 3, said=0, complete=False, exit_code=0) == 0


def test_with_a_view_the_page_has_seen_every_utterance_and_stays_until_ctrl_c(ros_domain, beginning):
    pytest.importorskip('nicegui')
    command = [sys.executable, '-m', 'ser_ros.cli.demo', '--view', '--audio', str(beginning)]
    options = {'stdout': subprocess.PIPE, 'text': True, 'env': {**os.environ, 'DISPLAY': ''}}
    with subprocess.Popen(command, **options) as process:
        try:
            lines = []
            while not lines or 'stays until Ctrl-C' not in lines[-1]:
                lines.append(process.stdout.readline())
                assert lines[-1], lines
            address = next(re.search(r'http://127\.0\.0\.1:\d+', line)[0] for line in lines if 'http://' in line)
            assert '2 final message(s) received' in ''.join(lines)
            with urllib.request.urlopen(address) as page:
                assert b'what it hears' in page.read()
            process.send_signal(signal.SIGINT)
            assert process.wait(120.0) == 0
        except BaseException:
            process.terminate()
            raise
