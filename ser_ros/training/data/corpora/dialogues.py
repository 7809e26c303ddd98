# SPDX-License-Identifier: Apache-2.0
"""Corpora of people in conversation, whose emotions stand in tables beside the recordings."""

import csv
import re
from pathlib import Path

from ser_ros.errors import SerError, reason
from ser_ros.training.data.corpora.scheme import Fields, Scheme

_IEMOCAP_LINE = re.compile(r'\[[\d.]+ - [\d.]+\]\t(\w+)\t(\w+)\t')
_MELD_SPLITS = ('train', 'dev', 'test')


def _iemocap_fields(folder: Path) -> dict[str, Fields]:
    """Read the evaluations below `folder`, in each of which a line `[start - end] utterance emotion` begins a block."""
    fields: dict[str, Fields] = {}
    for path in sorted(folder.rglob('EmoEvaluation/Ses*.txt')):
        for utterance, emotion in _IEMOCAP_LINE.findall(path.read_text(encoding='latin-1')):
            # Ses01F_impro01_M003 is spoken by the man of the first session.
            sex = utterance.rpartition('_')[2][:1]
            fields[utterance] = {'emotion': emotion, 'speaker': f'{utterance[3:5]}{sex}', 'sex': sex}
    if not fields:
        raise SerError(f'{folder} has no dialog/EmoEvaluation/Ses*.txt; give the whole of IEMOCAP, as it is released')
    return fields


def _meld_fields(folder: Path) -> dict[str, Fields]:
    """Read the tables of the three parts below `folder`."""
    fields: dict[str, Fields] = {}
    for split in _MELD_SPLITS:
        for path in sorted(folder.rglob(f'{split}_sent_emo.csv')):
            try:
                with path.open(encoding='utf-8-sig', newline='') as file:
                    for row in csv.DictReader(file):
                        name = f'{split}/dia{row["Dialogue_ID"]}_utt{row["Utterance_ID"]}'
                        fields[name] = {'emotion': row['Emotion'], 'speaker': row['Speaker']}
            except (KeyError, UnicodeDecodeError, csv.Error) as error:
                raise SerError(f"{path} is not MELD's table ({reason(error)}); copy it again") from None
    if not fields:
        raise SerError(f"{folder} has no train_sent_emo.csv, dev_sent_emo.csv or test_sent_emo.csv; add MELD's tables")
    return fields


IEMOCAP = Scheme(
    key='iemocap',
    name='IEMOCAP',
    languages=('en',),
    example='Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000',
    pattern=r'(?P<utterance>Ses0[1-5][FM]_\w+_[FM]\d{3})',
    codes={
        'emotion': {
            'neu': 'neutral',
            'hap': 'happy',
            'sad': 'sad',
            'ang': 'angry',
            'fea': 'fearful',
            'dis': 'disgust',
            'sur': 'surprised',
            **dict.fromkeys(('exc', 'fru', 'oth', 'xxx'), ''),
        },
        'sex': {'F': 'female', 'M': 'male'},
    },
    table=_iemocap_fields,
    clips=10039,
    speakers=10,
    licence='research, by agreement',
    source='Busso et al. 2008, Language Resources and Evaluation 42',
)

MELD = Scheme(
    key='meld',
    name='MELD',
    languages=('en',),
    example='train/dia0_utt0',
    # The films of the corpus as sound, in the folders of their parts: train_splits, dev_splits_complete and
    # output_repeated_splits_test, or train, dev and test.
    pattern=r'(?:\w+_)?(?P<split>train|dev|test)(?:_\w+)?/(?:\w+/)*(?P<utterance>dia\d+_utt\d+)',
    clip_name=r'\g<split>/\g<utterance>',
    codes={
        'emotion': {
            'neutral': 'neutral',
            'joy': 'happy',
            'sadness': 'sad',
            'anger': 'angry',
            'fear': 'fearful',
            'disgust': 'disgust',
            'surprise': 'surprised',
        },
    },
    table=_meld_fields,
    clips=13708,
    licence='gpl-3.0',
    source='Poria et al. 2019, ACL',
)
