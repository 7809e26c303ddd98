# SPDX-License-Identifier: Apache-2.0
"""The table and the label track."""

import csv
from pathlib import Path

import numpy as np
import pytest

from ser_ros.annotation.existing_files import refuse_existing
from ser_ros.annotation.listening import Annotation
from ser_ros.annotation.table import write_tables
from ser_ros.recognition.estimate import Estimate

LABELS = ('happy', 'sad, or so')


@pytest.fixture
def annotations():
    estimate = Estimate(LABELS, np.array([0.25, 0.75], dtype=np.float32), inference_time=0.1)
    times = {'start_time': 1.2345678, 'duration': 0.5, 'published': 9.0, 'latency': 0.5}
    return [
        Annotation(utterance=1, emotion='sad, or so', estimate=estimate, **times),
        Annotation(utterance=2, emotion='unknown', estimate=estimate, **times | {'start_time': 4000.0}),
    ]


@pytest.fixture
def files(tmp_path):
    return tmp_path / 'a.csv', tmp_path / 'a.txt'


def test_the_table_has_seconds_and_all_probabilities(annotations, files):
    write_tables(files, annotations, LABELS)
    with files[0].open(newline='') as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {
        'start': '1.235',
        'end': '1.735',
        'duration': '0.500',
        'emotion': 'sad, or so',
        'confidence': '0.7500',
        'probability_happy': '0.2500',
        'probability_sad, or so': '0.7500',
    }
    assert (rows[1]['start'], rows[1]['emotion'], rows[1]['confidence']) == ('4000.000', 'unknown', '0.7500')


def test_the_label_track_is_what_audacity_imports(annotations, files):
    write_tables(files, annotations, LABELS)
    assert files[1].read_text() == '1.234568\t1.734568\tsad, or so\n4000.000000\t4000.500000\tunknown\n'


def test_where_nobody_speaks_there_is_a_header_and_no_label(files):
    write_tables(files, [], LABELS)
    assert files[0].read_text().count('\n') == 1 and files[0].read_text().startswith('start,end,')
    assert files[1].read_text() == ''


def test_what_is_there_is_kept(files, refuses):
    refuse_existing(files)
    files[1].write_text("somebody's transcript")
    with refuses(str(files[1]), '--out'):
        refuse_existing(files)


def test_where_it_cannot_write_nothing_is_left(annotations, tmp_path, refuses):
    with refuses('cannot be written', '--out'):
        write_tables((tmp_path / 'no' / 'a.csv', tmp_path / 'no' / 'a.txt'), annotations, LABELS)
    (tmp_path / 'b.txt').mkdir()
    with refuses('b.txt', 'cannot be written'):
        write_tables((tmp_path / 'b.csv', tmp_path / 'b.txt'), annotations, LABELS)
    assert sorted(Path(tmp_path).rglob('*.partial')) == []
