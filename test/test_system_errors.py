# SPDX-License-Identifier: Apache-2.0
"""What the system refuses becomes one sentence, whatever the place is called."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_ros.system_errors import as_sentence, quoted


@given(st.sampled_from(sorted(errno.errorcode)), st.none() | st.text() | st.binary() | st.integers(0, 1000))
def test_each_error_of_the_system_is_one_sentence_with_what_the_system_says(code, place):
    sentence = str(as_sentence(OSError(code, os.strerror(code), place)))
    assert os.strerror(code).rstrip('.') in sentence and '; ' in sentence
    assert '\n' not in sentence and '\0' not in sentence and len(sentence) < 500


@pytest.mark.parametrize(
    ('broken', 'place'),
    [
        (lambda folder: (folder / 'missing').read_text(), 'missing'),
        (lambda folder: (folder / ('x' * 300)).stat(), 'xxx'),
        (lambda folder: folder.read_bytes(), ''),
        (lambda folder: Path('/proc/self/mem/deeper').read_bytes(), '/proc/self/mem/deeper'),
    ],
)
def test_the_place_is_named(tmp_path, broken, place):
    with pytest.raises(OSError) as caught:
        broken(tmp_path)
    assert place in str(as_sentence(caught.value))


def test_a_full_disk_is_told_whoever_met_it():
    assert 'the disk is full' in str(as_sentence(RuntimeError('database or disk is full')))


@pytest.mark.parametrize('error', [ValueError('no number'), RuntimeError('a fault of ours'), KeyError('label')])
def test_a_fault_of_the_program_is_no_sentence(error):
    assert as_sentence(error) is None


def test_of_a_long_place_the_beginning_and_the_end_are_quoted():
    text = quoted(Path('/beginning', 'x' * 4000, 'end'))
    assert text.startswith('/beginning/xxx') and text.endswith('xxx/end') and len(text) < 200
