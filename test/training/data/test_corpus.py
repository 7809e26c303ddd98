# SPDX-License-Identifier: Apache-2.0
"""A corpus is read from a folder, a zip or a table, and anything else is refused."""

import shutil

import pytest

from ser_ros.training.data.corpus import read_corpus
from ser_ros.training.data.table import write_table


@pytest.fixture
def ravdess(make_clips, tmp_path):
    return make_clips(tmp_path / 'RAVDESS', (1, 2))


def test_a_folder_is_ravdess_with_the_labels_that_it_has(ravdess):
    corpus = read_corpus(ravdess)
    assert (corpus.name, corpus.labels, len(corpus.clips)) == ('RAVDESS', ('neutral', 'angry'), 16)


def test_folder_zip_and_table_hold_the_same_clips(ravdess, tmp_path):
    from_folder = read_corpus(ravdess)
    write_table(tmp_path / 'all.csv', from_folder.clips, relative_to=tmp_path)
    from_table = read_corpus(tmp_path / 'all.csv')
    assert from_table.clips == from_folder.clips
    assert (from_table.name, from_table.labels) == ('all', from_folder.labels)
    from_zip = read_corpus(zipped(ravdess, tmp_path))
    assert (from_zip.name, from_zip.labels) == ('RAVDESS', from_folder.labels)
    assert [clip.name for clip in from_zip.clips] == [clip.name for clip in from_folder.clips]
    for packed, clip in zip(from_zip.clips, from_folder.clips, strict=True):
        assert packed.path.read_bytes() == clip.path.read_bytes()


def test_a_dataset_card_beside_a_table_tells_the_licence(ravdess, tmp_path):
    table = own_table(tmp_path, ('sad', 'happy', 'sad', 'happy'))
    assert read_corpus(table).licence == ''
    (tmp_path / 'README.md').write_text('---\nlicense: cc-by-4.0\n---\n')
    assert read_corpus(table).licence == 'cc-by-4.0'


def zipped(folder, place):
    return place / shutil.make_archive(place / 'packed', 'zip', folder)


def own_table(folder, emotions):
    path = folder / 'mine.csv'
    lines = ['path,emotion']
    for index, emotion in enumerate(emotions):
        shutil.copy(next((folder / 'RAVDESS').rglob('*.wav')), folder / f'{index}.wav')
        lines.append(f'{index}.wav,{emotion}')
    path.write_text('\n'.join(lines))
    return path


@pytest.mark.parametrize(
    ('emotions', 'given', 'labels'),
    [
        (('sad', 'happy', 'sad', 'happy'), (), ('happy', 'sad')),
        (('sad', 'bored', 'sad', 'bored'), (), ('sad', 'bored')),
        (('sad', 'happy'), ('sad', 'bored', 'happy'), ('sad', 'happy')),
    ],
    ids=['in the order of RAVDESS', 'in the order of the table', 'in the order given'],
)
def test_the_order_of_labels(ravdess, tmp_path, emotions, given, labels):
    assert read_corpus(own_table(tmp_path, emotions), given).labels == labels


def test_what_is_no_corpus_is_refused(refuses, tmp_path):
    with refuses('nowhere does not exist', 'CSV table'):
        read_corpus(tmp_path / 'nowhere')
    with refuses(str(tmp_path), 'no RAVDESS speech clip'):
        read_corpus(tmp_path)
    (tmp_path / 'data.txt').touch()
    with refuses('data.txt is neither', '.zip or .csv'):
        read_corpus(tmp_path / 'data.txt')


def test_an_emotion_that_is_not_among_the_labels_is_refused(refuses, ravdess):
    assert read_corpus(ravdess, ('angry', 'neutral', 'sad')).labels == ('angry', 'neutral')
    with refuses("8 clips of the emotion 'angry'", 'neutral, sad'):
        read_corpus(ravdess, ('neutral', 'sad'))


def test_one_emotion_cannot_be_learned_but_measured(refuses, ravdess, tmp_path):
    table = own_table(tmp_path, ('sad', 'sad'))
    with refuses("only the emotion 'sad'", 'at least two'):
        read_corpus(table)
    assert read_corpus(table, for_training=False).labels == ('sad',)
