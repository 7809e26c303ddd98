# SPDX-License-Identifier: Apache-2.0
"""Labels of another corpus in the model's words, and what is told of those without counterpart."""

from pathlib import Path

import numpy as np
import pytest

from ser_ros.training.data.clip import Clip
from ser_ros.training.evaluation.label_map import match_labels, read_entries

MODEL = ('neutral', 'calm', 'happy', 'sad')


def clips(*emotions):
    return [Clip(path=Path(f'{number}.wav'), name=str(number), emotion=it) for number, it in enumerate(emotions)]


def test_equal_labels_need_no_entry_and_several_may_become_one():
    label_map = match_labels(('sad', 'joy', 'elation', 'bored'), MODEL, {'joy': 'happy', 'elation': 'happy'})
    assert label_map.labels == ('happy', 'sad')
    assert label_map.unmapped == ('bored',)
    corpus = clips('sad', 'joy', 'bored', 'elation', 'bored')
    assert [clip.emotion for clip in label_map.kept(corpus)] == ['sad', 'joy', 'elation']
    np.testing.assert_array_equal(label_map.truth(label_map.kept(corpus)), [1, 0, 0])
    assert label_map.known_labels({'mine': ('joy', 'bored'), 'yours': ('sad', 'elation')}) == {
        'mine': ('happy',),
        'yours': ('sad', 'happy'),
    }
    told = label_map.sentences(corpus)
    assert 'joy as happy, elation as happy' in told[0]
    assert '2 clips' in told[1] and 'bored (2)' in told[1]
    assert 'no neutral, calm' in told[2] and 'the other 2 labels' in told[2]


def test_the_answer_is_restricted_to_what_the_corpus_has():
    label_map = match_labels(('happy', 'sad'), MODEL)
    restricted = label_map.restrict(np.array([[0.5, 0.1, 0.3, 0.1], [1.0, 0.0, 0.0, 0.0]], dtype=np.float32))
    np.testing.assert_allclose(restricted, [[0.75, 0.25], [0.5, 0.5]], atol=1e-6)
    assert restricted.dtype == np.float32


def test_nothing_is_told_where_the_labels_are_the_models():
    assert match_labels(MODEL[::-1], MODEL).sentences(clips(*MODEL)) == []
    assert match_labels(MODEL[::-1], MODEL).labels == MODEL


def test_an_empty_entry_leaves_out_a_label_of_the_same_name():
    label_map = match_labels(MODEL, MODEL, {'calm': ''})
    assert label_map.unmapped == ('calm',) and label_map.labels == ('neutral', 'happy', 'sad')


def test_a_clip_without_counterpart_has_no_truth(refuses):
    with refuses("'bored'", 'the model cannot say', 'neutral, calm, happy, sad'):
        match_labels(('happy', 'sad', 'bored'), MODEL).truth(clips('bored'))


@pytest.mark.parametrize(
    ('labels', 'entries', 'texts'),
    [
        (('happy', 'sad'), {'joy': 'happy'}, ("the corpus has no label 'joy'", 'happy, sad')),
        (('happy', 'sad'), {'sad': 'sadd'}, ("the model has no label 'sadd'", "did you mean 'sad'?")),
        (('happy', 'bored'), {}, ('fewer than two labels', '--map CORPUS_LABEL=MODEL_LABEL')),
        (('joy', 'happy'), {'joy': 'happy'}, ('fewer than two labels',)),
    ],
)
def test_a_map_that_does_not_fit_is_refused(refuses, labels, entries, texts):
    with refuses(*texts):
        match_labels(labels, MODEL, entries)


def test_entries_come_from_words_and_from_yaml(tmp_path):
    (tmp_path / 'labels.yaml').write_text('joy: happy\nboredom: null\nsadness: sad\n')
    entries = read_entries([str(tmp_path / 'labels.yaml'), 'joy=calm', 'x='])
    assert entries == {'joy': 'calm', 'boredom': '', 'sadness': 'sad', 'x': ''}
    assert read_entries([]) == {}


@pytest.mark.parametrize('word', ['happy', '=happy', ''])
def test_a_word_that_is_no_entry_is_refused(refuses, word):
    with refuses(f"--map '{word}'", 'CORPUS_LABEL=MODEL_LABEL'):
        read_entries([word])


@pytest.mark.parametrize('text', ['- joy\n', '1: happy\n', 'joy: [a, b]\n', 'joy: {\n', '', '\x00'])
def test_a_file_that_is_no_map_is_refused(refuses, tmp_path, text):
    (tmp_path / 'labels.yaml').write_text(text)
    with refuses('labels.yaml', 'happiness: happy'):
        read_entries([str(tmp_path / 'labels.yaml')])
    with refuses('nowhere.yml', 'cannot be read'):
        read_entries([str(tmp_path / 'nowhere.yml')])
