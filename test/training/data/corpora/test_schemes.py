# SPDX-License-Identifier: Apache-2.0
"""Every published corpus is read by its own names; what does not fit is refused or told."""

import re
from pathlib import Path

import pytest

from ser_ros.emotions import LABELS
from ser_ros.training.data.corpora.by_key import SCHEMES
from ser_ros.training.data.corpora.scheme import FIELDS, find_clips

SPEAKER = 'ab' * 28
"""Such as one of the people of EmoSpeech."""

EXAMPLES = {
    'ravdess': ('fearful', 12, 'female'),
    'crema-d': ('angry', 1001, ''),
    'tess': ('fearful', 'OAF', 'female'),
    'savee': ('sad', 'JK', 'male'),
    'emodb': ('happy', 3, 'male'),
    'emovo': ('angry', 'm2', 'male'),
    'nemo': ('surprised', 'EB0', 'female'),
    'ased': ('angry', 50, 'male'),
    'emospeech': ('calm', SPEAKER, ''),
    'esd': ('surprised', 11, ''),
    'jl': ('sad', 'female1', 'female'),
    'emotiontts': ('happy', 'nea', 'female'),
    'urdu': ('angry', 'M1', 'male'),
    'turev': ('angry', 1157, ''),
}
"""Key -> emotion, speaker and sex of which the scheme's example tells."""

LEFT_OUT = {
    'emodb': 'wav/03a01La',
    'jl': 'male2_excited_3b_2',
    'emospeech': f'Metro/background-glass break-None-20190701193438-{SPEAKER}',
}
"""Emotions that a model does not learn here."""


def example(key: str) -> str:
    return SCHEMES[key].example.replace('SPEAKER', SPEAKER)


def lay(folder: Path, *stems: str, suffix: str = '.wav') -> Path:
    for stem in stems:
        path = folder / f'{stem}{suffix}'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


@pytest.mark.parametrize('key', EXAMPLES)
def test_a_name_tells_all_of_a_clip(tmp_path, key):
    stem, (emotion, speaker, sex) = example(key), EXAMPLES[key]
    (clip,) = find_clips(SCHEMES[key], lay(tmp_path, stem)).clips
    assert (clip.path, clip.emotion, clip.speaker, clip.sex) == (tmp_path / f'{stem}.wav', emotion, speaker, sex)
    assert stem.endswith(clip.name)


def test_every_field_of_ravdess_is_read(tmp_path):
    (clip,) = find_clips(SCHEMES['ravdess'], lay(tmp_path, '03-01-06-02-02-01-12', suffix='.FLAC')).clips
    assert (clip.intensity, clip.statement, clip.repetition) == ('strong', 'Dogs are sitting by the door', 1)


@pytest.mark.parametrize('key', SCHEMES)
def test_a_scheme_says_all_that_reports_need(key):
    scheme = SCHEMES[key]
    assert scheme.name and scheme.languages and scheme.source
    assert re.search(f'(?:^|/){scheme.pattern}$', example(key))
    assert set(scheme.codes) <= set(FIELDS)
    assert set(scheme.codes.get('emotion', {}).values()) <= {*LABELS, ''}
    groups = set(re.compile(scheme.pattern).groupindex)
    assert 'emotion' in groups or scheme.table


@pytest.mark.parametrize('key', LEFT_OUT)
def test_an_emotion_that_is_none_of_ours_is_left_out_and_told(tmp_path, key):
    found = find_clips(SCHEMES[key], lay(tmp_path, LEFT_OUT[key], example(key)))
    assert [clip.emotion for clip in found.clips] == [EXAMPLES[key][0]]
    assert any('1 clips' in remark and 'left out' in remark for remark in found.remarks)


def test_what_differs_from_the_published_counts_is_told(tmp_path):
    remarks = find_clips(SCHEMES['emovo'], lay(tmp_path, 'm2/rab-m2-b1', 'm1/neu-m1-n3', 'm1/neu-m1-n4')).remarks
    assert remarks == (
        'EMOVO has 588 clips, here are 3',
        'EMOVO has 6 speakers, here are 2',
        'each speaker of EMOVO has 98 clips, here speaker m1 has 2, speaker m2 has 1',
    )


def test_a_whole_corpus_needs_no_remark(tmp_path):
    emotions = ('neu', 'gio', 'tri', 'rab', 'pau', 'dis', 'sor')
    people = ('f1', 'f2', 'f3', 'm1', 'm2', 'm3')
    sentences = [f'{kind}{number}' for kind in 'bln' for number in (1, 2, 3, 4, 5)][:14]
    lay(
        tmp_path,
        *(f'{who}/{emotion}-{who}-{sentence}' for who in people for emotion in emotions for sentence in sentences),
    )
    found = find_clips(SCHEMES['emovo'], tmp_path)
    assert len(found.clips) == 588
    assert found.remarks == ()
    assert [clip.name for clip in found.clips] == sorted(clip.name for clip in found.clips)


def test_a_capital_letter_of_ased_is_one_of_its_codes(tmp_path):
    (clip,) = find_clips(SCHEMES['ased'], lay(tmp_path, '04Sad/S4-04-02-01-29')).clips
    assert (clip.emotion, clip.speaker, clip.sex) == ('sad', 29, 'female')


def test_unknown_people_are_no_speaker(tmp_path):
    unknown = 'd14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f'
    (clip,) = find_clips(SCHEMES['emospeech'], lay(tmp_path, f'Metro/go-safe-angry-20190727193432-{unknown}')).clips
    assert clip.speaker is None


@pytest.mark.parametrize(
    ('key', 'stem', 'code'),
    [('ravdess', '03-01-09-01-01-01-01', '09'), ('crema-d', '1001_DFA_BOR_XX', 'BOR'), ('emodb', '03a01Xa', 'X')],
)
def test_codes_that_a_corpus_does_not_have_are_refused(tmp_path, refuses, key, stem, code):
    with refuses(stem, f"'{code}'", SCHEMES[key].name, 'rename or remove'):
        find_clips(SCHEMES[key], lay(tmp_path, stem))


@pytest.mark.parametrize('key', ['ravdess', 'crema-d', 'jl'])
def test_a_folder_without_clips_is_refused(tmp_path, refuses, key):
    lay(tmp_path, 'song', 'notes')
    with refuses(tmp_path.name, f'no clip of {SCHEMES[key].name}'):
        find_clips(SCHEMES[key], tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path, refuses):
    with refuses('nowhere', 'does not exist'):
        find_clips(SCHEMES['esd'], tmp_path / 'nowhere')


@pytest.fixture
def iemocap(tmp_path):
    lay(
        tmp_path, *(f'Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_{turn}' for turn in ('F000', 'M001', 'M002'))
    )
    evaluation = tmp_path / 'Session1/dialog/EmoEvaluation/Ses01F_impro01.txt'
    evaluation.parent.mkdir(parents=True)
    evaluation.write_text(
        '% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n'
        '[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]\nC-E2:\tNeutral;\t()\n\n'
        '[10.0100 - 11.3925]\tSes01F_impro01_M001\tfru\t[2.5000, 2.5000, 2.5000]\nC-E2:\tFrustration;\t()\n'
    )
    return tmp_path


def test_iemocap_is_read_with_its_evaluations(iemocap):
    found = find_clips(SCHEMES['iemocap'], iemocap)
    assert [(clip.name, clip.emotion, clip.speaker, clip.sex) for clip in found.clips] == [
        ('Ses01F_impro01_F000', 'neutral', '01F', 'female')
    ]
    assert any('1 clips of IEMOCAP are left out' in remark for remark in found.remarks)
    assert any('1 files of IEMOCAP are left out' in remark for remark in found.remarks)


def test_iemocap_without_evaluations_is_refused(tmp_path, refuses):
    with refuses('EmoEvaluation'):
        find_clips(SCHEMES['iemocap'], lay(tmp_path, 'Ses01F_impro01_F000'))


@pytest.mark.parametrize('folders', [('train', 'test'), ('train_splits', 'output_repeated_splits_test')])
def test_meld_is_read_with_its_tables(tmp_path, folders):
    lay(tmp_path, f'{folders[0]}/dia0_utt0', f'{folders[1]}/dia0_utt0')
    for split, emotion, who in (('train', 'joy', 'Monica'), ('test', 'anger', 'Ross')):
        (tmp_path / f'{split}_sent_emo.csv').write_text(
            'Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID\n'
            f'1,"Oh, my God",{who},{emotion},positive,0,0\n'
        )
    clips = find_clips(SCHEMES['meld'], tmp_path).clips
    assert sorted((clip.emotion, clip.speaker) for clip in clips) == [('angry', 'Ross'), ('happy', 'Monica')]
    assert len({clip.name for clip in clips}) == 2


def test_meld_without_tables_is_refused(tmp_path, refuses):
    with refuses('train_sent_emo.csv'):
        find_clips(SCHEMES['meld'], lay(tmp_path, 'train/dia0_utt0'))


@pytest.mark.parametrize(
    'table', [b'Utterance,Emotion\nOh,joy\n', 'Speaker,Emotion\nJosé,joy'.encode('latin-1'), b'a,"b\x00', b'']
)
def test_a_table_of_meld_that_is_another_is_refused(tmp_path, refuses, table):
    lay(tmp_path, 'train/dia0_utt0')
    (tmp_path / 'train_sent_emo.csv').write_bytes(table)
    with refuses('train_sent_emo.csv'):
        find_clips(SCHEMES['meld'], tmp_path)
