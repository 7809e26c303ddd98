# SPDX-License-Identifier: Apache-2.0
"""Tables as people have them are read as they are meant, or refused in sentences before any clip is decoded."""

import csv
import io
import os

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_ros.emotions import name_problem, names_problem
from ser_ros.errors import SerError
from ser_ros.training.data.corpus import read_corpora, read_corpus
from ser_ros.training.data.table import read_table


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Return a folder with short recordings a.wav to f.wav, also in the folder `clips`."""
    folder = tmp_path_factory.mktemp('tables')
    (folder / 'clips').mkdir()
    for name in 'abcdef':
        soundfile.write(folder / f'{name}.wav', np.zeros(1600), 16_000)
        soundfile.write(folder / 'clips' / f'{name}.wav', np.zeros(1600), 16_000)
    return folder


def table(folder, *lines, name='mine.csv', encoding='utf-8'):
    path = folder / name
    path.write_bytes('\n'.join(lines).encode(encoding))
    return path


def of_emotions(folder, *emotions, name='mine.csv'):
    rows = [f'{letter}.wav,{emotion}' for letter, emotion in zip('abcdef', emotions, strict=False)]
    return table(folder, 'path,emotion', *rows, name=name)


@pytest.mark.parametrize(
    ('emotions', 'texts'),
    [
        (('LABEL_0', 'LABEL_0', 'LABEL_1', 'LABEL_1'), ("line 2: the emotion 'LABEL_0' is a placeholder", 'line 5')),
        (('happy', 'happy', 'label_1', 'label_1'), ("'label_1' is a placeholder",)),
        (('0', '0', '1', '1'), ("'0' is a number",)),
        (('happy', 'happy', '-1.0', '-1.0'), ("'-1.0' is a number",)),
        (('happy', 'happy', '', ''), ('the emotion is empty',)),
        (('happy', 'happy', 'nan', 'nan'), ('the emotion is empty',)),
        (('happy', 'happy', 'NaN', '<NA>'), ('the emotion is empty',)),
        (('happy', 'happy', '\u200b', '\u200b'), ('is not a line of visible text',)),
        (('happy', 'happy', 's\x07d', 's\x07d'), ('is not a line of visible text',)),
        (('happy', 'happy', 'happy'), ("only the emotion 'happy'",)),
        (('arousal', 'arousal', 'valence', 'Valence'), ("'Valence' is written 'valence'",)),
        (('arousal', 'arousal', 'valence', 'valence'), ('these are measures',)),
    ],
)
def test_what_no_model_could_be_given_is_refused(folder, emotions, texts):
    with pytest.raises(SerError) as refused:
        read_corpus(of_emotions(folder, *emotions))
    assert [text for text in texts if text not in str(refused.value)] == []


def test_to_measure_a_model_a_corpus_may_call_its_emotions_what_it_likes(folder):
    corpus = read_corpora([str(of_emotions(folder, '0', '0', '1', 'LABEL_3'))], for_training=False)
    assert corpus.labels == ('0', '1', 'LABEL_3')  # they are mapped to those of the model


@pytest.mark.parametrize(
    ('labels', 'text'),
    [
        (('happy', 'sad', 'happy'), "name 'happy' twice"),
        (('happy', 'LABEL_1'), "have 'LABEL_1', which is a placeholder"),
        (('happy', ''), 'is not a line of visible text'),
        (('Happy', 'happy'), "'Happy' and 'happy'"),
        (('happy',), 'two or more'),
    ],
)
def test_labels_that_no_model_could_have_are_refused(folder, refuses, labels, text):
    with refuses('the labels that were given', text):
        read_corpora([str(of_emotions(folder, 'happy', 'happy', 'sad', 'sad'))], labels)


def test_two_corpora_that_write_an_emotion_otherwise_are_refused(folder, refuses):
    mine = of_emotions(folder, 'Happy', 'Happy', 'sad', 'sad')
    other = of_emotions(folder, 'happy', 'happy', 'sad', 'sad', name='other.csv')
    with refuses('the emotions of the data', "'Happy' and 'happy'"):
        read_corpora([str(mine), str(other)])


ROWS = ('a.wav,happy,1', 'b.wav,happy,2', 'c.wav,sad,1', 'd.wav,sad,2')


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig'])
@pytest.mark.parametrize('delimiter', [',', ';', '\t'])
@pytest.mark.parametrize('end', ['\n', '\r\n', '\r'])
@pytest.mark.parametrize('name', ['mine.csv', 'mine.tsv', 'MINE.CSV'])
def test_a_table_of_any_programme_is_read(folder, encoding, delimiter, end, name):
    lines = ('path,emotion,speaker', *ROWS)
    path = folder / name
    path.write_bytes(end.join(line.replace(',', delimiter) for line in lines).encode(encoding))
    corpus = read_corpus(path)
    assert (corpus.labels, [clip.speaker for clip in corpus.clips]) == (('happy', 'sad'), [1, 2, 1, 2])


@pytest.mark.parametrize('encoding', ['latin-1', 'utf-16', 'utf-16-le'])
def test_another_encoding_is_told(folder, refuses, encoding):
    with refuses('is not UTF-8', 'save it as CSV in UTF-8'):
        read_table(table(folder, 'path,emotion', 'a.wav,fröhlich', 'b.wav,fröhlich', encoding=encoding))


@pytest.mark.parametrize('written', ['clips\\a.wav', '.\\clips\\a.wav', 'clips\\\\a.wav', 'clips/a.wav'])
def test_a_path_as_windows_writes_it_is_found(folder, written):
    (first, _) = read_table(table(folder, 'path,emotion', f'{written},happy', 'b.wav,happy'))
    assert first.path.samefile(folder / 'clips' / 'a.wav') and '\\' not in first.name


def test_a_file_with_a_backslash_in_its_name_is_that_file(folder):
    soundfile.write(folder / 'x\\y.wav', np.zeros(1600), 16_000)
    (first, _) = read_table(table(folder, 'path,emotion', 'x\\y.wav,happy', 'b.wav,happy'))
    assert first.name == 'x\\y.wav' and first.path.is_file()


@pytest.mark.parametrize('written', ['C:\\data\\a.wav', 'D:/a.wav', '\\\\server\\share\\a.wav'])
def test_a_path_on_another_computer_is_told(folder, refuses, written):
    with refuses('line 2', 'with Windows', 'as seen from here'):
        read_table(table(folder, 'path,emotion', f'{written},happy', 'b.wav,happy', 'c.wav,happy'))


@pytest.mark.parametrize('written', ['a\x00.wav', 'a\x1b[31m.wav'])
def test_a_path_that_is_none_is_told(folder, refuses, written):
    with refuses('line 2', 'characters that no path has'):
        read_table(table(folder, 'path,emotion', f'{written},happy', 'b.wav,happy', 'c.wav,happy'))


def test_a_file_that_is_in_a_table_twice_is_told_with_both_lines(folder, refuses):
    for again in ('a.wav', './a.wav', 'clips/../a.wav', str(folder / 'a.wav'), '.\\a.wav'):
        with refuses('line 4', 'is in line 2 already'):
            read_table(table(folder, 'path,emotion', 'a.wav,happy', 'b.wav,happy', f'{again},sad', 'c.wav,sad'))


@pytest.mark.parametrize(
    ('written', 'read'),
    [
        (('1.0', '2.0'), (1, 2)),
        (('1', '2.00'), (1, 2)),
        (('1.5', '2.0'), ('1.5', '2.0')),
        (('1' * 30, '2'), ('1' * 30, '2')),
        (('9' * 5000, '2'), ('9' * 5000, '2')),
        (('nan', 'NaN'), (None, None)),
        ((' 1 ', '\t2'), (1, 2)),
    ],
)
def test_speakers_as_spreadsheets_write_them(folder, written, read):
    rows = [f'{name}.wav,happy,{speaker}' for name, speaker in zip('ab', written, strict=True)]
    assert tuple(clip.speaker for clip in read_table(table(folder, 'path,emotion,speaker', *rows))) == read


def test_one_speaker_who_is_missing_is_told(folder, refuses):
    with refuses('line 3', 'the speaker is empty'):
        read_table(table(folder, 'path,emotion,speaker', 'a.wav,happy,1.0', 'b.wav,happy,nan'))


def test_a_pipe_is_not_waited_for(folder, refuses):
    os.mkfifo(folder / 'pipe.csv')
    with refuses('pipe.csv is not a file'):
        read_table(folder / 'pipe.csv')


words = st.text(max_size=6) | st.sampled_from(
    ['happy', 'Happy', 'sad', ' sad', 'LABEL_0', 'label_12', '1', '1.0', 'nan', '', 'Ann', '\ufeff', '\u200b', '9' * 40]
)
paths = words | st.sampled_from(
    ['a.wav', 'b.wav', 'c.wav', 'd.wav', './a.wav', 'clips\\b.wav', 'clips/c.wav', 'C:\\a.wav', '.', '..', 'x' * 300]
)


GOOD = {
    'path': st.sampled_from(['a.wav', './b.wav', 'clips\\c.wav', 'clips/d.wav', 'e.wav', 'clips/a.wav']),
    'emotion': st.sampled_from(['happy', ' sad ']),
    'speaker': st.sampled_from(['1', '02', '1.0', '2']),
    'intensity': st.just(''),
    'repetition': st.sampled_from(['', '1', '2.0', 'nan']),
    'corpus': st.sampled_from(['', 'mine']),
}


@st.composite
def tables(draw):
    """Draw the bytes of a table that is mostly good."""
    columns = ['path', 'emotion', *draw(st.sets(st.sampled_from([*GOOD][2:])))]
    rows = draw(
        st.lists(
            st.tuples(*(GOOD[column] for column in columns)).map(list),
            min_size=4,
            max_size=6,
            unique_by=lambda row: row[0],
        )
    )
    cells = [columns, *rows]
    for _ in range(draw(st.integers(0, 2))):
        row = draw(st.sampled_from([*rows, *rows, columns]))
        row[draw(st.integers(0, len(row) - 1))] = draw(paths)
    if draw(st.integers(0, 9)) == 0:
        cells.insert(draw(st.integers(0, len(cells))), draw(st.lists(words, max_size=8)))
    text = io.StringIO(newline='')
    delimiter, end = draw(st.sampled_from(',;\t')), draw(st.sampled_from(['\n', '\r\n', '\r']))
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerows(cells)
    encoding = draw(st.sampled_from(['utf-8', 'utf-8-sig', 'latin-1', *['utf-8'] * 6, 'utf-16']))
    data = text.getvalue().encode(encoding, errors='replace')
    return data[: draw(st.integers(0, len(data)))] if draw(st.integers(0, 9)) == 0 else data


@settings(max_examples=300, deadline=None)
@given(tables(), st.booleans(), st.sampled_from([(), ('happy', 'sad')]))
def test_any_table_is_a_corpus_that_can_train_or_is_refused(folder, data, for_training, labels):
    path = folder / 'any.csv'
    path.write_bytes(data)
    try:
        corpus = read_corpora([str(path)], labels, for_training=for_training)
    except SerError as error:
        assert 20 < len(str(error)) < 8000
        str(error).encode()
        return
    assert corpus.clips and {clip.emotion for clip in corpus.clips} == set(corpus.labels)
    assert all(clip.path.is_file() for clip in corpus.clips)
    assert len({clip.path.resolve() for clip in corpus.clips}) == len(corpus.clips)
    assert len({clip.name for clip in corpus.clips}) == len(corpus.clips)
    if for_training:
        assert not any(map(name_problem, corpus.labels)) and not names_problem(corpus.labels)
