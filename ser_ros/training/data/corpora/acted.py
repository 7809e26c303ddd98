# SPDX-License-Identifier: Apache-2.0
"""Corpora of acted emotion whose file names say everything."""

from ser_ros.emotions import RAVDESS_CODES
from ser_ros.training.data.corpora.scheme import Scheme

RAVDESS = Scheme(
    key='ravdess',
    name='RAVDESS',
    languages=('en',),
    example='Actor_12/03-01-06-02-02-01-12',
    pattern=r'03-01-(?P<emotion>\d\d)-(?P<intensity>\d\d)-(?P<statement>\d\d)-(?P<repetition>\d\d)-(?P<speaker>\d\d)',
    codes={
        'emotion': RAVDESS_CODES,
        'intensity': {'01': 'normal', '02': 'strong'},
        'statement': {'01': 'Kids are talking by the door', '02': 'Dogs are sitting by the door'},
        'repetition': {'01': '1', '02': '2'},
        'speaker': {f'{actor:02d}': str(actor) for actor in range(1, 25)},
    },
    sexes={str(actor): 'male' if actor % 2 else 'female' for actor in range(1, 25)},
    clips=1440,
    speakers=24,
    clips_each=60,
    licence='cc-by-nc-sa-4.0',
    source='Livingstone and Russo 2018, PLoS ONE 13(5) e0196391; Zenodo record 1188976',
)

CREMA_D = Scheme(
    key='crema-d',
    name='CREMA-D',
    languages=('en',),
    example='AudioWAV/1001_DFA_ANG_XX',
    pattern=r'(?P<speaker>1\d{3})_(?P<statement>[A-Z]{3})_(?P<emotion>[A-Z]{3})_(?P<intensity>XX|X|LO|MD|HI)',
    codes={
        'emotion': {
            'ANG': 'angry',
            'DIS': 'disgust',
            'FEA': 'fearful',
            'HAP': 'happy',
            'NEU': 'neutral',
            'SAD': 'sad',
        },
        'intensity': {'XX': '', 'X': '', 'LO': 'low', 'MD': 'medium', 'HI': 'high'},
    },
    clips=7442,
    speakers=91,
    licence='odbl',
    source='Cao et al. 2014, IEEE Transactions on Affective Computing 5(4)',
)

TESS = Scheme(
    key='tess',
    name='TESS',
    languages=('en',),
    example='OAF_Fear/OAF_back_fear',
    pattern=r'(?P<speaker>[OY]AF?)_(?P<statement>\w+)_(?P<emotion>[a-z]+)',
    codes={
        # One file of the older woman's is called OA.
        'speaker': {'OAF': 'OAF', 'OA': 'OAF', 'YAF': 'YAF'},
        'emotion': {
            'angry': 'angry',
            'disgust': 'disgust',
            'fear': 'fearful',
            'happy': 'happy',
            'neutral': 'neutral',
            'ps': 'surprised',
            'sad': 'sad',
        },
    },
    sexes={'OAF': 'female', 'YAF': 'female'},
    clips=2800,
    speakers=2,
    clips_each=1400,
    licence='cc-by-nc-nd-4.0',
    source='Pichora-Fuller and Dupuis 2020, doi 10.5683/SP2/E8H2MF',
)

SAVEE = Scheme(
    key='savee',
    name='SAVEE',
    languages=('en',),
    example='AudioData/JK/sa07',
    pattern=r'(?P<speaker>DC|JE|JK|KL)[/_](?P<emotion>sa|su|[a-z])(?P<statement>\d\d)',
    clip_name=r'\g<speaker>/\g<emotion>\g<statement>',  # in some copies DC/a01, in others DC_a01
    codes={
        'emotion': {
            'a': 'angry',
            'd': 'disgust',
            'f': 'fearful',
            'h': 'happy',
            'n': 'neutral',
            'sa': 'sad',
            'su': 'surprised',
        },
    },
    sexes=dict.fromkeys(('DC', 'JE', 'JK', 'KL'), 'male'),
    clips=480,
    speakers=4,
    clips_each=120,
    licence='research, on registration',
    source='Haq and Jackson 2010',
)

EMO_DB = Scheme(
    key='emodb',
    name='EMO-DB',
    languages=('de',),
    example='wav/03a01Fa',
    pattern=r'(?P<speaker>\d\d)(?P<statement>[ab]\d\d)(?P<emotion>[A-Z])[a-z]?',
    codes={
        'emotion': {
            'W': 'angry',
            'L': '',  # boredom
            'E': 'disgust',
            'A': 'fearful',
            'F': 'happy',
            'T': 'sad',
            'N': 'neutral',
        },
    },
    sexes=dict.fromkeys(('03', '10', '11', '12', '15'), 'male')
    | dict.fromkeys(('08', '09', '13', '14', '16'), 'female'),
    clips=535,
    speakers=10,
    licence='cc0-1.0',
    source='Burkhardt et al. 2005, Interspeech; licence as audEERING publishes it (audb, emodb 1.1.0)',
)

EMOVO = Scheme(
    key='emovo',
    name='EMOVO',
    languages=('it',),
    example='m2/rab-m2-b1',
    pattern=r'(?P<emotion>[a-z]{3})-(?P<speaker>(?P<sex>[fm])[123])-(?P<statement>\w\d)',
    codes={
        'emotion': {
            'neu': 'neutral',
            'gio': 'happy',
            'tri': 'sad',
            'rab': 'angry',
            'pau': 'fearful',
            'dis': 'disgust',
            'sor': 'surprised',
        },
        'sex': {'f': 'female', 'm': 'male'},
    },
    clips=588,
    speakers=6,
    clips_each=98,
    source='Costantini et al. 2014, LREC',
)

NEMO = Scheme(
    key='nemo',
    name='nEMO',
    languages=('pl',),
    example='samples/EB0_surprised_43',
    pattern=r'(?P<speaker>[A-Z]{2}\d)_(?P<emotion>[a-z]+)_(?P<statement>\d+)',
    codes={
        'emotion': {
            'anger': 'angry',
            'fear': 'fearful',
            'happiness': 'happy',
            'neutral': 'neutral',
            'sadness': 'sad',
            'surprised': 'surprised',
        },
    },
    sexes=dict.fromkeys(('EB0', 'IC0', 'KD0', 'MK0'), 'female')
    | dict.fromkeys(('KS0', 'MP0', 'SM0', 'TP0', 'WR0'), 'male'),
    clips=4481,
    speakers=9,
    licence='cc-by-nc-sa-4.0',
    source='Christop 2024, LREC-COLING',
)

ASED = Scheme(
    key='ased',
    name='ASED',
    languages=('am',),
    example='05Angry/a5-03-01-02-50',
    pattern=r'(?P<emotion>[A-Za-z])\d-(?P<statement>\d\d)-(?P<repetition>\d\d)-(?P<sex>\d\d)-(?P<speaker>\d\d)',
    codes={
        # One file, S4-04-02-01-29, has a capital letter.
        'emotion': {'n': 'neutral', 'f': 'fearful', 'h': 'happy', 's': 'sad', 'S': 'sad', 'a': 'angry'},
        'sex': {'01': 'female', '02': 'male'},
    },
    clips=2474,
    speakers=65,
    source='Retta et al. 2022, arXiv 2201.02710',
)

EMOSPEECH = Scheme(
    key='emospeech',
    name='Indian EmoSpeech Command Dataset',
    languages=('en', 'hi'),
    example='House/help-safe-calm-20190709085858-SPEAKER',
    # The hash that stands for all people who are not known is no speaker.
    pattern=(
        r'(?P<statement>[a-z]+)-[a-z ]+-(?P<emotion>[A-Za-z]+)-[\d.?]+-'
        r'(?:d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f|(?P<speaker>[0-9a-f]{56}))'
    ),
    codes={
        'emotion': {'happy': 'happy', 'angry': 'angry', 'fearful': 'fearful', 'calm': 'calm', 'None': ''},
    },
    licence='cc-by-nc-sa-4.0',
    source='Banga et al. 2019, arXiv 1910.13801',
)

ESD = Scheme(
    key='esd',
    name='ESD',
    languages=('en', 'zh'),
    example='0011/Surprise/train/0011_001501',
    pattern=(
        r'(?P<emotion>Angry|Happy|Neutral|Sad|Surprise)/(?:(?:train|evaluation|test)/)?'
        r'(?P<number>(?P<speaker>00[012]\d)_\d{6})'
    ),
    clip_name=r'\g<number>',  # some copies are divided into train, evaluation and test, others not
    codes={
        'emotion': {
            'Angry': 'angry',
            'Happy': 'happy',
            'Neutral': 'neutral',
            'Sad': 'sad',
            'Surprise': 'surprised',
        },
    },
    clips=35000,
    speakers=20,
    clips_each=1750,
    licence='research, on request',
    source='Zhou et al. 2021, ICASSP',
)

JL = Scheme(
    key='jl',
    name='JL corpus',
    languages=('en',),
    example='Raw JL corpus/female1_sad_10a_1',
    pattern=r'(?P<speaker>(?P<sex>female|male)[12])_(?P<emotion>[a-z]+)_(?P<statement>\d+[ab])_(?P<repetition>\d)',
    codes={
        'emotion': {
            'angry': 'angry',
            'happy': 'happy',
            'neutral': 'neutral',
            'sad': 'sad',
            **dict.fromkeys(('excited', 'anxious', 'apologetic', 'assertive', 'concerned', 'encouraging'), ''),
        },
    },
    clips=2400,
    speakers=4,
    clips_each=600,
    licence='cc0-1.0',
    source='James et al. 2018, Interspeech',
)

EMOTION_TTS = Scheme(
    key='emotiontts',
    name='EmotionTTS',
    languages=('ko',),
    example='emotional-to-emotional/nea/wav/nea00105',
    # Numbers 1 to 100 are neutral, and so on; a twentieth of them is public.
    pattern=r'(?P<speaker>em[abfgh]|ne[a-ek-o])00(?P<emotion>\d{3})',
    codes={
        'emotion': {
            f'{number:03d}': ('neutral', 'happy', 'angry', 'sad')[(number - 1) // 100] for number in range(1, 401)
        },
    },
    sexes=dict.fromkeys(('ema', 'emb', 'nea', 'neb', 'nec', 'ned', 'nee'), 'female')
    | dict.fromkeys(('emf', 'emg', 'emh', 'nek', 'nel', 'nem', 'nen', 'neo'), 'male'),
    clips=300,
    speakers=15,
    clips_each=20,
    licence='cc-by-nc-sa-4.0',
    source='SELVAS AI and KAIST 2018, github.com/emotiontts/emotiontts_open_db, the emotional part',
)

URDU = Scheme(
    key='urdu',
    name='URDU-Dataset',
    languages=('ur',),
    example='Angry/SM1_F10_A010',
    # Of talk shows: nobody acts. The number after F counts a speaker's files, the last one those of an emotion.
    pattern=r'S(?P<speaker>(?P<sex>[MF])\d+)_F(?P<repetition>\d+)_(?P<emotion>[AHNS])\d+',
    codes={
        'emotion': {'A': 'angry', 'H': 'happy', 'N': 'neutral', 'S': 'sad'},
        'sex': {'F': 'female', 'M': 'male'},
    },
    clips=400,
    speakers=38,
    licence='research',
    source='Latif et al. 2018, arXiv 1812.10411',
)

TUREV = Scheme(
    key='turev',
    name='TurEV-DB',
    languages=('tr',),
    example='Sound Source/Angry/1157_kz_acik',
    # Single words. Spectrograms and filtered copies that the repository also holds are in other folders.
    pattern=r'Sound Source/[A-Za-z]+/(?P<number>(?P<speaker>\d{4})_(?P<emotion>[a-z]{2})_(?P<statement>\w+))',
    clip_name=r'\g<number>',
    codes={'emotion': {'kz': 'angry', 'sk': 'calm', 'mt': 'happy', 'hl': 'sad'}},
    clips=1735,
    speakers=6,
    licence='cc-by-nc-nd-4.0',
    source='Canpolat et al. 2020, SLTU-CCURL; licence as its README has it, the file LICENSE is of the GPL 3',
)
