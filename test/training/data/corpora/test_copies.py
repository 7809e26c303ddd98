# SPDX-License-Identifier: Apache-2.0
"""Downloads that hold a clip twice, or much beside the clips: each clip counts once, and what is left out is told."""

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_ros.errors import SerError
from ser_ros.training.data.corpora.acted import RAVDESS
from ser_ros.training.data.corpora.by_key import SCHEMES
from ser_ros.training.data.corpora.scheme import find_clips
from ser_ros.training.data.corpus import read_corpus

SPEAKER = 'ab' * 28

ELSEWHERE = {
    'savee': ('ALL/JK_sa07',),
    'esd': ('0011/Surprise/0011_001501', 'ESD/0011/Surprise/evaluation/0011_001501'),
    'meld': ('train_splits/dia0_utt0', 'MELD.Raw/train/wav/dia0_utt0'),
}
"""Key -> where other copies of a corpus have the clip of the scheme's example."""


def lay(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def kaggle(speakers=(1, 2), emotions=('01', '05')):
    """Return the files of RAVDESS as many have it: twice, with songs, pictures and remains of macOS between."""
    files = {}
    for speaker in speakers:
        for emotion in emotions:
            name = f'Actor_{speaker:02d}/03-01-{emotion}-01-01-01-{speaker:02d}.wav'
            for place in ('', 'audio_speech_actors_01-24/'):
                files[f'{place}{name}'] = name.encode()
                files[f'{place}Actor_{speaker:02d}/._{Path(name).name}'] = b'AppleDouble'
                files[f'__MACOSX/{place}{name}'] = b'AppleDouble'
            files[f'song/Actor_{speaker:02d}/03-02-{emotion}-01-01-01-{speaker:02d}.wav'] = b'song'
            files[f'video/01-01-{emotion}-01-01-01-{speaker:02d}.mp4'] = b'video'
    return files | {'Thumbs.db': b'', '.DS_Store': b'', 'Audio_Speech_Actors_01-24.zip': b'zip'}


def test_a_nested_copy_of_ravdess_is_read_once_with_a_note(tmp_path):
    found = find_clips(RAVDESS, lay(tmp_path, kaggle()))
    assert [clip.name for clip in found.clips] == [
        f'03-01-{emotion}-01-01-01-{speaker:02d}' for emotion in ('01', '05') for speaker in (1, 2)
    ]
    assert all(clip.path.parent.parent == tmp_path for clip in found.clips)
    copies, songs = found.remarks[-2:]
    assert copies == (
        '4 files of RAVDESS are left out: they are copies of clips in other folders, such as '
        'audio_speech_actors_01-24/Actor_01/03-01-01-01-01-01-01.wav of Actor_01/03-01-01-01-01-01-01.wav'
    )
    assert songs == '4 sound files beside the clips of RAVDESS are left out: their names are none of its clips'


def test_the_same_folder_without_copies_has_the_same_clips(tmp_path):
    nested = find_clips(RAVDESS, lay(tmp_path / 'nested', kaggle())).clips
    plain = {name: content for name, content in kaggle().items() if name.startswith('Actor_')}
    alone = find_clips(RAVDESS, lay(tmp_path / 'plain', plain))
    assert [clip.name for clip in alone.clips] == [clip.name for clip in nested]
    assert not any('left out' in remark for remark in alone.remarks)


def test_a_zip_of_it_is_read_with_the_same_note(tmp_path):
    folder = lay(tmp_path / 'nested', kaggle())
    packed = read_corpus(shutil.make_archive(str(tmp_path / 'archive'), 'zip', folder))
    corpus = read_corpus(folder)
    assert [clip.name for clip in packed.clips] == [clip.name for clip in corpus.clips]
    for left_out in ('copies', 'none of its clips'):
        (in_zip,), (in_folder,) = ([text for text in each.remarks if left_out in text] for each in (packed, corpus))
        assert in_zip.partition(', such as')[0] == in_folder.partition(', such as')[0]


@pytest.mark.parametrize('other', ['audio_speech/03-01-05-01-01-01-02.wav', 'Actor_02/03-01-05-01-01-01-02.FLAC'])
def test_two_clips_of_one_name_that_differ_are_refused_by_both_names(tmp_path, refuses, other):
    first = 'Actor_02/03-01-05-01-01-01-02.wav'
    lay(tmp_path, {first: b'one', other: b'two', 'Actor_01/03-01-01-01-01-01-01.wav': b'three'})
    with refuses(str(tmp_path / first), str(tmp_path / other), 'as the same clip, and differ', 'remove'):
        find_clips(RAVDESS, tmp_path)


def test_a_suffix_in_capitals_is_a_copy_too(tmp_path):
    name = 'Actor_02/03-01-05-01-01-01-02'
    found = find_clips(RAVDESS, lay(tmp_path, {f'{name}.WAV': b'one', f'{name}.wav': b'one'}))
    assert len(found.clips) == 1 and any('copies' in remark for remark in found.remarks)


@pytest.mark.parametrize('key', ELSEWHERE)
def test_a_copy_that_is_laid_out_otherwise_is_the_same_clip(tmp_path, key):
    scheme = SCHEMES[key]
    stems = (scheme.example, *ELSEWHERE[key])
    lay(tmp_path, {f'{stem}.wav': b'sound' for stem in stems})
    if scheme.table:
        (tmp_path / 'train_sent_emo.csv').write_text('Speaker,Emotion,Dialogue_ID,Utterance_ID\nMonica,joy,0,0\n')
    found = find_clips(scheme, tmp_path)
    assert len(found.clips) == 1
    assert any(remark.startswith(f'{len(stems) - 1} files of {scheme.name} are left out') for remark in found.remarks)
    lay(tmp_path, {f'{stems[-1]}.wav': b'noise'})
    with pytest.raises(SerError, match='differ'):
        find_clips(scheme, tmp_path)


BESIDE = (
    'Thumbs.db',
    '.DS_Store',
    'desktop.ini',
    'readme.txt',
    '._clip.wav',
    '__MACOSX/clip.wav',
    'corpus.zip',
    'a/b.png',
)
places = st.lists(st.sampled_from(['copy', 'Data', 'wav', 'x y', 'ä', 'TESS']), max_size=3).map('/'.join)
NAMED_ALONE = sorted(key for key in SCHEMES if not SCHEMES[key].table)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_however_often_a_corpus_is_copied_each_clip_counts_once(tmp_path_factory, data):
    scheme = SCHEMES[data.draw(st.sampled_from(NAMED_ALONE))]
    stem = scheme.example.replace('SPEAKER', SPEAKER)
    layout = data.draw(st.lists(places, min_size=1, max_size=4, unique=True))
    suffixes = [data.draw(st.sampled_from(['.wav', '.WAV', '.flac'])) for _ in layout]
    contents = [data.draw(st.sampled_from([b'one', b'one', b'one', b'two'])) for _ in layout]
    files = {
        f'{place}/{stem}{suffix}'.lstrip('/'): content
        for place, suffix, content in zip(layout, suffixes, contents, strict=True)
    }
    files |= dict.fromkeys(data.draw(st.sets(st.sampled_from(BESIDE))), b'beside')
    folder = lay(tmp_path_factory.mktemp('copies'), files)
    if len(set(contents)) > 1:
        with pytest.raises(SerError, match='differ'):
            find_clips(scheme, folder)
        return
    found = find_clips(scheme, folder)
    assert len(found.clips) == 1
    told = [remark for remark in found.remarks if 'copies' in remark]
    assert [remark.split()[0] for remark in told] == ([str(len(layout) - 1)] if len(layout) > 1 else [])
    assert not any('none of its clips' in remark for remark in found.remarks)
