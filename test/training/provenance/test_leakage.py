# SPDX-License-Identifier: Apache-2.0
"""A model is tested on what it has not heard, wherever the files lie now."""

import dataclasses
from pathlib import Path

import pytest

from ser_ros.training.data.clip import Clip
from ser_ros.training.data.corpus import Corpus, read_corpora, read_corpus
from ser_ros.training.data.splits import make_splits
from ser_ros.training.data.table import write_table
from ser_ros.training.provenance.heard import heard_clips
from ser_ros.training.provenance.leakage import choose_clips, refuse_weights_that_heard
from ser_ros.training.provenance.origins import TrainedOn, Training, trained_on
from ser_ros.training.storage.json_files import write_json


def clip(name, emotion='happy', speaker='ann', folder='/data'):
    return Clip(path=Path(folder) / f'{name}.wav', name=name, emotion=emotion, speaker=speaker)


CLIPS = tuple(clip(f'{speaker}/{number}', speaker=speaker) for speaker in ('ann', 'bob') for number in range(3))
CORPUS = Corpus('kitchen', CLIPS, ('happy',))


@pytest.fixture
def model(tmp_path, make_report):
    """Return a model folder whose tables say: trained on Ann's clips 0 and 1, checkpoint chosen on Bob's clip 0."""
    write_table(tmp_path / 'train.csv', CLIPS[:2])
    write_table(tmp_path / 'validation.csv', CLIPS[3:4])
    write_table(tmp_path / 'test.csv', CLIPS[4:])
    write_json(tmp_path / 'report.json', make_report().to_json())
    return tmp_path


def names(clips):
    return [clip.name for clip in clips]


def test_what_trained_it_or_chose_its_checkpoint_is_left_out(model):
    clips, notes = choose_clips([model], CORPUS, all_clips=False)
    assert names(clips) == ['ann/2', 'bob/1', 'bob/2']
    assert notes == ['3 of 6 clips trained the model or chose its checkpoint: left out']


def test_all_clips_are_no_test(model):
    clips, notes = choose_clips([model], CORPUS, all_clips=True)
    assert clips == CLIPS
    assert notes == ['3 of 6 clips trained the model or chose its checkpoint: not a test figure']


def test_a_clip_is_known_again_after_the_data_has_moved(model):
    moved = tuple(clip(it.name, it.emotion, it.speaker, folder='/elsewhere') for it in CLIPS)
    assert heard_clips(model, Corpus('kitchen', moved, ('happy',))) == {'ann/0', 'ann/1', 'bob/0'}
    others = (clip('0', speaker='eve'), clip('1', emotion='sad'), clip('1', speaker='ann', folder='/third'))
    assert heard_clips(model, Corpus('other', others, ('happy', 'sad'))) == {'1'}


def test_a_ravdess_clip_is_known_by_its_name_alone(tmp_path):
    name = '03-01-05-01-02-01-16'
    write_table(tmp_path / 'train.csv', [clip(name, 'angry', 16)])
    mine = Corpus('mine', (clip(name, 'rage', 'p16', folder='/x'), clip('a', 'calm')), ('rage', 'calm'))
    assert heard_clips(tmp_path, mine) == {name}


def test_an_ensemble_leaves_out_what_any_has_heard(model, tmp_path_factory):
    other = tmp_path_factory.mktemp('other')
    write_table(other / 'train.csv', CLIPS[4:])
    assert names(choose_clips([model, other], CORPUS, all_clips=False)[0]) == ['ann/2']


def test_where_nothing_is_left_one_sentence_says_what_to_do(tmp_path, refuses):
    write_table(tmp_path / 'train.csv', CLIPS)
    with refuses('all 6 clips of kitchen', 'none is left', '--all-clips'):
        choose_clips([tmp_path], CORPUS, all_clips=False)


def test_test_clips_that_chose_the_checkpoint_are_told(model, make_report):
    write_json(model / 'report.json', make_report(selection='test').to_json())
    notes = choose_clips([model], CORPUS, all_clips=False)[1]
    assert notes[-1] == '2 of the clips chose the checkpoint as test clips, as Gavali and Verma did: optimistic'


def test_a_folder_that_tells_nothing_is_not_trusted(tmp_path):
    clips, notes = choose_clips([tmp_path], CORPUS, all_clips=False)
    assert clips == CLIPS
    assert f'which clips trained {tmp_path.name} is not known' in notes[0]


def test_the_embedded_default_has_heard_all_of_ravdess_and_nothing_else(tmp_path, make_report):
    write_json(tmp_path / 'report.json', make_report(protocol='full').to_json())
    name = '03-01-05-01-02-01-16'
    assert heard_clips(tmp_path, Corpus('mine', (clip(name), clip('a')), ('happy',))) == {name}


@pytest.mark.parametrize('text', ['path\nx.wav\n', 'a,b,c\n1,2,3\n', 'path,emotion,speaker\nx.wav\n', '\xff'])
def test_a_damaged_table_is_told(tmp_path, refuses, text):
    (tmp_path / 'train.csv').write_bytes(text.encode('latin-1'))
    with refuses('train.csv is damaged', 'train again'):
        heard_clips(tmp_path, CORPUS)


@pytest.fixture
def ravdess(make_clips, tmp_path):
    return read_corpus(make_clips(tmp_path / 'data', (1, 2, 3)))


@pytest.fixture
def split_of(ravdess):
    def split(protocol, fold=1, **values):
        return make_splits(ravdess.clips, protocol, **{'validation_share': 0.0, 'seed': 0} | values)[fold - 1]

    return split


def make_model(folder, clips, report=None):
    folder.mkdir(parents=True)
    if report:
        write_json(folder / 'report.json', report.to_json())
    if clips:
        write_table(folder / 'train.csv', clips)
    return folder


def test_weights_that_have_heard_what_tests_are_no_beginning(tmp_path, ravdess, split_of, refuses):
    first, second = split_of('leave-one-speaker-out', 1), split_of('leave-one-speaker-out', 2)
    model = str(make_model(tmp_path / 'model', second.train))
    with refuses('model, whose weights are used here, has heard 8 of the 8 clips that test here', '--protocol full'):
        refuse_weights_that_heard(model, first, ravdess)
    refuse_weights_that_heard(model, second, ravdess)
    refuse_weights_that_heard(model, split_of('full'), ravdess)


def test_nor_are_those_that_heard_the_speakers_before_they_heard_others(
    tmp_path, ravdess, split_of, make_report, refuses
):
    long_ago = Training(
        recipe='tones',
        corpus=ravdess.name,
        train_clips=8,
        trained_on=(TrainedOn(corpus='RAVDESS', licence='', clips=8, speakers=('1',), labels=('happy',)),),
        labels=('neutral', 'angry'),
        command='train',
    )
    report = make_report(corpus='kitchen', trained_on=(), trained_before=(long_ago,))
    model = str(make_model(tmp_path / 'model', (), report))
    with refuses('speakers that test here (1)'):
        refuse_weights_that_heard(model, split_of('leave-one-speaker-out', 1), ravdess)
    refuse_weights_that_heard(model, split_of('leave-one-speaker-out', 2), ravdess)
    refuse_weights_that_heard(model, split_of('paper'), ravdess)  # has the same speakers on both sides anyway


@pytest.fixture
def of_corpus():
    """Return make(key, folder): two speakers' clips of nEMO or EMO-DB, happy and sad, as their files are named."""
    names = {
        'nemo': [f'{who}_{emotion}_1' for who in ('EB0', 'KS0') for emotion in ('happiness', 'sadness')],
        'emodb': [f'{who}a01{emotion}a' for who in ('03', '08') for emotion in 'FT'],
    }

    def make(key, folder):
        folder.mkdir(parents=True)
        for name in names[key]:
            (folder / f'{name}.wav').touch()
        return f'{key}:{folder}'

    return make


@pytest.fixture
def joined(of_corpus, tmp_path):
    return read_corpora([of_corpus('nemo', tmp_path / 'nemo'), of_corpus('emodb', tmp_path / 'emodb')])


def test_a_model_of_several_corpora_has_heard_each_also_elsewhere_and_beside_others(joined, of_corpus, tmp_path):
    model = tmp_path / 'model'
    model.mkdir()
    write_table(model / 'train.csv', joined.clips)
    moved = of_corpus('nemo', tmp_path / 'elsewhere')
    for sources in ([moved], [moved, of_corpus('emodb', tmp_path / 'again')], [f'nemo:{tmp_path / "nemo"}']):
        corpus = read_corpora(sources)
        assert heard_clips(model, corpus) == {clip.name for clip in corpus.clips}


def test_a_model_of_one_corpus_has_heard_it_beside_others(joined, tmp_path):
    write_table(tmp_path / 'train.csv', read_corpus(f'nemo:{tmp_path / "nemo"}').clips)
    heard = {clip.name for clip in joined.clips if clip.corpus == 'nEMO'}
    assert heard_clips(tmp_path, joined) == heard and len(heard) == 4


@pytest.mark.parametrize('source', ['alone', 'beside another'])
def test_speakers_of_a_corpus_are_known_again_in_every_join(joined, tmp_path, make_report, refuses, source):
    nemo = tuple(clip for clip in joined.clips if clip.corpus == 'nEMO')
    report = make_report(corpus=joined.name, trained_on=trained_on(nemo, joined))
    model = str(make_model(tmp_path / 'model', (), report))
    corpus = joined if source == 'beside another' else read_corpus(f'nemo:{tmp_path / "nemo"}')
    for split in make_splits(corpus.clips, 'leave-one-speaker-out', validation_share=0.0, seed=0):
        if split.test[0].corpus == 'nEMO':
            with refuses('speakers that test here', str(split.test[0].speaker)):
                refuse_weights_that_heard(model, split, corpus)
        else:
            refuse_weights_that_heard(model, split, corpus)


def test_the_embedded_default_has_heard_all_corpora_that_trained_it(joined, tmp_path, make_report):
    nemo = tuple(clip for clip in joined.clips if clip.corpus == 'nEMO')
    report = make_report(protocol='full', trained_on=trained_on(nemo[:2], joined))
    assert heard_clips(make_model(tmp_path / 'model', (), report), joined) == {clip.name for clip in nemo}


@pytest.mark.parametrize('speakers', [('KS0',), ()], ids=['of one speaker', 'of speakers who are not known'])
def test_clips_of_speakers_who_trained_it_before_are_no_test(joined, tmp_path, make_report, speakers):
    before = TrainedOn(corpus='nEMO', licence='', clips=2, speakers=speakers, labels=('happy', 'sad'))
    long_ago = dataclasses.replace(make_report().training, trained_on=(before,))
    model = make_model(tmp_path / 'model', joined.clips[4:5], make_report(trained_before=(long_ago,)))
    clips, notes = choose_clips([model], joined, all_clips=False)
    count = 2 if speakers else 4
    assert len(clips) == 8 - 1 - count
    assert notes[-1] == f'{count} of 8 clips are of speakers who trained the weights that it started from: left out'
    clips, notes = choose_clips([model], joined, all_clips=True)
    assert len(clips) == 8 and notes[-1].endswith('not a test figure')


def test_what_trained_is_told_by_corpus(joined):
    nemo, emodb = trained_on(joined.clips[:6], joined)
    assert nemo == TrainedOn(
        corpus='nEMO', licence='cc-by-nc-sa-4.0', clips=4, speakers=('EB0', 'KS0'), labels=('happy', 'sad')
    )
    assert (emodb.corpus, emodb.clips, emodb.speakers) == ('EMO-DB', 2, ('3',))


@pytest.mark.parametrize('checkpoint', ['', 'facebook/hubert-large-ls960-ft'])
def test_weights_that_tell_nothing_are_taken(ravdess, split_of, checkpoint):
    refuse_weights_that_heard(checkpoint, split_of('paper'), ravdess)
