# SPDX-License-Identifier: Apache-2.0
"""RAVDESS speech clips: found in a folder by their names, parsed and checked.

Livingstone and Russo 2018, PLoS ONE 13(5) e0196391. A name is seven two-digit fields:
modality-channel-emotion-intensity-statement-repetition-actor.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from ser_ros.emotions import RAVDESS_CODES
from ser_ros.errors import SerError
from ser_ros.training.data.clip import Clip

SPEAKERS = tuple(range(1, 25))
"""Actor numbers; odd ones are male, even ones female."""

CLIPS_PER_SPEAKER = 60
"""4 neutral ones (only of normal intensity) and 8 of each other emotion."""

URL = 'https://zenodo.org/records/1188976/files/Audio_Speech_Actors_01-24.zip?download=1'
"""The official zip of all 1440 speech clips (208 MB, CC BY-NC-SA 4.0)."""

ARCHIVE = 'Audio_Speech_Actors_01-24.zip'
"""Its file name."""

MD5 = 'bc696df654c87fed845eb13823edef8a'
"""Its MD5 sum, as Zenodo's record 1188976 states it."""

STATEMENTS = {'01': 'Kids are talking by the door', '02': 'Dogs are sitting by the door'}
"""The two sentences that are spoken, by their codes."""

SUFFIXES = ('.wav', '.flac')

_NAME = re.compile(r'(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)')
_AUDIO_ONLY_SPEECH = ('03', '01')
_INTENSITIES = {'01': 'normal', '02': 'strong'}
_REPETITIONS = {'01': 1, '02': 2}


def is_clip_name(stem: str) -> bool:
    """Return whether a file name without its suffix has the form of an audio-only speech clip."""
    match = _NAME.fullmatch(stem)
    return match is not None and match.groups()[:2] == _AUDIO_ONLY_SPEECH


def parse_clip(path: Path) -> Clip | None:
    """Return the clip at `path`, or None if the name is not that of a RAVDESS audio-only speech clip.

    Raises SerError if it has that form but holds a code that RAVDESS does not have.
    """
    if not is_clip_name(path.stem):
        return None
    emotion, intensity, statement, repetition, actor = path.stem.split('-')[2:]
    try:
        if int(actor) not in SPEAKERS:
            raise KeyError(actor)
        return Clip(
            path=path,
            name=path.stem,
            emotion=RAVDESS_CODES[emotion],
            speaker=int(actor),
            intensity=_INTENSITIES[intensity],
            statement=STATEMENTS[statement],
            repetition=_REPETITIONS[repetition],
            sex='male' if int(actor) % 2 else 'female',
        )
    except KeyError as error:
        raise SerError(
            f"{path} has the code '{error.args[0]}', which RAVDESS does not have at that place "
            '(modality-channel-emotion-intensity-statement-repetition-actor); rename or remove it'
        ) from None


def find_clips(folder: Path) -> tuple[Clip, ...]:
    """Return every audio-only speech clip below `folder`, at any depth, ordered by name.

    Songs, videos and files with other names are ignored.

    Raises:
        SerError: There is no such clip, one has a code that RAVDESS does not have, or two have the same name (the
            copies in some downloads would be in training and test at once).
    """
    if not folder.is_dir():
        raise SerError(f'the data folder {folder} does not exist; give the folder of the RAVDESS speech clips')
    paths = sorted(path for path in folder.rglob('*') if path.suffix.lower() in SUFFIXES and path.is_file())
    clips = [clip for clip in map(parse_clip, paths) if clip is not None]
    if not clips:
        raise SerError(
            f'{folder} holds no RAVDESS speech clip (such as 03-01-05-01-02-01-16.wav); '
            f'give the folder of {ARCHIVE}, unpacked, or a CSV table of other recordings'
        )
    by_name: dict[str, Clip] = {}
    for clip in clips:
        twin = by_name.setdefault(clip.name, clip)
        if twin is not clip:
            raise SerError(f'{twin.path} and {clip.path} are the same clip; remove one of the copies')
    return tuple(by_name[name] for name in sorted(by_name))


def incomplete_speakers(clips: Iterable[Clip]) -> list[str]:
    """Return one line for each wrong number of clips that some actors have: 'actor 7 has 59 of 60 clips'.

    Empty for the whole of RAVDESS, and if any clip is not from RAVDESS.
    """
    clips = list(clips)
    if not all(is_clip_name(clip.name) for clip in clips):
        return []
    counts = Counter(clip.speaker for clip in clips)
    actors = defaultdict(list)
    for speaker in SPEAKERS:
        if counts[speaker] != CLIPS_PER_SPEAKER:
            actors[counts[speaker]].append(speaker)
    return [
        f'actor{"s" * (len(some) > 1)} {", ".join(map(str, some))} {"have" if len(some) > 1 else "has"} '
        f'{count} of {CLIPS_PER_SPEAKER} clips'
        for count, some in sorted(actors.items())
    ]
