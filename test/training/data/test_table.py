# SPDX-License-Identifier: Apache-2.0
"""Tables are read whole or refused with every bad row named; what is written is read back."""

import string

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ser_ros.emotions import name_problem
from ser_ros.errors import SerError
from ser_ros.training.data.clip import Clip
from ser_ros.training.data.table import read_table, write_table

HEADER = 'path,emotion,speaker,intensity,statement,repetition,sex,corpus'
SHORT = HEADER.removesuffix(',sex,corpus')


@pytest.fixture
def folder(tmp_path):
    """Return a folder with short recordings a.wav to f.wav, and one that is none: text.wav."""
    for name in 'abcdef':
        soundfile.write(tmp_path / f'{name}.wav', np.zeros(1600), 16_000)
    (tmp_path / 'text.wav').write_text('no sound')
    return tmp_path


def table(folder, *lines, encoding='utf-8'):
    path = folder / 'mine.csv'
    path.write_bytes('\n'.join(lines).encode(encoding))
    return path


def problems_of(path, *arguments, **options):
    """Return the lines with which reading is refused, the headline first."""
    with pytest.raises(SerError) as caught:
        read_table(path, *arguments, **options)
    return str(caught.value).split('\n')


def test_path_and_emotion_are_enough(folder):
    path = table(folder, 'path,emotion', 'a.wav,happy', f'{folder}/b.wav,happy')
    assert read_table(path) == (
        Clip(folder / 'a.wav', 'a.wav', 'happy', corpus='mine'),
        Clip(folder / 'b.wav', f'{folder}/b.wav', 'happy', corpus='mine'),
    )


@pytest.mark.parametrize(
    'lines',
    [
        (SHORT, 'a.wav,happy,Ann,strong,"Hello, you",2', 'b.wav,happy,Bo,,,'),
        (SHORT.replace(',', ';'), 'a.wav;happy;Ann;strong;Hello, you;2', 'b.wav;happy;Bo;;;'),
        (
            ' Path , EMOTION ,speaker,intensity,statement,repetition',
            ' a.wav, happy ,Ann,strong, "Hello, you",2 ',
            '',
            ',,,,,',
            'b.wav,happy,Bo,,,',
        ),
        (
            'emotion,mood,path,speaker,repetition,statement,intensity',
            'happy,7,a.wav,Ann,2,"Hello, you",strong',
            'happy,8,b.wav,Bo,,,',
        ),
        tuple(f'{line}\r' for line in (SHORT, 'a.wav,happy,Ann,strong,"Hello, you",2', 'b.wav,happy,Bo,,,')),
    ],
    ids=['commas', 'semicolons', 'blanks and empty rows', 'other columns', 'lines of Windows'],
)
@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig'])
def test_all_columns(folder, lines, encoding):
    assert read_table(table(folder, *lines, encoding=encoding)) == (
        Clip(folder / 'a.wav', 'a.wav', 'happy', 'Ann', 'strong', 'Hello, you', 2, corpus='mine'),
        Clip(folder / 'b.wav', 'b.wav', 'happy', 'Bo', corpus='mine'),
    )


@pytest.mark.parametrize(
    ('written', 'read'), [(('1', '02'), (1, 2)), (('1', 'Bo'), ('1', 'Bo')), (('', ''), (None,) * 2)]
)
def test_speakers_are_numbers_where_all_are(folder, written, read):
    rows = [f'{name}.wav,happy,{speaker}' for name, speaker in zip('ab', written, strict=True)]
    assert tuple(clip.speaker for clip in read_table(table(folder, 'path,emotion,speaker', *rows))) == read


@pytest.mark.parametrize(
    'lines', [(), ('',), ('a.wav,happy', 'b.wav,sad'), ('path,mood', 'a.wav,happy'), ('', 'path,emotion')]
)
def test_without_a_header_the_one_expected_is_shown(folder, refuses, lines):
    with refuses('mine.csv does not begin with a header', HEADER, 'path and emotion'):
        read_table(table(folder, *lines))


def test_the_sex_of_a_speaker_may_be_told(folder):
    read = read_table(table(folder, 'path,emotion,speaker,sex', 'a.wav,happy,Ann,female', 'b.wav,happy,Bo,'))
    assert [clip.sex for clip in read] == ['female', '']


def test_the_corpus_of_a_clip_may_be_told(folder):
    read = read_table(table(folder, 'path,emotion,corpus', 'a.wav,happy,EMOVO', 'b.wav,happy,'))
    assert [clip.corpus for clip in read] == ['EMOVO', 'mine']


def test_what_is_wrong_with_the_whole_file(folder, refuses):
    with refuses('the table', 'none.csv cannot be read', 'No such file'):
        read_table(folder / 'none.csv')
    with refuses('a header but no clips', 'add one row'):
        read_table(table(folder, 'path,emotion'))
    with refuses('not UTF-8 in line 2', 'save it as CSV in UTF-8'):
        read_table(table(folder, 'path,emotion', 'a.wav,fröhlich', encoding='latin-1'))
    with refuses('not valid CSV in line 3', 'quotes'):
        read_table(table(folder, 'path,emotion', 'a.wav,happy', '"b.wav,happy', 'c.wav,happy'))
    with refuses("the column 'emotion' twice"):
        read_table(table(folder, 'path,emotion,Emotion', 'a.wav,happy,sad'))


def test_all_bad_rows_are_told_together(folder):
    headline, *listed = problems_of(
        table(
            folder,
            SHORT,
            'a.wav,happy,1,,"over',
            'two lines",1',
            'b.wav,happy,1',
            'c.wav,hapy,1,,,',
            ',happy,1,,,',
            'd.wav,,1,,,',
            'nowhere.wav,happy,1,,,',
            'text.wav,happy,1,,,',
            './a.wav,happy,1,,,',
            'e.wav,happy,,,,twice',
            '',
            'f.wav,happy,1,,,,',
            '.,happy,1,,,',
            f'{"x" * 300}.wav,happy,1,,,',
        )
    )
    assert 'mine.csv has 11 bad of 12 rows, correct or remove' in headline
    expected = {
        4: 'it has 3 columns, the header 6',
        5: "the emotion 'hapy' occurs only once",
        6: 'the path is empty',
        7: 'the emotion is empty',
        8: 'nowhere.wav does not exist',
        9: 'text.wav cannot be read as sound',
        10: 'a.wav is in line 2 already',
        11: "the speaker is empty, and other rows have one, and the repetition 'twice' is not a whole number",
        13: 'it has 7 columns, the header 6',
        14: 'is not a file',
        15: 'File name too long',
    }
    assert len(listed) == len(expected)
    for told, (line, problem) in zip(listed, expected.items(), strict=True):
        assert told.startswith(f'  line {line}: ') and problem in told


def test_one_bad_row_is_told_in_one_line(folder, refuses):
    with refuses('mine.csv has 1 bad of 3 rows', 'line 3: the emotion is empty'):
        read_table(table(folder, 'path,emotion', 'a.wav,happy', 'b.wav,', 'c.wav,happy'))


def test_of_many_bad_rows_only_the_first_are_listed(folder):
    told = problems_of(table(folder, 'path,emotion', *[f'{index}.wav,happy' for index in range(25)]))
    assert '25 bad of 25 rows' in told[0]
    assert told[20].startswith('  line 21: ') and told[21:] == ['  and 5 more']


def emotions(folder, *names):
    rows = [f'{letter}.wav,{name}' for letter, name in zip('abcdef', names, strict=False)]
    return table(folder, 'path,emotion', *rows)


def test_an_emotion_that_occurs_once_is_taken_for_a_typing_error(folder, refuses):
    with refuses('line 4', "'hapy' occurs only once", "did you mean 'happy'?"):
        read_table(emotions(folder, 'happy', 'happy', 'hapy'))
    (told,) = problems_of(emotions(folder, 'happy', 'happy', 'bored'))
    assert "'bored' occurs only once" in told and 'did you mean' not in told
    assert len(read_table(emotions(folder, 'happy', 'happy', 'bored'), for_training=False)) == 3


def test_a_row_that_is_bad_otherwise_still_counts_its_emotion(folder):
    (told,) = problems_of(table(folder, 'path,emotion', 'a.wav,happy', 'b.wav,happy,', 'c.wav,happy'))
    assert 'line 3: it has 3 columns' in told
    (told,) = problems_of(table(folder, 'path,emotion', 'a.wav,happy', 'b.wav,happy,'))
    assert 'line 3: it has 3 columns' in told


@pytest.mark.parametrize('for_training', [True, False])
def test_emotions_that_differ_only_in_spelling_are_refused(folder, for_training):
    path = emotions(folder, 'Happy', 'happy', 'Very  Sad', 'happy', 'very sad', 'Very  Sad')
    told = problems_of(path, for_training=for_training)
    assert [line.strip() for line in told[1:]] == [
        "line 2: the emotion 'Happy' is written 'happy' in other rows",
        "line 6: the emotion 'very sad' is written 'Very  Sad' in other rows",
    ]


def test_with_labels_given_others_are_unknown(folder):
    path = emotions(folder, 'happy', 'hapy', 'Sad', 'zzz')
    told = problems_of(path, ('happy', 'sad'))
    assert "'hapy' is not one of happy, sad; did you mean 'happy'?" in told[1]
    assert "'Sad' is not one of happy, sad; did you mean 'sad'?" in told[2]
    assert told[3].endswith("'zzz' is not one of happy, sad")
    assert len(read_table(path, ('happy', 'hapy', 'Sad', 'zzz'))) == 4


def test_a_table_of_ravdess_names_its_clips_as_the_folder_does(folder):
    stem = '03-01-01-01-01-01-01'
    (folder / 'x').mkdir()
    for name in (f'{stem}.wav', f'x/{stem}.wav'):
        soundfile.write(folder / name, np.zeros(1600), 16_000)
    alone = table(folder, 'path,emotion', f'x/{stem}.wav,happy')
    assert [clip.name for clip in read_table(alone, for_training=False)] == [stem]
    twins = table(folder, 'path,emotion', f'{stem}.wav,happy', f'x/{stem}.wav,happy')
    assert [clip.name for clip in read_table(twins)] == [f'{stem}.wav', f'x/{stem}.wav']
    mixed = table(folder, 'path,emotion', f'{stem}.wav,happy', 'a.wav,happy')
    assert [clip.name for clip in read_table(mixed)] == [f'{stem}.wav', 'a.wav']


words = st.text(string.ascii_letters + string.digits + ' ,;"\'äß語', max_size=8).map(str.strip)
words = words.filter(lambda word: word.casefold() != 'nan')  # an empty cell, as pandas writes it


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_what_is_written_is_read_back(folder, data):
    relative = data.draw(st.booleans())
    speakers = data.draw(st.sampled_from([st.none(), st.integers(0, 99), words.filter(str.isalpha)]))
    emotion = data.draw(words.filter(lambda word: not name_problem(word)))
    clips = tuple(
        Clip(
            folder / f'{name}.wav',
            f'{name}.wav' if relative else str(folder / f'{name}.wav'),
            emotion,
            data.draw(speakers),
            data.draw(words),
            data.draw(words),
            data.draw(st.none() | st.integers(0, 9)),
            corpus=data.draw(words) or 'mine',
        )
        for name in data.draw(st.sets(st.sampled_from('abcdef'), min_size=2))
    )
    write_table(folder / 'mine.csv', clips, relative_to=folder if relative else None)
    assert read_table(folder / 'mine.csv') == clips


def test_paths_are_written_for_the_folder_in_which_the_table_is_going_to_lie(folder):
    run = folder / 'runs' / 'first'
    run.mkdir(parents=True)
    partial = folder / '.partial'
    partial.mkdir()
    write_table(partial / 'test.csv', [Clip(folder / 'a.wav', 'a', 'sad')], relative_to=run)
    (partial / 'test.csv').rename(run / 'test.csv')
    (clip,) = read_table(run / 'test.csv', for_training=False)
    assert clip.path.samefile(folder / 'a.wav')
    assert (run / 'test.csv').read_text() == f'{HEADER}\n../../a.wav,sad,,,,,,\n'


def test_a_table_is_written_whole_or_not_at_all(folder, refuses, disk_without_room):
    path = folder / 'mine.csv'
    write_table(path, [Clip(folder / 'a.wav', 'a', 'sad')])
    before = path.read_text()
    with disk_without_room(), refuses('mine.csv cannot be written', 'free some space'):
        write_table(path, [Clip(folder / 'a.wav', 'a', 'sad')] * 1000)
    assert path.read_text() == before
    assert list(folder.glob('.*')) == []
    with refuses('cannot be written'):
        write_table(folder / 'nowhere' / 'mine.csv', [])
