# SPDX-License-Identifier: Apache-2.0
"""A corpus is read from a folder, a zip or a table, and anything else is refused."""

import shutil
from dataclasses import replace

import pytest

from ser_ros.training.data.corpus import read_corpora, read_corpus, without_people
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
    assert read_corpus(table).licences == {'mine': ''}
    (tmp_path / 'README.md').write_text('---\nlicense: cc-by-4.0\n---\n')
    assert read_corpus(table).licences == {'mine': 'cc-by-4.0'}


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
    with refuses(str(tmp_path), 'no clip of RAVDESS (such as', 'CSV table'):
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


@pytest.fixture
def emovo(ravdess, tmp_path):
    """Return a folder with clips of EMOVO: two people, happy and sad."""
    for who in ('f1', 'm1'):
        for emotion in ('gio', 'tri'):
            path = tmp_path / 'EMOVO' / who / f'{emotion}-{who}-b1.wav'
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(next(ravdess.rglob('*.wav')), path)
    return tmp_path / 'EMOVO'


def test_a_published_corpus_is_read_by_its_key(emovo, ravdess):
    corpus = read_corpus(f'emovo:{emovo}')
    assert (corpus.name, corpus.labels, corpus.licences) == ('EMOVO', ('happy', 'sad'), {'EMOVO': ''})
    assert corpus.remarks[:2] == ('EMOVO has 588 clips, here are 4', 'EMOVO has 6 speakers, here are 2')
    assert read_corpus(f'ravdess:{ravdess}') == read_corpus(ravdess)


def test_several_corpora_are_one_whose_clips_and_speakers_tell_where_they_are_from(emovo, ravdess):
    corpus = read_corpora([str(ravdess), f'emovo:{emovo}'])
    assert corpus.name == 'RAVDESS + EMOVO'
    assert corpus.labels == ('neutral', 'happy', 'sad', 'angry')
    assert corpus.known_labels == {'RAVDESS': ('neutral', 'angry'), 'EMOVO': ('happy', 'sad')}
    assert corpus.licences == {'RAVDESS': 'cc-by-nc-sa-4.0', 'EMOVO': ''}
    assert len({clip.name for clip in corpus.clips}) == len(corpus.clips) == 20
    assert {clip.speaker for clip in corpus.clips} == {'RAVDESS:1', 'RAVDESS:2', 'EMOVO:f1', 'EMOVO:m1'}


def test_one_source_is_as_it_is(ravdess):
    assert read_corpora([str(ravdess)]) == read_corpus(ravdess)


def test_corpora_that_only_train_or_only_test_are_known_by_name(ravdess, emovo):
    joined = read_corpora([str(ravdess), f'emovo:{emovo}'])
    corpus = read_corpora([str(ravdess)], train_only=[f'emovo:{emovo}'])
    assert corpus == replace(joined, train_only=frozenset({'EMOVO'}))
    assert read_corpora([str(ravdess)], test_only=[f'emovo:{emovo}']).test_only == {'EMOVO'}


def test_the_same_corpus_twice_is_refused(ravdess, refuses):
    with refuses('RAVDESS', 'once'):
        read_corpora([str(ravdess), f'ravdess:{ravdess}'])


def test_a_table_of_several_corpora_keeps_them(emovo, ravdess, tmp_path):
    clips = read_corpora([str(ravdess), f'emovo:{emovo}']).clips
    write_table(tmp_path / 'both.csv', clips)
    corpus = read_corpus(tmp_path / 'both.csv')
    assert corpus.licences == {'RAVDESS': 'cc-by-nc-sa-4.0', 'EMOVO': ''}
    assert [clip.speaker for clip in corpus.clips] == [clip.speaker for clip in clips]
    assert [clip.person for clip in corpus.clips] == [clip.person for clip in clips]


def test_speakers_of_one_name_in_two_corpora_of_a_table_are_two(ravdess, tmp_path):
    rows = [
        f'{path},{emotion},ann,{place}'
        for path, emotion, place in zip(
            sorted(ravdess.rglob('*.wav')), ('sad', 'happy') * 2, ('kitchen', 'kitchen', 'hall', 'hall'), strict=False
        )
    ]
    (tmp_path / 'both.csv').write_text('\n'.join(['path,emotion,speaker,corpus', *rows]))
    speakers = [clip.speaker for clip in read_corpus(tmp_path / 'both.csv').clips]
    assert speakers == ['kitchen:ann', 'kitchen:ann', 'hall:ann', 'hall:ann']


def test_a_person_is_the_same_in_a_join(emovo, ravdess):
    alone = read_corpus(f'emovo:{emovo}')
    joined = read_corpora([str(ravdess), f'emovo:{emovo}'])
    assert {clip.person for clip in alone.clips} == {('EMOVO', 'f1'), ('EMOVO', 'm1')}
    assert {clip.person for clip in alone.clips} < {clip.person for clip in joined.clips}


def test_an_unknown_key_is_refused_with_those_that_are_known(refuses):
    with refuses('emotv:/data does not exist', 'nemo', 'iemocap'):
        read_corpus('emotv:/data')


def test_people_can_be_left_out(ravdess, emovo, refuses):
    joined = read_corpora([str(ravdess), f'emovo:{emovo}'])
    speaker = joined.clips[-1].speaker
    left = without_people(joined, [speaker])
    assert {clip.speaker for clip in joined.clips} - {clip.speaker for clip in left.clips} == {speaker}
    count = len(joined.clips) - len(left.clips)
    assert left.remarks[-1] == f'{count} clips of the speaker {speaker} are left out'
    assert without_people(joined, []) == joined
    with refuses("no clip of the speaker 'EMOVO:m9'; its speakers are EMOVO:f1, EMOVO:m1"):
        without_people(joined, ['EMOVO:m9'])


def test_a_speaker_of_the_only_corpus_needs_no_corpus(ravdess, refuses):
    corpus = read_corpus(ravdess)
    first = str(corpus.clips[0].speaker)
    assert without_people(corpus, [first]).clips == without_people(corpus, [f'RAVDESS:{first}']).clips
    padded = ['RAVDESS:0' + first, '0' + first]  # as file names have it
    assert all(without_people(corpus, [name]).clips == without_people(corpus, [first]).clips for name in padded)
    with refuses('nobody is left in RAVDESS'):
        without_people(corpus, [str(speaker) for speaker in {clip.speaker for clip in corpus.clips}])
