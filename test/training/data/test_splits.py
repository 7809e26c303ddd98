# SPDX-License-Identifier: Apache-2.0
"""The protocols, on the names of all 1440 RAVDESS clips and on made tables of other recordings."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from ser_ros.training.data.clip import Clip
from ser_ros.training.data.corpora.acted import RAVDESS
from ser_ros.training.data.corpora.scheme import parse_clip
from ser_ros.training.data.corpus import read_corpus
from ser_ros.training.data.splits import (
    EMOBOX_TEST_SPEAKERS,
    PROTOCOLS,
    choose_on_test_clips,
    make_splits,
    measure_on_validation_clips,
)

OF_ONE_CORPUS = [protocol for protocol in PROTOCOLS if protocol != 'leave-one-corpus-out']
BY_SPEAKER = ('speaker-independent', 'leave-one-speaker-out')
PAPER_TEST_SUPPORT = [19, 38, 38, 38, 38, 39, 39, 39]
"""Of the eight emotions, in order of size."""


def speakers(clips) -> set[int | str | None]:
    return {clip.speaker for clip in clips}


def support(clips) -> Counter:
    return Counter(clip.emotion for clip in clips)


def split(clips, protocol='speaker-independent', share=0.1, seed=0):
    return make_splits(tuple(clips), protocol, validation_share=share, seed=seed)


def own_clips(names, emotions=('happy', 'sad'), takes=3) -> tuple[Clip, ...]:
    return tuple(
        Clip(Path(f'{name}-{emotion}-{take}.wav'), f'{name}-{emotion}-{take}.wav', emotion, speaker=name)
        for name in names
        for emotion in emotions
        for take in range(takes)
    )


@pytest.fixture(scope='module')
def clips():
    names = [
        f'03-01-{emotion:02d}-{intensity:02d}-{statement:02d}-{repetition:02d}-{actor:02d}.wav'
        for actor in range(1, 25)
        for emotion in range(1, 9)
        for intensity in ((1,) if emotion == 1 else (1, 2))
        for statement in (1, 2)
        for repetition in (1, 2)
    ]
    assert len(names) == 1440
    return tuple(parse_clip(RAVDESS, Path(name)) for name in names)


@pytest.mark.parametrize('protocol', OF_ONE_CORPUS)
@pytest.mark.parametrize('share', [0.0, 0.1, 0.2])
def test_each_clip_trains_validates_or_tests_and_none_is_lost(clips, protocol, share):
    splits = split(clips, protocol, share)
    for fold, made in enumerate(splits, start=1):
        assert (made.protocol, made.fold, made.folds) == (protocol, fold, len(splits))
        parts = made.train + made.validation + made.test
        assert len(parts) == len(clips) and set(parts) == set(clips)
        assert bool(made.validation) == (share > 0 and protocol != 'full')


@pytest.mark.parametrize('protocol', OF_ONE_CORPUS)
def test_a_split_is_named_by_its_protocol_and_its_fold(clips, protocol):
    made = split(clips, protocol)
    expected = {'speaker-independent': ', fold 1 of 6', 'leave-one-speaker-out': ', fold 1 of 24'}
    assert made[0].name == protocol + expected.get(protocol, '')


def test_the_papers_split_has_the_papers_support(clips):
    (made,) = split(clips, 'paper', share=0.0)
    assert (len(made.train), len(made.test)) == (1152, 288)
    assert sorted(support(made.test).values()) == PAPER_TEST_SUPPORT
    assert support(made.test)['neutral'] == 19


def test_validation_clips_of_the_papers_split_are_stratified_and_test_the_same(clips):
    (made,) = split(clips, 'paper', share=0.1)
    assert made.test == split(clips, 'paper', share=0.0)[0].test
    assert len(made.validation) == pytest.approx(115, abs=1)
    for emotion, count in support(made.validation).items():
        assert count == pytest.approx(0.1 * (77 if emotion == 'neutral' else 153.6), abs=1)


@pytest.mark.parametrize('own', [False, True])
def test_the_seed_draws_the_papers_split(clips, own):
    some = own_clips('abc', takes=10) if own else clips
    first, again, other = (split(some, 'paper', seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first[0].test != other[0].test and first[0].validation != other[0].validation


def test_each_actor_is_tested_in_one_of_the_six_citable_folds(clips):
    splits = split(clips)
    assert [speakers(made.test) for made in splits] == [set(fold) for fold in EMOBOX_TEST_SPEAKERS]
    assert sorted(speaker for made in splits for speaker in speakers(made.test)) == list(range(1, 25))
    assert splits[0] == split(clips, seed=5)[0]


def test_one_actor_is_left_out_in_each_of_24_folds(clips):
    splits = split(clips, 'leave-one-speaker-out')
    assert [speakers(made.test) for made in splits] == [{speaker} for speaker in range(1, 25)]


@pytest.mark.parametrize('protocol', BY_SPEAKER)
@pytest.mark.parametrize('share', [0.1, 0.25])
def test_validation_speakers_neither_train_nor_test(clips, protocol, share):
    for made in split(clips, protocol, share):
        heard, chosen_on, tested = speakers(made.train), speakers(made.validation), speakers(made.test)
        assert not heard & chosen_on and not heard & tested and not chosen_on & tested
        assert share <= len(chosen_on) / len(heard | chosen_on) < share + 0.06


@pytest.mark.parametrize('count', [2, 5, 6, 15])
def test_speakers_of_an_own_table_make_up_to_six_folds(count):
    names = [f'speaker {letter}' for letter in 'abcdefghijklmno'[:count]]
    clips = own_clips(names)
    splits = split(clips, share=0.0, seed=3)
    assert len(splits) == min(count, 6)
    tested = [speakers(made.test) for made in splits]
    assert sorted(name for fold in tested for name in fold) == names
    assert {len(fold) for fold in tested} <= {count // len(splits), -(-count // len(splits))}
    assert tested == [speakers(made.test) for made in split(clips[::-1], share=0.0, seed=3)]
    if count > 2:
        assert tested != [speakers(made.test) for made in split(clips, share=0.0, seed=4)]


def test_numbered_speakers_of_an_own_table_are_not_taken_for_ravdesss(clips):
    assert len(split(own_clips(range(1, 6)), share=0.0)) == 5
    assert len(split(own_clips(range(1, 25)), share=0.0)) == 6
    assert {len(made.test) for made in split(own_clips(range(1, 25)))} == {24}
    others = tuple(replace(clip, statement='It is eleven') for clip in clips)
    assert [speakers(made.test) for made in split(others)] != [set(fold) for fold in EMOBOX_TEST_SPEAKERS]


def test_a_table_of_ravdess_with_paths_for_names_has_the_citable_folds(clips):
    listed = tuple(replace(clip, name=f'Actor_{clip.speaker:02d}/{clip.name}.wav') for clip in clips)
    assert [speakers(made.test) for made in split(listed)] == [set(fold) for fold in EMOBOX_TEST_SPEAKERS]


def test_one_speaker_of_an_own_table_is_left_out_in_each_fold():
    splits = split(own_clips(['ann', 7, 'bob']), 'leave-one-speaker-out')
    assert [speakers(made.test) for made in splits] == [{7}, {'ann'}, {'bob'}]
    assert all(len(speakers(made.validation)) == 1 for made in splits)


def test_every_clip_trains_in_full(clips):
    (made,) = split(clips, 'full', share=0.5)
    assert (made.train, made.validation, made.test) == (clips, (), ())


@pytest.mark.parametrize('protocol', ['paper', *BY_SPEAKER])
def test_the_checkpoint_can_be_chosen_on_the_test_clips_as_in_the_paper(clips, protocol):
    for made in split(clips, protocol):
        chosen = choose_on_test_clips(made)
        assert chosen.validation == chosen.test == made.test
        assert set(chosen.train) == set(made.train) | set(made.validation)
        assert chosen.name == made.name


def test_a_trial_measures_on_validation_clips_and_leaves_the_test_clips_alone(clips, refuses):
    made = split(clips)[1]
    trial = measure_on_validation_clips(made)
    assert (trial.train, trial.validation, trial.test) == (made.train, (), made.validation)
    assert trial.name == 'validation (speaker-independent), fold 2 of 6'
    with refuses('no validation clips', 'validation.share'):
        measure_on_validation_clips(split(clips, share=0.0)[1])


def test_missing_actors_are_named(refuses, clips):
    with refuses('actors 7, 9 have no clip', 'speaker-independent', 'complete the data folder'):
        split(clip for clip in clips if clip.speaker not in (7, 9))


def test_an_unknown_protocol_is_refused(refuses, clips):
    with refuses("'papers'", *PROTOCOLS):
        split(clips, 'papers')


@pytest.mark.parametrize('protocol', BY_SPEAKER)
def test_clips_without_speakers_cannot_be_split_by_speaker(refuses, protocol):
    with refuses('2 of 8 clips name no speaker', protocol, 'column speaker', 'paper'):
        split(own_clips(['ann', 'bob', 'cleo', None], takes=1), protocol)


def test_clips_without_speakers_can_be_split_by_emotion():
    (made,) = split(own_clips([None], takes=20), 'paper')
    assert support(made.test) == {'happy': 4, 'sad': 4}


@pytest.mark.parametrize('protocol', BY_SPEAKER)
def test_one_speaker_alone_is_refused(refuses, clips, protocol):
    with refuses('one speaker', protocol):
        split(clips[:60], protocol)


@pytest.mark.parametrize('protocol', BY_SPEAKER)
def test_too_few_speakers_to_hold_one_out_are_refused(refuses, protocol):
    with refuses('too few to hold', 'validation.share=0'):
        split(own_clips(['ann', 'bob']), protocol)
    assert len(split(own_clips(['ann', 'bob']), protocol, share=0.0)) == 2


@pytest.mark.parametrize('clips', [own_clips(['ann'], takes=1), own_clips(['ann'], ('happy', 'sad', 'angry'), takes=3)])
def test_too_few_clips_of_an_emotion_are_refused(refuses, clips):
    with refuses('cannot be split by emotion', 'more clips of each'):
        split(clips, 'paper')


def test_made_clips_are_clips(make_clips, tmp_path):
    assert len(read_corpus(make_clips(tmp_path, (1, 2)), for_training=False).clips) == 16


@pytest.fixture
def several():
    """Return clips of three corpora with two speakers each."""
    return tuple(
        Clip(
            Path(f'{corpus}{speaker}{emotion}'),
            f'{corpus}/{speaker}{emotion}',
            emotion,
            f'{corpus}:{speaker}',
            corpus=corpus,
        )
        for corpus in 'abc'
        for speaker in 'xy'
        for emotion in ('happy', 'sad')
    )


def test_each_corpus_tests_a_model_of_the_others(several):
    splits = make_splits(several, 'leave-one-corpus-out', validation_share=0.0, seed=0)
    assert [split.name for split in splits] == [f'leave-one-corpus-out, fold {fold} of 3' for fold in (1, 2, 3)]
    for split, corpus in zip(splits, 'abc', strict=True):
        assert {clip.corpus for clip in split.test} == {corpus}
        assert {clip.corpus for clip in split.train} == set('abc') - {corpus}
        assert len(split.train) + len(split.test) == len(several)


def test_validation_speakers_of_other_corpora_choose_the_checkpoint(several):
    for split in make_splits(several, 'leave-one-corpus-out', validation_share=0.25, seed=0):
        assert len({clip.speaker for clip in split.validation}) == 1
        assert not {clip.speaker for clip in split.validation} & {clip.speaker for clip in split.train}


def test_clips_of_an_emotion_that_no_other_corpus_has_do_not_test(several):
    clips = (*several, replace(several[0], emotion='calm'))
    first, second, _ = make_splits(clips, 'leave-one-corpus-out', validation_share=0.0, seed=0)
    assert first.left_out == clips[-1:] and first.test == several[:4]
    assert second.left_out == () and clips[-1] in second.train


def test_a_corpus_that_shares_no_two_emotions_is_refused(several, refuses):
    clips = (*several, *(replace(clip, corpus='d', emotion=f'{clip.emotion}er') for clip in several[:4]))
    with refuses('d shares fewer than two emotions', 'leave it out'):
        make_splits(clips, 'leave-one-corpus-out', validation_share=0.0, seed=0)


def test_clips_of_nobody_train_and_do_not_validate(several, refuses):
    nobody = tuple(replace(clip, speaker=None) for clip in several[:4])
    for split in make_splits((*nobody, *several[4:]), 'leave-one-corpus-out', validation_share=0.25, seed=0)[1:]:
        assert set(nobody) <= set(split.train) and split.validation
    with refuses('no clip names a speaker', 'validation.share=0'):
        make_splits((*nobody, *several[4:8]), 'leave-one-corpus-out', validation_share=0.25, seed=0)


def test_one_corpus_alone_cannot_be_left_out(several, refuses):
    with refuses('the corpus a', 'several'):
        make_splits(several[:4], 'leave-one-corpus-out', validation_share=0.0, seed=0)


def test_clips_that_only_train_do_so_in_every_fold(clips, several):
    more = several[:8]
    for protocol in PROTOCOLS:
        if protocol == 'leave-one-corpus-out':
            continue
        plain = make_splits(clips, protocol, validation_share=0.1, seed=0)
        split_with = make_splits((*clips, *more), protocol, validation_share=0.1, seed=0, train_only={'a', 'b'})
        assert split_with == [replace(split, train=split.train + more) for split in plain]


def test_the_actors_of_ravdess_have_the_citable_folds_beside_a_corpus_that_only_trains(clips, several):
    named = tuple(replace(clip, speaker=f'RAVDESS:{clip.speaker}') for clip in clips)
    split = make_splits((*named, *several), 'speaker-independent', validation_share=0.0, seed=0, train_only='abc')[0]
    assert speakers(split.test) == {f'RAVDESS:{actor}' for actor in EMOBOX_TEST_SPEAKERS[0]}


def test_a_corpus_that_only_tests_is_left_out_by_every_model(several):
    splits = make_splits(several, 'leave-one-corpus-out', validation_share=0.25, seed=0, test_only={'c'})
    assert [{clip.corpus for clip in split.test} for split in splits] == [{'a'}, {'b'}, {'c'}]
    assert [{clip.corpus for clip in split.train + split.validation} for split in splits] == [{'b'}, {'a'}, {'a', 'b'}]


def test_what_a_corpus_that_only_trains_teaches_can_be_tested(several):
    happier = tuple(replace(clip, emotion='calm') for clip in several if clip.corpus in 'ac' and clip.emotion == 'sad')
    clips = (*several, *happier)
    first, second = make_splits(clips, 'leave-one-corpus-out', validation_share=0.25, seed=0, train_only={'c'})
    assert {clip.emotion for clip in first.test} == {'happy', 'sad', 'calm'} and not first.left_out
    assert {clip.corpus for clip in second.test} == {'b'}
    assert {clip.corpus for clip in first.validation} == {'b'} and {clip.corpus for clip in first.train} == {'b', 'c'}


def test_clips_that_all_only_train_or_only_test_somewhere_else_are_refused(several, refuses):
    for protocol in ('full', 'leave-one-corpus-out'):
        with refuses('all clips only train', '--data'):
            make_splits(several, protocol, validation_share=0.0, seed=0, train_only='abc')
    with refuses('leave out --test-only', 'leave-one-corpus-out'):
        make_splits(several, 'paper', validation_share=0.0, seed=0, test_only={'a'})
