# SPDX-License-Identifier: Apache-2.0
"""The tool that measures moods, on a voice made of tones and a model of random weights."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_ros.audio.block import SAMPLE_RATE

TOOLS = Path(__file__).resolve().parents[2] / 'tools' / 'measuring'


@pytest.fixture
def tool(monkeypatch):
    """Return tools/measuring/measure_moods.py as a module."""
    monkeypatch.syspath_prepend(TOOLS)
    yield importlib.import_module('measure_moods')
    for name in ('measure_moods', 'conversations'):
        sys.modules.pop(name, None)


@pytest.fixture
def table(tmp_path):
    """Return a table of one voice, neutral, happy and sad, five clips each."""
    seconds = np.arange(int(0.6 * SAMPLE_RATE)) / SAMPLE_RATE
    rows = ['path,emotion,speaker']
    for pitch, emotion in ((150.0, 'neutral'), (300.0, 'happy'), (100.0, 'sad')):
        for number in range(5):
            name = f'{emotion}{number}.wav'
            soundfile.write(tmp_path / name, 0.3 * np.sin(2 * np.pi * (pitch + number) * seconds), SAMPLE_RATE)
            rows.append(f'{name},{emotion},anna')
    path = tmp_path / 'voice.csv'
    path.write_text('\n'.join(rows) + '\n')
    return path


def test_it_prints_a_table_and_draws_into_a_folder_that_it_makes(tool, table, adapting_model, monkeypatch, capsys):
    pictures = table.parent / 'new' / 'pictures'
    arguments = ['--model', str(adapting_model), '--data', str(table), '--out', str(pictures)]
    monkeypatch.setattr(sys, 'argv', ['measure_moods.py', *arguments])
    assert tool.main() == 0
    assert (pictures / 'mood.png').stat().st_size > 10_000
    told = capsys.readouterr()
    assert '6 conversations with two moods, 2 plain ones' in told.err
    assert sum(line.startswith('| voice | mood') for line in told.out.splitlines()) > 5


def test_a_place_that_cannot_be_written_is_said_before_anything_is_heard(tool, table, monkeypatch, capsys):
    (table.parent / 'taken').write_text('')
    monkeypatch.setattr(sys, 'argv', ['measure_moods.py', '--data', str(table), '--out', str(table.parent / 'taken')])
    monkeypatch.setattr(tool, 'made_of', lambda *_: pytest.fail('it has begun to measure'))
    assert tool.main() != 0
    assert 'taken' in capsys.readouterr().err
